//! Pushes on a real store: trials that end well, trials that do not, and what a standby sees.

use super::*;
use crate::{
    db::fixture::lock_database,
    fixture::{FIRST, Room, admin, entry, reported, rows},
};
use model::PushState;

fn given_up() -> Report {
    let failure =
        EntryFailure { priority: 1, address: "10.0.0.6".to_owned(), port: 51213, reason: "refused".to_owned() };
    Report::GivenUp { reason: "no server of the new list confirmed it in time".to_owned(), failures: vec![failure] }
}

#[tokio::test]
async fn a_list_that_is_confirmed_is_kept() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let session = room.register(FIRST, reported(enrolled.list.version())).await;
    room.edit(FIRST, &["10.0.0.6", "192.0.2.1"]).await;
    let list = room.wanted(FIRST).await.unwrap();
    for (report, state) in [
        (Report::Staged, PushState::Staged),
        (Report::Trial, PushState::Trial),
        (Report::Committed, PushState::Committed),
        (Report::Committed, PushState::Committed),
    ] {
        room.service.note_report(session, FIRST, &list, &report).await.unwrap();
        let servers = room.service.find_servers(FIRST).await.unwrap();
        assert_eq!(servers.push.unwrap().state, state, "{report:?}");
    }
    let committed = room.service.find_servers(FIRST).await.unwrap().committed.unwrap();
    assert_eq!((committed.revision, committed.hash), (2, list.hash));
    assert_eq!(room.wanted(FIRST).await, None);
}

#[tokio::test]
async fn a_rollback_is_explained_and_the_former_list_is_wanted_again() {
    let room = Room::active().await;
    room.device(FIRST).await;
    room.edit(FIRST, &["10.0.0.6"]).await;
    let list = room.wanted(FIRST).await.unwrap();
    room.report(FIRST, &list, &Report::Trial).await;
    for _ in 0..2 {
        room.report(FIRST, &list, &given_up()).await;
        let servers = room.service.find_servers(FIRST).await.unwrap();
        assert_eq!((servers.revision, servers.entries.as_slice()), (3, [entry(1, "192.0.2.1")].as_slice()));
        assert_eq!(servers.committed.unwrap().revision, 1);
        let push = servers.push.unwrap();
        assert_eq!((push.revision, push.state), (2, PushState::RolledBack));
        assert_eq!(push.reason.as_deref(), Some("no server of the new list confirmed it in time"));
        assert_eq!(push.failures[0].reason, "refused");
        assert_eq!(room.wanted(FIRST).await, None, "the device keeps those servers already");
    }
    room.edit(FIRST, &["10.0.0.7", "192.0.2.1"]).await;
    assert_eq!(room.push(FIRST).await.number, 4);
}

#[tokio::test]
async fn a_newer_edit_follows_when_the_trial_before_it_has_ended() {
    let room = Room::active().await;
    room.device(FIRST).await;
    room.edit(FIRST, &["10.0.0.6"]).await;
    let second = room.wanted(FIRST).await.unwrap();
    room.report(FIRST, &second, &Report::Trial).await;
    room.edit(FIRST, &["10.0.0.7"]).await;
    room.report(FIRST, &second, &Report::Committed).await;
    let servers = room.service.find_servers(FIRST).await.unwrap();
    assert_eq!(servers.committed.unwrap().revision, 2);
    let third = room.wanted(FIRST).await.unwrap();
    assert_eq!(third.number, 3);
    room.report(FIRST, &third, &Report::Trial).await;
    room.report(FIRST, &third, &given_up()).await;
    let servers = room.service.find_servers(FIRST).await.unwrap();
    assert_eq!(servers.entries, [entry(1, "10.0.0.6")], "what it kept last");
}

#[tokio::test]
async fn a_report_on_a_list_or_device_that_nobody_knows_is_swallowed() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let list = reported(enrolled.list.version());
    let unknown = ReportedList { hash: "ab".repeat(32), ..list.clone() };
    room.report(FIRST, &unknown, &Report::Committed).await;
    room.report(7, &list, &Report::Committed).await;
    assert_eq!(room.service.find_servers(FIRST).await.unwrap().revision, 1);
}

#[tokio::test]
async fn a_standby_keeps_outcomes_until_the_active_server_has_them() {
    let active = Room::active().await;
    let enrolled = active.device(FIRST).await;
    active.edit(FIRST, &["10.0.0.6", "192.0.2.1"]).await;
    let list = active.wanted(FIRST).await.unwrap();
    active.report(FIRST, &list, &Report::Trial).await;
    let standby = active.standby().await;
    let session = standby.register(FIRST, reported(enrolled.list.version())).await;
    assert_eq!(standby.wanted(FIRST).await, None, "a standby never pushes");
    for _ in 0..2 {
        standby.service.note_report(session, FIRST, &list, &Report::Committed).await.unwrap();
    }
    let servers = standby.service.find_servers(FIRST).await.unwrap();
    assert_eq!(servers.push.unwrap().state, PushState::Committed, "shown at once");
    assert_eq!(servers.committed.unwrap().revision, 2);
    assert_eq!(servers.connected.unwrap().server, "two");
    let outcomes = standby.service.store.list_unnoted_outcomes().await.unwrap();
    assert_eq!(outcomes.len(), 1);
    for _ in 0..2 {
        active.service.note_outcomes(outcomes.clone()).await.unwrap();
    }
    let push = active.service.find_servers(FIRST).await.unwrap().push.unwrap();
    assert_eq!(push.state, PushState::Committed);
    standby.service.store.mark_outcomes_noted(&[outcomes[0].id], "2026-01-01T00:00:00.000Z").await.unwrap();
    assert_eq!(standby.service.store.list_unnoted_outcomes().await.unwrap(), []);
}

#[tokio::test]
async fn the_active_server_learns_of_a_standbys_rollback_with_reasons() {
    let active = Room::active().await;
    active.device(FIRST).await;
    active.edit(FIRST, &["10.0.0.6"]).await;
    let list = active.wanted(FIRST).await.unwrap();
    let standby = active.standby().await;
    standby.report(FIRST, &list, &given_up()).await;
    let shown = standby.service.find_servers(FIRST).await.unwrap().push.unwrap();
    assert_eq!((shown.state, shown.failures.len()), (PushState::RolledBack, 1));
    let outcomes = standby.service.store.list_unnoted_outcomes().await.unwrap();
    active.service.note_outcomes(outcomes).await.unwrap();
    let servers = active.service.find_servers(FIRST).await.unwrap();
    assert_eq!(servers.revision, 3);
    assert_eq!(servers.push.unwrap().failures[0].reason, "refused");
}

#[tokio::test]
async fn with_the_database_locked_edits_fail_and_the_rest_goes_on() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let lock = lock_database(room.folder.path()).await;
    let edit = room.service.replace_servers(&admin(), FIRST, 1, rows(&["10.0.0.6"])).await;
    assert!(matches!(edit, Err(Fault::StorageUnavailable(_))), "{edit:?}");
    room.register(FIRST, reported(enrolled.list.version())).await;
    let servers = room.service.find_servers(FIRST).await.unwrap();
    assert!(servers.connected.is_some());
    assert_eq!(servers.revision, 1);
    drop(lock);
    assert_eq!(room.edit(FIRST, &["10.0.0.6"]).await.revision, 2);
}
