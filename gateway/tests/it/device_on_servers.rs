//! A real device on real servers: it enrols, survives restarts, tries lists, and finds the server that lives.

use crate::memory_directory::World;
use crate::raw_device::DOOR;
use crate::running::{Running, committed, enrolled, impatient};
use crate::site::{Site, entries, quick};
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
    let stability = Duration::from_secs(600);
    let short = gateway::server::Settings { trial_timeout: |_| Duration::from_secs(1), stability, ..quick() };
    let site = Site::start(short).await;
    let folder = TempDir::new().unwrap();
    let mut device = enrolled(&site, &folder).await;
    let nobody: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let list = site.world.want(DOOR, entries(&[nobody, site.address]));
    site.handle.wake(DOOR);
    site.world
        .until("the rollback is reported", |state| {
            state.devices[&DOOR].progress.iter().any(|progress| match progress {
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
