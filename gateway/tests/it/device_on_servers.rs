//! A real device on real servers: it enrols, survives restarts, tries lists, and finds the server that lives.

use crate::installation::{Installation, entries, quick};
use crate::memory_directory::World;
use crate::raw_device::DEVICE;
use crate::running::{Running, committed, enrolled, impatient};
use gateway::client::Status;
use gateway::device::Config;
use gateway::server::{Progress, SessionId};
use gateway::wire::{Entries, FailureKind, FrameCodec, Message, Role, ServerEntry};
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::codec::Encoder as _;

fn sessions(world: &World) -> Option<(SessionId, String)> {
    world.with(|state| state.devices[&DEVICE].session.clone())
}

fn endpoints(entries: &Entries) -> Vec<String> {
    entries.iter().map(ServerEntry::endpoint).collect()
}

#[tokio::test]
async fn a_device_enrols_once_and_survives_restarts_and_power_cuts() {
    let installation = Installation::start(quick()).await;
    let folder = TempDir::new().unwrap();
    let device = enrolled(&installation, &folder).await;
    let before = sessions(&installation.world).unwrap();
    device.stop().await;

    let mut device = Running::start(folder.path(), None);
    device.until_on(installation.address).await;
    device.cut_power().await;
    let mut device = Running::start(folder.path(), None);
    device.until_on(installation.address).await;
    assert_ne!(sessions(&installation.world).unwrap(), before);
    let sequences: Vec<u64> = installation
        .world
        .with(|state| state.devices[&DEVICE].hellos.iter().map(|hello| hello.connection_sequence).collect());
    assert!(sequences.is_sorted_by(|a, b| a < b), "each session remembers the one before: {sequences:?}");
    device.stop().await;
}

#[tokio::test]
async fn a_failed_over_device_resumes_its_tls_session_at_the_next_one() {
    let first = Installation::start(quick()).await;
    let second = Installation::start_in(&first.world, "server-2", Role::Standby, quick()).await;
    let folder = TempDir::new().unwrap();
    first.world.with(|state| state.first_list = Some(entries(&[first.address, second.address])));
    let mut device = Running::start(folder.path(), Some(first.world.provisioning(vec![first.place()])));
    device.until("it waits", |status| *status == Status::Waiting).await;
    first.handle.wake_waiting(first.world.decide(DEVICE, true));
    device.until_on(first.address).await;
    first.stop().await;
    device.until_on(second.address).await;
    let tally = second.handle.tally();
    assert_eq!((tally.full, tally.resumed), (0, 1), "{tally:?}");
    device.stop().await;
}

#[tokio::test]
async fn a_new_list_is_tried_confirmed_and_kept() {
    let first = Installation::start(quick()).await;
    let second = Installation::start_in(&first.world, "server-2", Role::Standby, quick()).await;
    let folder = TempDir::new().unwrap();
    let mut device = enrolled(&first, &folder).await;

    // The other server comes first: it alone sees the trial, and confirms it though it is standby.
    let list = first.world.want(DEVICE, entries(&[second.address, first.address]));
    first.handle.wake(DEVICE);
    committed(&first.world, &list).await;
    device.until_on(second.address).await;

    device.cut_power().await;
    let mut device = Running::start(folder.path(), None);
    device.until_on(second.address).await;
    let known = first.world.with(|state| state.devices[&DEVICE].hellos.last().map(|hello| hello.committed));
    assert_eq!(known, Some(list.version()));
    device.stop().await;
}

#[tokio::test]
async fn a_power_cut_in_a_trial_brings_the_old_list_back() {
    let slow = gateway::server::Settings { stability: Duration::from_secs(600), ..quick() };
    let installation = Installation::start(slow).await;
    let folder = TempDir::new().unwrap();
    let device = enrolled(&installation, &folder).await;
    let list = installation.world.want(DEVICE, entries(&[installation.address, "127.0.0.1:9".parse().unwrap()]));
    installation.handle.wake(DEVICE);
    let version = list.version();
    installation
        .world
        .until("a session over the trial", |state| {
            state.devices[&DEVICE].hellos.last().is_some_and(|hello| hello.trial == Some(version))
        })
        .await;
    device.cut_power().await;

    let mut device = Running::start(folder.path(), None);
    device.until_on(installation.address).await;
    installation
        .world
        .until("the rollback is reported", |state| {
            let rolled_back = |progress: &Progress| matches!(progress, Progress::RolledBack(r) if r.version == version);
            state.devices[&DEVICE].progress.iter().any(rolled_back)
        })
        .await;
    let hello = installation.world.with(|state| state.devices[&DEVICE].hellos.last().cloned()).unwrap();
    assert_ne!(hello.committed, version);
    assert_eq!(hello.trial, None);
    device.stop().await;
}

#[tokio::test]
async fn when_its_server_stops_a_device_goes_to_the_next() {
    let first = Installation::start(quick()).await;
    let second = Installation::start_in(&first.world, "server-2", Role::Standby, quick()).await;
    let folder = TempDir::new().unwrap();
    let mut device = enrolled(&first, &folder).await;
    let list = first.world.want(DEVICE, entries(&[first.address, second.address]));
    first.handle.wake(DEVICE);
    committed(&first.world, &list).await;
    device.until_on(first.address).await;
    assert_eq!(endpoints(list.entries()).len(), 2);

    first.stop().await;
    device.until_on(second.address).await;
    device.stop().await;
}

#[tokio::test]
async fn an_unconfirmed_list_is_given_up_for_the_committed_one() {
    let stability = Duration::from_secs(600);
    let short = gateway::server::Settings { trial_timeout: |_| Duration::from_secs(1), stability, ..quick() };
    let installation = Installation::start(short).await;
    let folder = TempDir::new().unwrap();
    let mut device = enrolled(&installation, &folder).await;
    let nobody: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let list = installation.world.want(DEVICE, entries(&[nobody, installation.address]));
    installation.handle.wake(DEVICE);
    installation
        .world
        .until("the rollback is reported", |state| {
            state.devices[&DEVICE].progress.iter().any(|progress| match progress {
                Progress::RolledBack(rollback) => {
                    let kinds: Vec<_> = rollback.failures.iter().map(|failure| failure.kind).collect();
                    rollback.version == list.version() && kinds == [FailureKind::Refused, FailureKind::Closed]
                }
                Progress::Staged(_)
                | Progress::StageRefused(..)
                | Progress::Probed(..)
                | Progress::Unproven(..)
                | Progress::Trial(_)
                | Progress::Committed(_) => false,
            })
        })
        .await;
    device.until_on(installation.address).await;
    let hello = installation.world.with(|state| state.devices[&DEVICE].hellos.last().cloned()).unwrap();
    assert_eq!((hello.trial, hello.dialled.endpoint()), (None, installation.address.to_string()));
    device.stop().await;
}

#[tokio::test]
async fn a_device_waiting_for_acceptance_leaves_a_silent_server() {
    let installation = Installation::start(quick()).await;
    let silent = silent_after_enrolment(&installation.world).await;
    let folder = TempDir::new().unwrap();
    let address = gateway::wire::Address::Ip(silent.ip());
    let provisioning = installation.world.provisioning(vec![(address, silent.port()), installation.place()]);
    installation.world.with(|state| state.first_list = Some(installation.entries()));
    let config = Config { silence_limit: Duration::from_millis(1500), ..impatient() };
    let mut device = Running::start_with(folder.path(), Some(provisioning), config);
    device.until("it waits at the first", |status| *status == Status::Waiting).await;
    device.until("it leaves the first", |status| matches!(status, Status::Enrolling(_))).await;
    device.until("it waits at the second", |status| *status == Status::Waiting).await;
    let key = installation.world.decide(DEVICE, true);
    installation.handle.wake_waiting(key);
    device.until_on(installation.address).await;
    device.stop().await;
}

/// A server of the installation that says `EnrolWaiting` and nothing ever after.
async fn silent_after_enrolment(world: &World) -> SocketAddr {
    let acceptor = tokio_rustls::TlsAcceptor::from(crate::installation::server_tls(world, "server-9"));
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
