//! A real device on real servers: it enrols, survives restarts, tries lists, and finds the server that lives.

use crate::memory_directory::World;
use crate::site::{Site, entries, quick};
use gateway::client::{self, ClientSettings, Status};
use gateway::device::Config;
use gateway::provisioning::ProvisioningString;
use gateway::server::{Progress, SessionId};
use gateway::wire::{DeviceId, Entries, FailureKind, FrameCodec, Message, Role, ServerEntry};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::codec::Encoder as _;
use tokio_util::sync::CancellationToken;

const DOOR: DeviceId = DeviceId(547_846_001);

/// One running device; dropping it is a power cut.
struct Running {
    status: watch::Receiver<Status>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), client::ClientError>>,
}

impl Running {
    fn start(folder: &Path, provisioning: Option<ProvisioningString>) -> Self {
        Self::start_with(folder, provisioning, impatient())
    }

    fn start_with(folder: &Path, provisioning: Option<ProvisioningString>, config: Config) -> Self {
        let (sender, status) = watch::channel(Status::default());
        let settings = ClientSettings {
            state_dir: folder.to_owned(),
            info: crate::raw_device::info(DOOR),
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

    async fn until(&mut self, what: &str, holds: impl FnMut(&Status) -> bool) {
        let seen = tokio::time::timeout(Duration::from_secs(20), self.status.wait_for(holds)).await;
        assert!(seen.is_ok_and(|seen| seen.is_ok()), "not in time: {what}; it {}", self.status.borrow().clone());
    }

    async fn until_on(&mut self, address: SocketAddr) {
        self.until("a session on the server", |status| match status {
            Status::Connected { entry, .. } => entry.endpoint() == address.to_string(),
            Status::Starting | Status::Enrolling(_) | Status::Waiting | Status::Dialling(_) | Status::Stopped => false,
        })
        .await;
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Stops it in the middle of whatever it does.
    async fn cut_power(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// The rules with waits that a test can afford.
fn impatient() -> Config {
    Config {
        attempt_pause: Duration::from_millis(50),
        spread: Duration::from_millis(50),
        backoff_first: Duration::from_millis(100),
        backoff_max: Duration::from_secs(1),
        ..Config::default()
    }
}

/// A device that belongs to the site and is connected to it.
async fn enrolled(site: &Site, folder: &TempDir) -> Running {
    site.world.with(|state| state.first_list = Some(site.entries()));
    let mut device = Running::start(folder.path(), Some(site.world.provisioning(vec![site.place()])));
    device.until("it waits", |status| *status == Status::Waiting).await;
    let key = site.world.decide(DOOR, true);
    site.handle.wake_waiting(key);
    device.until_on(site.address).await;
    device
}

fn committed(world: &World, list: &gateway::wire::ServerList) -> impl Future<Output = ()> {
    let version = list.version();
    world.until("the list is committed", move |state| {
        state.devices.get(&DOOR).is_some_and(|device| device.progress.contains(&Progress::Committed(version)))
    })
}

fn sessions(world: &World) -> Option<(SessionId, String)> {
    world.with(|state| state.devices[&DOOR].session.clone())
}

fn endpoints(entries: &Entries) -> Vec<String> {
    entries.iter().map(ServerEntry::endpoint).collect()
}

#[tokio::test]
async fn a_device_enrols_once_and_remembers_over_restarts_and_power_cuts() {
    let site = Site::start(quick()).await;
    let folder = TempDir::new().unwrap();
    let device = enrolled(&site, &folder).await;
    let before = sessions(&site.world).unwrap();
    device.stop().await;

    let mut device = Running::start(folder.path(), None);
    device.until_on(site.address).await;
    device.cut_power().await;
    let mut device = Running::start(folder.path(), None);
    device.until_on(site.address).await;
    assert_ne!(sessions(&site.world).unwrap(), before);
    let sequences: Vec<u64> =
        site.world.with(|state| state.devices[&DOOR].hellos.iter().map(|hello| hello.connection_sequence).collect());
    assert!(sequences.is_sorted_by(|a, b| a < b), "each session remembers the one before: {sequences:?}");
    device.stop().await;
}

#[tokio::test]
async fn a_device_that_fails_over_resumes_its_tls_session_at_the_next_server() {
    let first = Site::start(quick()).await;
    let second = Site::start_in(&first.world, "server-2", Role::Standby, quick()).await;
    let folder = TempDir::new().unwrap();
    first.world.with(|state| state.first_list = Some(entries(&[first.address, second.address])));
    let mut device = Running::start(folder.path(), Some(first.world.provisioning(vec![first.place()])));
    device.until("it waits", |status| *status == Status::Waiting).await;
    first.handle.wake_waiting(first.world.decide(DOOR, true));
    device.until_on(first.address).await;
    first.stop().await;
    device.until_on(second.address).await;
    let tally = second.handle.tally();
    assert_eq!((tally.full, tally.resumed), (0, 1), "{tally:?}");
    device.stop().await;
}

#[tokio::test]
async fn a_new_list_is_tried_confirmed_and_kept() {
    let first = Site::start(quick()).await;
    let second = Site::start_in(&first.world, "server-2", Role::Standby, quick()).await;
    let folder = TempDir::new().unwrap();
    let mut device = enrolled(&first, &folder).await;

    // The other server comes first: it alone sees the trial, and confirms it though it is standby.
    let list = first.world.want(DOOR, entries(&[second.address, first.address]));
    first.handle.wake(DOOR);
    committed(&first.world, &list).await;
    device.until_on(second.address).await;

    device.cut_power().await;
    let mut device = Running::start(folder.path(), None);
    device.until_on(second.address).await;
    let known = first.world.with(|state| state.devices[&DOOR].hellos.last().map(|hello| hello.committed));
    assert_eq!(known, Some(list.version()));
    device.stop().await;
}

#[tokio::test]
async fn a_power_cut_in_a_trial_brings_the_old_list_back() {
    let slow = gateway::server::Settings { stability: Duration::from_secs(600), ..quick() };
    let site = Site::start(slow).await;
    let folder = TempDir::new().unwrap();
    let device = enrolled(&site, &folder).await;
    let list = site.world.want(DOOR, entries(&[site.address, "127.0.0.1:9".parse().unwrap()]));
    site.handle.wake(DOOR);
    let version = list.version();
    site.world
        .until("a session over the trial", |state| {
            state.devices[&DOOR].hellos.last().is_some_and(|hello| hello.trial == Some(version))
        })
        .await;
    device.cut_power().await;

    let mut device = Running::start(folder.path(), None);
    device.until_on(site.address).await;
    site.world
        .until("the rollback is reported", |state| {
            let rolled_back = |progress: &Progress| matches!(progress, Progress::RolledBack(r) if r.version == version);
            state.devices[&DOOR].progress.iter().any(rolled_back)
        })
        .await;
    let hello = site.world.with(|state| state.devices[&DOOR].hellos.last().cloned()).unwrap();
    assert_ne!(hello.committed, version);
    assert_eq!(hello.trial, None);
    device.stop().await;
}

#[tokio::test]
async fn when_its_server_dies_a_device_goes_to_the_next_and_stays_there() {
    let first = Site::start(quick()).await;
    let second = Site::start_in(&first.world, "server-2", Role::Standby, quick()).await;
    let folder = TempDir::new().unwrap();
    let mut device = enrolled(&first, &folder).await;
    let list = first.world.want(DOOR, entries(&[first.address, second.address]));
    first.handle.wake(DOOR);
    committed(&first.world, &list).await;
    device.until_on(first.address).await;
    assert_eq!(endpoints(list.entries()).len(), 2);

    first.stop().await;
    device.until_on(second.address).await;
    device.stop().await;
}

#[tokio::test]
async fn a_list_that_nobody_confirms_is_given_up_for_the_committed_one() {
    let short = gateway::server::Settings { trial_timeout: |_| Duration::from_secs(1), ..quick() };
    let site = Site::start(short).await;
    let folder = TempDir::new().unwrap();
    let mut device = enrolled(&site, &folder).await;
    let nobody: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let list = site.world.want(DOOR, entries(&[nobody]));
    site.handle.wake(DOOR);
    site.world
        .until("the rollback is reported", |state| {
            state.devices[&DOOR].progress.iter().any(|progress| match progress {
                Progress::RolledBack(rollback) => {
                    rollback.version == list.version() && rollback.failures[0].kind == FailureKind::Refused
                }
                Progress::Staged(_) | Progress::StageRefused(..) | Progress::Trial(_) | Progress::Committed(_) => false,
            })
        })
        .await;
    device.until_on(site.address).await;
    let hello = site.world.with(|state| state.devices[&DOOR].hellos.last().cloned()).unwrap();
    assert_eq!((hello.trial, hello.dialled.endpoint()), (None, site.address.to_string()));
    device.stop().await;
}

#[tokio::test]
async fn a_device_that_waits_for_acceptance_leaves_a_server_that_falls_silent() {
    let site = Site::start(quick()).await;
    let silent = silent_after_enrolment(&site.world).await;
    let folder = TempDir::new().unwrap();
    let address = gateway::wire::Address::Ip(silent.ip());
    let provisioning = site.world.provisioning(vec![(address, silent.port()), site.place()]);
    site.world.with(|state| state.first_list = Some(site.entries()));
    let config = Config { silence_limit: Duration::from_millis(1500), ..impatient() };
    let mut device = Running::start_with(folder.path(), Some(provisioning), config);
    device.until("it waits at the first", |status| *status == Status::Waiting).await;
    device.until("it leaves the first", |status| matches!(status, Status::Enrolling(_))).await;
    device.until("it waits at the second", |status| *status == Status::Waiting).await;
    let key = site.world.decide(DOOR, true);
    site.handle.wake_waiting(key);
    device.until_on(site.address).await;
    device.stop().await;
}

/// A server of the installation that says `EnrolWaiting` and nothing ever after.
async fn silent_after_enrolment(world: &World) -> SocketAddr {
    let acceptor = tokio_rustls::TlsAcceptor::from(crate::site::server_tls(world, "server-9"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut frame = bytes::BytesMut::new();
        FrameCodec.encode(Message::EnrolWaiting { keep_alive_s: 1 }, &mut frame).unwrap();
        stream.write_all(&frame).await.unwrap();
        stream.flush().await.unwrap();
        while stream.read_u8().await.is_ok() {}
    });
    address
}
