//! This crate's server over a directory that admits everybody and keeps nothing.

use crate::{Failure, keys};
use gateway::server::{
    self, Admission, Directory, EnrolDecision, Enrolment, Handle, Identity, Progress, Refusal, Registration, Renewal,
    SessionId, Settings,
};
use gateway::wire::{DeviceId, Epoch, EventUpload, Reason, Role, ServerList};
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// As the default has it.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// What a directory that keeps nothing lets one core take, roughly; a real one is slower.
const CAPACITY_PER_S: u32 = 2000;

/// The defaults for a process that has one core.
fn one_core() -> Settings {
    Settings { handshakes_max: 32, capacity_per_s: CAPACITY_PER_S, ..Settings::default() }
}

pub(crate) struct Ours {
    handle: Handle,
    directory: Arc<Everybody>,
}

#[derive(Default)]
struct Everybody {
    list: Mutex<Option<ServerList>>,
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
}

impl Ours {
    pub(crate) fn start(address: SocketAddr, tls: Arc<ServerConfig>, patience: Duration) -> Result<Self, Failure> {
        let directory = Arc::new(Everybody::default());
        let settings =
            Settings { device_patience: patience, handshake_timeout: patience.min(HANDSHAKE_MAX), ..one_core() };
        let listener = server::bind(address, settings.backlog())?;
        let (handle, _) = server::start(listener, tls, Arc::clone(&directory), settings, CancellationToken::new());
        Ok(Self { handle, directory })
    }

    pub(crate) fn sessions(&self) -> usize {
        self.handle.connected()
    }

    pub(crate) fn answered(&self) -> [usize; 2] {
        [&self.directory.acknowledged, &self.directory.refused].map(|counter| counter.load(Ordering::Relaxed))
    }

    pub(crate) fn push(&self, list: ServerList) {
        *self.directory.list.lock().unwrap_or_else(PoisonError::into_inner) = Some(list);
        self.handle.wake_all();
    }
}

impl Directory for Everybody {
    fn identity(&self) -> Identity {
        Identity {
            installation_id: keys::INSTALLATION.into(),
            server_id: "server-1".into(),
            server_name: "ours".into(),
            role: Role::Active,
            epoch: Epoch { number: 1, server_id: "server-1".into(), seal: vec![0; 88] },
            revoked_servers: Arc::default(),
        }
    }

    async fn enrol(&self, _enrolment: &Enrolment) -> EnrolDecision {
        EnrolDecision::Waiting
    }

    async fn admit(&self, registration: &Registration) -> Result<Admission, Refusal> {
        Ok(Admission {
            connection_sequence: registration.hello.connection_sequence + 1,
            start: None,
            event_watermark: 0,
        })
    }

    async fn may_register(&self, _device: DeviceId, _serial: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }

    async fn wanted(&self, _device: DeviceId) -> Option<ServerList> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn progress(&self, _session: SessionId, _device: DeviceId, progress: Progress) -> bool {
        match progress {
            Progress::Staged(_) => self.acknowledged.fetch_add(1, Ordering::Relaxed),
            Progress::StageRefused(..) => self.refused.fetch_add(1, Ordering::Relaxed),
            Progress::Probed(..)
            | Progress::Unproven(..)
            | Progress::Trial(_)
            | Progress::Committed(_)
            | Progress::RolledBack(_) => 0,
        };
        true
    }

    async fn store_events(&self, _session: SessionId, _device: DeviceId, upload: Arc<EventUpload>) -> Option<u64> {
        Some(upload.last_id())
    }

    async fn renew(&self, _session: SessionId, _renewal: &Renewal) -> Result<Vec<u8>, String> {
        Err("this server only counts".into())
    }

    async fn closed(&self, _session: SessionId, _device: DeviceId, _reason: Reason) {}
}
