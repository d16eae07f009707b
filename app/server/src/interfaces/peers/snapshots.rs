//! Snapshots of the database on the active server: one at a time, soon after a change, only after a change.

use super::Peers;
use crate::{
    Service,
    changes::Change,
    cluster::copy_schedule::Schedule,
    db::{Copies, DatabaseWatch, Manifest, StoreError},
};
use aws_lc_rs::digest::{Context, SHA256};
use axum::body::Body;
use bytes::Bytes;
use chrono::Local;
use model::Role;
use std::{
    fs, io,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tempfile::TempPath;
use tokio::{
    io::{AsyncReadExt as _, AsyncSeekExt as _},
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// Changes that come this close together share a snapshot.
const COALESCE: Duration = Duration::from_millis(300);
/// Between looks at the database, for changes that nobody announced: another program's.
const LOOK: Duration = Duration::from_secs(1);
/// Between snapshots of a database that never rests.
const REST: Duration = Duration::from_millis(700);
/// After a snapshot that failed, mostly for want of space.
const RETRY: Duration = Duration::from_secs(5);
const CHUNK_BYTES: usize = 64 << 10;

/// A snapshot on disk; the file goes when nobody needs it any more.
pub(super) struct Snapshot {
    pub(super) manifest: Manifest,
    file: TempPath,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the snapshot's file cannot be written or read")]
    Io(#[from] io::Error),
}

/// Keeps the newest snapshot as new as the database, while this server is the active one.
pub(super) async fn keep(peers: Arc<Peers>, schedule: Schedule, stop: CancellationToken) {
    let (service, mut roles) = (&peers.service, peers.service.roles.watch());
    if !service.store.has_file() {
        return;
    }
    if let Err(error) = Copies::of(service.store.folder()).clear_outgoing() {
        tracing::warn!(%error, "old snapshots could not be removed");
    }
    let work = async {
        loop {
            if roles.wait_for(|record| record.role == Role::Active).await.is_err() {
                return;
            }
            if let Err(error) = clear(service) {
                tracing::warn!(%error, "old copies could not be removed");
            }
            let ended = tokio::select! {
                ended = follow(service, &peers.latest, &schedule) => Some(ended),
                _ = roles.wait_for(|record| record.role != Role::Active) => None,
            };
            if let Some(Err(error)) = ended {
                tracing::error!(error = &error as &dyn std::error::Error, "no snapshot of the database can be taken");
                tokio::time::sleep(RETRY).await;
            }
        }
    };
    stop.run_until_cancelled(work).await;
}

/// Removes the copies of a time as standby.
fn clear(service: &Service) -> io::Result<()> {
    let copies = Copies::of(service.store.folder());
    copies.prepare()?;
    copies.sweep(&[], SystemTime::now())
}

async fn follow(
    service: &Service,
    latest: &watch::Sender<Option<Arc<Snapshot>>>,
    schedule: &Schedule,
) -> Result<std::convert::Infallible, SnapshotError> {
    let mut changes = service.changes().listen();
    let mut database = service.store.watch_commits().await?;
    let mut taken = None;
    let mut last: Option<Instant> = None;
    loop {
        let version = database.version().await?;
        if taken == Some(version) {
            await_change(&mut changes, &mut database, version).await?;
            tokio::time::sleep(COALESCE).await;
        }
        if let Some(before) = last {
            let due = schedule.wait(Instant::now().duration_since(before), Local::now());
            // Whoever asks for one now need not wait.
            let _ = timeout(due, service.copy_asked.notified()).await;
        }
        last = Some(Instant::now());
        // Read before the snapshot: what is committed after this look is found by the next.
        taken = Some(database.version().await?);
        let snapshot = take(service).await?;
        let known = latest.borrow().as_ref().map(|old| old.manifest.sha256.clone());
        if known.as_ref() != Some(&snapshot.manifest.sha256) {
            tracing::debug!(generation = snapshot.manifest.generation, size = snapshot.manifest.size, "snapshot taken");
            latest.send_replace(Some(Arc::new(snapshot)));
        }
        tokio::time::sleep(REST).await;
    }
}

/// Returns when the database is not at `version` any more.
async fn await_change(
    changes: &mut broadcast::Receiver<Change>,
    database: &mut DatabaseWatch,
    version: i64,
) -> Result<(), StoreError> {
    loop {
        match timeout(LOOK, changes.recv()).await {
            Ok(Ok(Change::Device { .. } | Change::WaitingDevice | Change::Server)) => {}
            Ok(Ok(Change::Database | Change::Event | Change::Rollout) | Err(RecvError::Lagged(_))) | Err(_) => {
                if database.version().await? != version {
                    return Ok(());
                }
            }
            // The service is gone, and this task goes with it.
            Ok(Err(RecvError::Closed)) => tokio::time::sleep(LOOK).await,
        }
    }
}

pub(super) async fn take(service: &Service) -> Result<Snapshot, SnapshotError> {
    let file = Copies::of(service.store.folder()).outgoing()?;
    let taken_at = service.clock.now_text();
    let content = service.store.snapshot_database(&file).await?;
    let hashed = file.to_path_buf();
    let (sha256, size) = tokio::task::spawn_blocking(move || digest_of(&hashed)).await.map_err(io::Error::other)??;
    let generation = service.store.next_generation().await?;
    Ok(Snapshot { manifest: Manifest { sha256, size, taken_at, generation, content }, file })
}

/// SHA-256 in hexadecimal, and the size in bytes.
fn digest_of(file: &Path) -> io::Result<(String, u64)> {
    let mut context = Context::new(&SHA256);
    let mut reader = fs::File::open(file)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut size = 0;
    loop {
        let read = io::Read::read(&mut reader, &mut chunk)?;
        if read == 0 {
            return Ok((hex::encode(context.finish()), size));
        }
        size += read as u64;
        context.update(&chunk[..read]);
    }
}

/// The snapshot's bytes after the first `from`, as they are read from the disk.
pub(super) async fn body(snapshot: &Arc<Snapshot>, from: u64) -> io::Result<Body> {
    let mut file = tokio::fs::File::open(&snapshot.file).await?;
    file.seek(io::SeekFrom::Start(from)).await?;
    // The snapshot goes along so that its file stays as long as somebody reads it.
    let chunks = futures::stream::try_unfold((file, snapshot.clone()), |(mut file, snapshot)| async move {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, io::Error>((read > 0).then(|| (Bytes::from(chunk), (file, snapshot))))
    });
    Ok(Body::from_stream(chunks))
}
