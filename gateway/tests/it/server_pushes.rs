//! A server list on its way to a device: staged, tried, confirmed by any server, or reported as rolled back.

use crate::memory_directory::{State, World};
use crate::raw_device::{DOOR, RawDevice, hello, on_trial};
use crate::site::{Site, entries, quick};
use gateway::server::Progress;
use gateway::wire::{
    EntryFailure, EntryProbe, Epoch, FailureKind, Goodbye, Hello, Message, ProbeAnswer, Reason, Role, Rollback,
    RollbackCause, ServerEntry, ServerList,
};

fn steps(state: &State) -> &[Progress] {
    &state.devices[&DOOR].progress
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
    let active = Site::start_in(&world, "server-1", Role::Active, quick()).await;
    let standby = Site::start_in(&world, "server-2", Role::Standby, quick()).await;
    let before = ServerList::new(1, 1, None, active.entries());
    let (mut device, _) = RawDevice::register(&world, active.address, hello(DOOR, &before)).await;

    let wanted = world.want(DOOR, entries(&[standby.address, active.address]));
    active.handle.wake(DOOR);
    leave_for_trial(&mut device, &wanted).await;
    world.until("the trial", |state| steps(state).contains(&Progress::Trial(wanted.version()))).await;

    let (mut device, registered) = RawDevice::register(&world, standby.address, on_trial(DOOR, &before, &wanted)).await;
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
    let site = Site::start_in(&world, "server-2", Role::Standby, quick()).await;
    let before = ServerList::new(1, 1, None, site.entries());
    let (mut device, _) = RawDevice::register(&world, site.address, hello(DOOR, &before)).await;
    let wanted = world.want(DOOR, entries(&[site.address, "192.0.2.9:51213".parse().unwrap()]));
    site.handle.wake(DOOR);
    assert!(device.is_alive().await);
    let epoch = world.epoch(2, "server-2");
    site.directory.become_role(Role::Active, epoch.clone());
    site.handle.wake_all();
    assert_eq!(device.hear().await, Some(Message::ServerChanged { role: Role::Active, epoch }));
    assert_eq!(device.hear().await, Some(Message::StageList(wanted)));
}

#[tokio::test]
async fn a_rollback_is_noted_once_it_is_on_record() {
    let site = Site::start(quick()).await;
    let before = ServerList::new(1, 1, None, site.entries());
    let (device, _) = RawDevice::register(&site.world, site.address, hello(DOOR, &before)).await;
    drop(device);
    let given_up = site.world.want(DOOR, entries(&["192.0.2.9:51213".parse().unwrap()]));
    let entry = given_up.entries().as_slice()[0].clone();
    let failures = vec![EntryFailure { entry, kind: FailureKind::TimedOut, text: "no answer in 10 s".into() }];
    let rollback = Rollback { version: given_up.version(), cause: RollbackCause::TimedOut, failures };

    site.world.with(|state| state.storage_down = true);
    let again = Hello { rollback: Some(rollback.clone()), ..hello(DOOR, &before) };
    let (mut device, _) = RawDevice::register(&site.world, site.address, again).await;
    assert!(device.is_alive().await);
    site.world.with(|state| state.storage_down = false);
    assert_eq!(device.hear().await, Some(Message::RollbackNoted(given_up.version())));
    site.world.until("the rollback", |state| steps(state) == [Progress::RolledBack(rollback.clone())]).await;
}

#[tokio::test]
async fn a_connection_cut_in_the_trial_loses_nothing() {
    let site = Site::start(quick()).await;
    let before = ServerList::new(1, 1, None, site.entries());
    let (mut device, _) = RawDevice::register(&site.world, site.address, hello(DOOR, &before)).await;
    let wanted = site.world.want(DOOR, entries(&[site.address, "192.0.2.9:51213".parse().unwrap()]));
    site.handle.wake(DOOR);
    leave_for_trial(&mut device, &wanted).await;

    // The first session of the trial breaks before it is confirmed, the second one is.
    let trial = on_trial(DOOR, &before, &wanted);
    let (broken, _) = RawDevice::register(&site.world, site.address, trial.clone()).await;
    drop(broken);
    let (mut device, _) = RawDevice::register(&site.world, site.address, trial).await;
    confirm(&mut device, &wanted).await;
    drop(device);
    site.world.until("the commit", |state| steps(state).last() == Some(&Progress::Committed(wanted.version()))).await;
    assert_eq!(site.world.with(|state| state.devices[&DOOR].committed), Some(wanted.version()));
}

#[tokio::test]
async fn a_device_that_already_has_the_list_is_only_put_on_record() {
    let site = Site::start(quick()).await;
    let list = site.world.want(DOOR, site.entries());
    let (mut device, _) = RawDevice::register(&site.world, site.address, hello(DOOR, &list)).await;
    site.world.until("the commit", |state| steps(state) == [Progress::Committed(list.version())]).await;
    assert!(device.is_alive().await);
}

#[tokio::test]
async fn a_refused_list_is_put_on_record() {
    let site = Site::start(quick()).await;
    let before = ServerList::new(1, 1, None, site.entries());
    let (mut device, _) = RawDevice::register(&site.world, site.address, hello(DOOR, &before)).await;
    let wanted = site.world.want(DOOR, entries(&["192.0.2.9:51213".parse().unwrap()]));
    site.handle.wake(DOOR);
    assert_eq!(device.hear().await, Some(Message::StageList(wanted.clone())));
    device.say(Message::StageRefused { version: wanted.version(), text: "quarantined".into() }).await;
    let expected = [Progress::StageRefused(wanted.version(), "quarantined".into())];
    site.world.until("the refusal", |state| steps(state) == expected).await;
    assert!(device.is_alive().await);
}
