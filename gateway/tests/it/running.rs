//! A real device in this process, with waits that a test can afford.

use crate::installation::Installation;
use crate::memory_directory::World;
use crate::raw_device::{DEVICE, info};
use gateway::client::{self, ClientSettings, Status};
use gateway::device::Config;
use gateway::provisioning::ProvisioningString;
use gateway::server::Progress;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One running device; dropping it is a power cut.
pub(crate) struct Running {
    status: watch::Receiver<Status>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), client::ClientError>>,
}

impl Running {
    pub(crate) fn start(folder: &Path, provisioning: Option<ProvisioningString>) -> Self {
        Self::start_with(folder, provisioning, impatient())
    }

    pub(crate) fn start_with(folder: &Path, provisioning: Option<ProvisioningString>, config: Config) -> Self {
        let (sender, status) = watch::channel(Status::default());
        let settings = ClientSettings {
            state_dir: folder.to_owned(),
            info: info(DEVICE),
            provisioning,
            config,
            seed: Some(7),
            network: None,
            events: None,
            status: Some(sender),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(client::run(settings, stop.clone()));
        Self { status, stop, task }
    }

    pub(crate) async fn until(&mut self, what: &str, holds: impl FnMut(&Status) -> bool) {
        let seen = tokio::time::timeout(Duration::from_secs(20), self.status.wait_for(holds)).await;
        assert!(seen.is_ok_and(|seen| seen.is_ok()), "not in time: {what}; it {}", self.status.borrow().clone());
    }

    pub(crate) async fn until_on(&mut self, address: SocketAddr) {
        self.until("a session on the server", |status| match status {
            Status::Connected { entry, .. } => entry.endpoint() == address.to_string(),
            Status::Starting | Status::Enrolling(_) | Status::Waiting | Status::Dialling(_) | Status::Stopped => false,
        })
        .await;
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Stops it in the middle of whatever it does.
    pub(crate) async fn cut_power(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// The rules with waits that a test can afford.
pub(crate) fn impatient() -> Config {
    Config {
        attempt_pause: Duration::from_millis(50),
        spread: Duration::from_millis(50),
        backoff_first: Duration::from_millis(100),
        backoff_max: Duration::from_secs(1),
        ..Config::default()
    }
}

/// A device that belongs to the site and is connected to it.
pub(crate) async fn enrolled(installation: &Installation, folder: &TempDir) -> Running {
    installation.world.with(|state| state.first_list = Some(installation.entries()));
    let mut device = Running::start(folder.path(), Some(installation.world.provisioning(vec![installation.place()])));
    device.until("it waits", |status| *status == Status::Waiting).await;
    let key = installation.world.decide(DEVICE, true);
    installation.handle.wake_waiting(key);
    device.until_on(installation.address).await;
    device
}

pub(crate) fn committed(world: &World, list: &gateway::wire::ServerList) -> impl Future<Output = ()> {
    let version = list.version();
    world.until("the list is committed", move |state| {
        state.devices.get(&DEVICE).is_some_and(|device| device.progress.contains(&Progress::Committed(version)))
    })
}
