//! How a standby gets the database: fetched when the active server has a newer one, checked, then put to use.

use super::{
    Peers, client_config,
    line::{CallError, Line},
};
use crate::{
    cluster::peers_file,
    db::{Copies, CopyFlaw, Manifest, PartOfCopy, Store, StoreError, adopt},
    keys::Keys,
};
use aws_lc_rs::digest::{Context, SHA256};
use gateway::tls::TlsError;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use model::Role;
use rustls::ClientConfig;
use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Without a byte for this long the transfer is given up.
const STALL_LIMIT: Duration = Duration::from_secs(10);
const CHUNK_BYTES: usize = 64 << 10;
/// Before a copy that was refused is asked for again.
const RETRY: Duration = Duration::from_secs(2);
/// Between two tries to get a first copy.
const FIRST_COPY_PAUSE: Duration = Duration::from_millis(300);

/// Which copy is to be had, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) manifest: Manifest,
    pub(super) server: String,
}

/// Why no copy came, or not this one.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the copy broke off: {0}")]
    BrokeOff(String),
    #[error("the copy is not what was announced: {0}")]
    Altered(String),
    #[error(transparent)]
    Flaw(#[from] CopyFlaw),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the copy cannot be stored")]
    Io(#[from] io::Error),
}

/// Why a new standby has no database yet.
#[derive(Debug, thiserror::Error)]
pub enum FirstCopyError {
    /// The databases.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Nobody gave one.
    #[error(
        "this server has no copy of the database yet and got none ({0}); start it again while the active server runs"
    )]
    None(String),
}

/// Opens a standby's store. On the first start after joining, when there is no copy of the database, fetches it.
///
/// # Errors
///
/// When there is no copy and none came while `patience` lasted, or when the databases do not open.
pub async fn open_standby(
    folder: &Path,
    keys: &Keys,
    installation_id: &str,
    patience: Duration,
) -> Result<Store, FirstCopyError> {
    if let Some(store) = Store::open_standby(folder).await? {
        return Ok(store);
    }
    let dial = client_config(keys, installation_id)?;
    let copies = Copies::of(folder);
    let begun = Instant::now();
    loop {
        let mut failure = "no other server is known".to_owned();
        for address in peers_file::load(folder).iter().flat_map(|server| &server.addresses) {
            match first_copy(address, &dial, &copies, installation_id).await {
                Ok(()) => return Store::open_standby(folder).await?.ok_or(FirstCopyError::None(failure)),
                Err(error) => failure = error.to_string(),
            }
        }
        if begun.elapsed() >= patience {
            return Err(FirstCopyError::None(failure));
        }
        tracing::info!(failure, "waiting for the first copy of the database");
        tokio::time::sleep(FIRST_COPY_PAUSE).await;
    }
}

async fn first_copy(
    address: &str,
    dial: &Arc<ClientConfig>,
    copies: &Copies,
    installation_id: &str,
) -> Result<(), CopyError> {
    let mut line = Line::dial(address, dial).await?;
    let manifest = fetch(&mut line, copies).await?;
    adopt(copies, &manifest, Some((installation_id, 0))).await?.close().await;
    Ok(())
}

/// Fetches and activates what is offered.
pub(super) async fn follow(peers: Arc<Peers>, mut offered: watch::Receiver<Option<Offer>>, stop: CancellationToken) {
    let work = async {
        while offered.changed().await.is_ok() {
            let Some(offer) = offered.borrow_and_update().clone() else { continue };
            if peers.service.role() != Role::Standby {
                continue;
            }
            let begun = Instant::now();
            let renewed = renew_as_offered(&peers, &offer).await;
            peers.service.metrics.copied(renewed.is_ok(), begun.elapsed());
            match renewed {
                Ok(manifest) => {
                    tracing::info!(generation = manifest.generation, taken_at = manifest.taken_at, "newer copy in use");
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        generation = offer.manifest.generation,
                        "a copy of the database was not put to use; the one in use stays"
                    );
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    };
    stop.run_until_cancelled(work).await;
}

async fn renew_as_offered(peers: &Peers, offer: &Offer) -> Result<Manifest, CopyError> {
    let mut line = peers.dial(&offer.server).await?;
    renew(peers, &mut line).await
}

/// Fetches the newest copy and works with it from now on.
pub(super) async fn renew(peers: &Peers, line: &mut Line) -> Result<Manifest, CopyError> {
    let copies = Copies::of(peers.service.store.folder());
    // Two transfers would write to one file.
    let _turn = peers.transfer.lock().await;
    let begun = Instant::now();
    let manifest = fetch(line, &copies).await?;
    let epoch = peers.service.known_epoch().number;
    peers.service.store.activate_copy(&manifest, epoch).await?;
    peers.service.note_copy(begun.elapsed());
    Ok(manifest)
}

/// Brings the newest snapshot into the copies' folder and compares it with what its manifest says.
pub(super) async fn fetch(line: &mut Line, copies: &Copies) -> Result<Manifest, CopyError> {
    let begun = copies.begun()?;
    let (manifest, from, body) = line.copy(begun.as_ref()).await?;
    let resumed =
        begun.is_some_and(|begun| from > 0 && begun == PartOfCopy { sha256: manifest.sha256.clone(), size: from });
    if from > 0 && !resumed {
        return Err(CopyError::Altered(format!("it begins at byte {from}")));
    }
    if resumed {
        tracing::info!(from, of = manifest.size, "a copy that broke off goes on");
    }
    let incoming = copies.incoming_of(&manifest, resumed)?;
    let arrived = receive(&incoming, from, body, &manifest).await;
    if let Err(CopyError::Altered(_)) = &arrived {
        copies.incoming()?;
    }
    arrived.map(|()| manifest)
}

/// Writes what arrives behind the `from` bytes that are there.
async fn receive(file: &Path, from: u64, mut body: Incoming, manifest: &Manifest) -> Result<(), CopyError> {
    let mut writer = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(file).await?;
    let mut context = Context::new(&SHA256);
    let mut size = 0_u64;
    let mut chunk = vec![0; CHUNK_BYTES];
    while size < from {
        let wanted = usize::try_from(from - size).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        writer.read_exact(&mut chunk[..wanted]).await?;
        context.update(&chunk[..wanted]);
        size += wanted as u64;
    }
    loop {
        let frame = timeout(STALL_LIMIT, body.frame()).await.map_err(|_| CallError::TooLate)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|error| CopyError::BrokeOff(error.to_string()))?.into_data() else { continue };
        size += data.len() as u64;
        if size > manifest.size {
            return Err(CopyError::Altered(format!("more than {} bytes", manifest.size)));
        }
        context.update(&data);
        writer.write_all(&data).await?;
    }
    writer.sync_all().await?;
    let sha256 = hex::encode(context.finish());
    if size != manifest.size || sha256 != manifest.sha256 {
        let Manifest { sha256: announced, size: of, .. } = manifest;
        return Err(CopyError::Altered(format!("{size} of {of} bytes, SHA-256 {sha256} instead of {announced}")));
    }
    Ok(())
}
