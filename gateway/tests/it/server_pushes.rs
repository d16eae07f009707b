//! A server list on its way to a device: staged, tried, confirmed by any server, or reported as rolled back.

use crate::installation::{Installation, entries, quick};
use crate::memory_directory::{State, World};
use crate::raw_device::{DEVICE, RawDevice, hello, on_trial};
use gateway::server::Progress;
use gateway::wire::{
    EntryFailure, EntryProbe, Epoch, FailureKind, Goodbye, Hello, Message, ProbeAnswer, Reason, Role, Rollback,
    RollbackCause, ServerEntry, ServerList,
};

fn steps(state: &State) -> &[Progress] {
    &state.devices[&DEVICE].progress
}

/// Stages a list on a registered device and lets it leave for the trial.
async fn leave_for_trial(device: &mut RawDevice, list: &ServerList) {
    let version = list.version();
    assert_eq!(device.hear().await, Some(Message::StageList(list.clone())));
    device.say(Message::ListStaged(version)).await;
    let entries = list.entries().clone();
    let rows: Vec<_> = entries.iter().map(passed).collect();
    assert_eq!(device.hear().await, Some(Message::ProbeList { request: version.number, entries }));
    device.say(Message::ProbeTable { request: version.number, rows }).await;
    assert_eq!(device.hear().await, Some(Message::StartTrial { version, timeout_s: 63 }));
    device.say(Message::TrialStarted(version)).await;
    let goodbye = Goodbye { reason: Reason::TryingList, text: String::new(), reconnect_spread_s: 0 };
    device.say(Message::Goodbye(goodbye)).await;
}

fn passed(entry: &ServerEntry) -> EntryProbe {
    let answer = ProbeAnswer {
        installation_id: "site".into(),
        server_id: "server-1".into(),
        server_name: "BioStar server-1".into(),
        role: Role::Active,
        epoch: Epoch { number: 1, server_id: "server-1".into(), seal: Vec::new() },
    };
    EntryProbe {
        entry: entry.clone(),
        resolved: Some("127.0.0.1".into()),
        tcp_ms: Some(1),
        tls_ms: Some(2),
        answer_ms: Some(1),
        outcome: Ok(answer),
    }
}

async fn confirm(device: &mut RawDevice, list: &ServerList) {
    assert_eq!(device.hear().await, Some(Message::ConfirmTrial(list.version())));
    device.say(Message::ListCommitted(list.version())).await;
}

#[tokio::test]
async fn staged_tried_and_confirmed_by_the_standby() {
    let world = World::new("site");
    let active = Installation::start_in(&world, "server-1", Role::Active, quick()).await;
    let standby = Installation::start_in(&world, "server-2", Role::Standby, quick()).await;
    let before = ServerList::new(1, 1, None, active.entries());
    let (mut device, _) = RawDevice::register(&world, active.address, hello(DEVICE, &before)).await;

    let wanted = world.want(DEVICE, entries(&[standby.address, active.address]));
    active.handle.wake(DEVICE);
    leave_for_trial(&mut device, &wanted).await;
    world.until("the trial", |state| steps(state).contains(&Progress::Trial(wanted.version()))).await;

    let (mut device, registered) =
        RawDevice::register(&world, standby.address, on_trial(DEVICE, &before, &wanted)).await;
    assert_eq!(registered.role, Role::Standby);
    confirm(&mut device, &wanted).await;
    let version = wanted.version();
    let rows = wanted.entries().iter().map(passed).collect();
    let expected = [
        Progress::Staged(version),
        Progress::Probed(version, rows),
        Progress::Trial(version),
        Progress::Committed(version),
    ];
    world.until("the commit", |state| steps(state) == expected).await;
    assert!(device.is_alive().await);
}

#[tokio::test]
async fn a_standby_pushes_nothing_until_it_is_active() {
    let world = World::new("site");
    let installation = Installation::start_in(&world, "server-2", Role::Standby, quick()).await;
    let before = ServerList::new(1, 1, None, installation.entries());
    let (mut device, _) = RawDevice::register(&world, installation.address, hello(DEVICE, &before)).await;
    let wanted = world.want(DEVICE, entries(&[installation.address, "192.0.2.9:51213".parse().unwrap()]));
    installation.handle.wake(DEVICE);
    assert!(device.is_alive().await);
    let epoch = world.epoch(2, "server-2");
    installation.directory.become_role(Role::Active, epoch.clone());
    installation.handle.wake_all();
    assert_eq!(device.hear().await, Some(Message::ServerChanged { role: Role::Active, epoch }));
    assert_eq!(device.hear().await, Some(Message::StageList(wanted)));
}

#[tokio::test]
async fn a_rollback_is_noted_once_it_is_on_record() {
    let installation = Installation::start(quick()).await;
    let before = ServerList::new(1, 1, None, installation.entries());
    let (device, _) = RawDevice::register(&installation.world, installation.address, hello(DEVICE, &before)).await;
    drop(device);
    let given_up = installation.world.want(DEVICE, entries(&["192.0.2.9:51213".parse().unwrap()]));
    let entry = given_up.entries().as_slice()[0].clone();
    let failures = vec![EntryFailure { entry, kind: FailureKind::TimedOut, text: "no answer in 10 s".into() }];
    let rollback = Rollback { version: given_up.version(), cause: RollbackCause::TimedOut, failures };

    installation.world.with(|state| state.storage_down = true);
    let again = Hello { rollback: Some(rollback.clone()), ..hello(DEVICE, &before) };
    let (mut device, _) = RawDevice::register(&installation.world, installation.address, again).await;
    assert!(device.is_alive().await);
    installation.world.with(|state| state.storage_down = false);
    assert_eq!(device.hear().await, Some(Message::RollbackNoted(given_up.version())));
    installation.world.until("the rollback", |state| steps(state) == [Progress::RolledBack(rollback.clone())]).await;
}

#[tokio::test]
async fn a_connection_cut_in_the_trial_loses_nothing() {
    let installation = Installation::start(quick()).await;
    let before = ServerList::new(1, 1, None, installation.entries());
    let (mut device, _) = RawDevice::register(&installation.world, installation.address, hello(DEVICE, &before)).await;
    let wanted = installation.world.want(DEVICE, entries(&[installation.address, "192.0.2.9:51213".parse().unwrap()]));
    installation.handle.wake(DEVICE);
    leave_for_trial(&mut device, &wanted).await;

    // The first session of the trial breaks before it is confirmed, the second one is.
    let trial = on_trial(DEVICE, &before, &wanted);
    let (broken, _) = RawDevice::register(&installation.world, installation.address, trial.clone()).await;
    drop(broken);
    let (mut device, _) = RawDevice::register(&installation.world, installation.address, trial).await;
    confirm(&mut device, &wanted).await;
    drop(device);
    installation
        .world
        .until("the commit", |state| steps(state).last() == Some(&Progress::Committed(wanted.version())))
        .await;
    assert_eq!(installation.world.with(|state| state.devices[&DEVICE].committed), Some(wanted.version()));
}

#[tokio::test]
async fn a_device_that_already_has_the_list_is_only_put_on_record() {
    let installation = Installation::start(quick()).await;
    let list = installation.world.want(DEVICE, installation.entries());
    let (mut device, _) = RawDevice::register(&installation.world, installation.address, hello(DEVICE, &list)).await;
    installation.world.until("the commit", |state| steps(state) == [Progress::Committed(list.version())]).await;
    assert!(device.is_alive().await);
}

#[tokio::test]
async fn a_refused_list_is_put_on_record() {
    let installation = Installation::start(quick()).await;
    let before = ServerList::new(1, 1, None, installation.entries());
    let (mut device, _) = RawDevice::register(&installation.world, installation.address, hello(DEVICE, &before)).await;
    let wanted = installation.world.want(DEVICE, entries(&["192.0.2.9:51213".parse().unwrap()]));
    installation.handle.wake(DEVICE);
    assert_eq!(device.hear().await, Some(Message::StageList(wanted.clone())));
    device.say(Message::StageRefused { version: wanted.version(), text: "quarantined".into() }).await;
    let expected = [Progress::StageRefused(wanted.version(), "quarantined".into())];
    installation.world.until("the refusal", |state| steps(state) == expected).await;
    assert!(device.is_alive().await);
}
