//! A list is staged, tried, and kept or given up.

use super::*;
use crate::wire::{Message, Rollback, RollbackCause};

/// Connected to server 1 by a list of servers 1 and 2, and sent another list.
fn world_wanting(seed: u64, servers: &[u16]) -> World {
    let mut world = World::new(seed, &[1, 2]);
    world.run(10);
    world.wanted = Some(list(2, servers));
    world.set(1, Health::Refusing);
    world.set(1, Health::Up);
    world
}

fn until_trial(world: &mut World) {
    let end = world.now + secs(30);
    while world.device.trial().is_none() {
        assert!(world.step(end), "no trial began");
    }
    world.dialled();
}

fn rollback(world: &World) -> Rollback {
    let mut rollbacks = world
        .notes
        .iter()
        .filter_map(|note| if let Happening::RolledBack(rollback) = note { Some(rollback.clone()) } else { None });
    rollbacks.next_back().expect("a rollback")
}

#[test]
fn a_list_that_works_is_kept() {
    let mut world = world_wanting(1, &[3, 1]);
    until_trial(&mut world);
    assert!(world.disk.lists.trial.is_some(), "a trial is on disk before it is applied");
    assert!(world.sent.contains(&Message::TrialStarted(list(2, &[3, 1]).version())));
    world.run(30);
    assert_eq!(world.dialled(), [3]);
    assert_eq!(world.connected(), Some(3));
    assert_eq!(world.disk.lists.committed, list(2, &[3, 1]));
    assert_eq!(world.disk.lists.previous, Some(list(1, &[1, 2])));
    assert_eq!((world.disk.lists.staged.as_ref(), world.disk.lists.trial.as_ref()), (None, None));
    assert!(world.sent.contains(&Message::ListCommitted(list(2, &[3, 1]).version())));
    world.run(3600);
    assert!(world.dialled().is_empty(), "a commit does not end the session");
}

#[test]
fn a_trial_starts_at_the_top_and_counts_each_entry_twice() {
    let mut world = world_wanting(2, &[4, 3, 5]);
    until_trial(&mut world);
    world.set(4, Health::Refusing);
    world.set(3, Health::Refusing);
    world.run(10);
    assert_eq!(world.dialled(), [4, 4, 3, 3, 5]);
    world.run(30);
    assert_eq!(world.disk.lists.committed, list(2, &[4, 3, 5]));
}

#[test]
fn a_list_that_leads_nowhere_is_given_up_in_time() {
    let mut world = world_wanting(3, &[4, 3]);
    until_trial(&mut world);
    let began = world.now;
    world.set(4, Health::Refusing);
    world.set(3, Health::Silent);
    world.run(62);
    assert!(world.device.trial().is_some());
    assert!(world.dialled().iter().all(|server| [3, 4].contains(server)));
    world.until_connected(3);
    assert!(world.now - began < secs(64));
    assert_eq!(world.dialled(), [1]);
    let rollback = rollback(&world);
    assert_eq!(rollback.cause, RollbackCause::TimedOut);
    let kinds: Vec<_> = rollback.failures.iter().map(|failure| (failure.entry.port, failure.kind)).collect();
    assert_eq!(kinds, [(50_004, FailureKind::Refused), (50_003, FailureKind::TimedOut)]);
    assert!(rollback.failures.iter().all(|failure| !failure.text.contains('\n')));
    assert_eq!(world.disk.quarantined, [list(2, &[4, 3]).version().hash]);
    assert_eq!(world.disk.lists.committed, list(1, &[1, 2]));
}

#[test]
fn a_given_up_list_is_refused_and_its_rollback_told_until_noted() {
    let mut world = world_wanting(4, &[3]);
    until_trial(&mut world);
    world.set(3, Health::Foreign);
    world.run(70);
    assert_eq!(world.connected(), Some(1));
    assert_eq!(world.disk.rollback, None, "the server has noted it");
    world.sent.clear();
    world.set(1, Health::Refusing);
    world.set(1, Health::Up);
    world.run(10);
    assert!(world.sent.iter().any(|message| matches!(message, Message::StageRefused { .. })), "{:?}", world.sent);
    world.wanted = Some(list(3, &[4]));
    world.restart();
    world.run(60);
    assert_eq!(world.disk.lists.committed, list(3, &[4]));
}

#[test]
fn registered_but_not_confirmed_is_given_up_too() {
    let mut world = world_wanting(5, &[3]);
    world.set(3, Health::Unconfirming);
    until_trial(&mut world);
    world.run(70);
    assert_eq!(world.connected(), Some(1));
    assert_eq!(rollback(&world).failures[0].kind, FailureKind::Closed);
}

#[test]
fn when_the_old_server_fails_as_well_the_list_is_not_blamed() {
    let mut world = world_wanting(6, &[3]);
    until_trial(&mut world);
    world.set_all(Health::Silent);
    world.run(120);
    assert_eq!(world.device.trial(), None);
    assert!(world.disk.rollback.is_some());
    world.set_all(Health::Up);
    world.run(120);
    let sent =
        world.sent.iter().filter_map(|message| if let Message::Hello(hello) = message { Some(hello) } else { None });
    let reported = sent.filter_map(|hello| hello.rollback.clone()).next_back().unwrap();
    assert_eq!(reported.cause, RollbackCause::FormerFailed);
    assert_eq!(reported.failures.len(), 2);
    assert_eq!(reported.failures[1].entry.port, 50_001);
    assert!(reported.failures[1].text.starts_with("the server in use before"));
    assert_eq!(world.disk.quarantined, []);
    // The list is still wanted, and now it works.
    assert_eq!(world.disk.lists.committed, list(2, &[3]));
}

#[test]
fn a_restart_undoes_a_trial_before_anything_else() {
    let mut world = world_wanting(7, &[3]);
    world.set(3, Health::Unconfirming);
    until_trial(&mut world);
    world.run(10);
    assert_eq!(world.connected(), Some(3));
    world.dialled();
    world.restart();
    assert_eq!(world.disk.lists.trial, None);
    world.run(5);
    assert_eq!(world.dialled(), [1]);
    assert_eq!(rollback(&world).cause, RollbackCause::Restarted);
    assert_eq!(world.disk.quarantined.len(), 1);
}

#[test]
fn a_session_lost_during_a_trial_does_not_end_it() {
    let mut world = world_wanting(8, &[3, 4]);
    until_trial(&mut world);
    world.run(10);
    world.set(3, Health::Refusing);
    world.run(40);
    assert_eq!(world.connected(), Some(4));
    assert_eq!(world.disk.lists.committed, list(2, &[3, 4]));
}

#[test]
fn a_full_disk_keeps_the_device_connected_on_the_old_list() {
    let mut world = world_wanting(9, &[3]);
    world.disk_full = true;
    world.run(60);
    assert_eq!(world.connected(), Some(1));
    assert!(world.sent.iter().any(|message| matches!(message, Message::StageRefused { .. })));
    assert_eq!(world.device.stored().lists.staged, None);
    world.disk_full = false;
    world.restart();
    world.run(60);
    assert_eq!(world.disk.lists.committed, list(2, &[3]));
}

#[test]
fn a_disk_that_fills_up_during_a_trial_ends_in_a_rollback() {
    let mut world = world_wanting(10, &[3]);
    until_trial(&mut world);
    world.disk_full = true;
    world.run(70);
    assert_eq!(world.connected(), Some(1));
    assert_eq!(world.device.stored().lists.committed, list(1, &[1, 2]));
    world.disk_full = false;
    world.restart();
    assert_eq!(world.disk.lists.trial, None);
}

#[test]
fn confirming_twice_is_harmless_and_another_list_is_ignored() {
    let mut world = world_wanting(11, &[3]);
    until_trial(&mut world);
    world.run(40);
    world.sent.clear();
    world.say(Message::ConfirmTrial(list(2, &[3]).version()));
    assert_eq!(world.sent, [Message::ListCommitted(list(2, &[3]).version())]);
    world.say(Message::ConfirmTrial(list(5, &[5]).version()));
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.disk.lists.committed, list(2, &[3]));
}

#[test]
fn an_older_list_is_refused_and_an_unstaged_one_not_tried() {
    let mut world = world_wanting(12, &[3]);
    until_trial(&mut world);
    world.run(40);
    world.sent.clear();
    world.say(Message::StageList(list(1, &[1, 2])));
    world.say(Message::StartTrial { version: list(3, &[4]).version(), timeout_s: 60 });
    assert!(world.sent.iter().all(|message| matches!(message, Message::StageRefused { .. })));
    assert_eq!(world.sent.len(), 2);
    assert_eq!(world.connected(), Some(3));
}
