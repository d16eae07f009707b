//! Edits of a server list on a real store.

use super::*;
use crate::{
    fixture::{FIRST, Room, admin, arrival, entry, reported, row, rows},
    fleet::Report,
};
use model::{DeviceServers, EntryInput, Missing, Role};

fn errors_of(rows: &[EntryInput]) -> Vec<(String, String)> {
    parse_entries(rows, Blank::Skipped).unwrap_err().into_iter().map(|e| (e.field.clone(), e.message())).collect()
}

#[test]
fn errors_stand_at_the_rows_as_sent() {
    let blank = EntryInput::default();
    let bad = [blank.clone(), row("1", "10.0.0.5", "51213"), blank.clone(), row("x", "10.0.0.999", "0")];
    let fields: Vec<_> = errors_of(&bad).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["entries[3].priority", "entries[3].address", "entries[3].port"]);
    let twice =
        [blank.clone(), row("1", "Server.example", "51213"), blank.clone(), row("1", "server.EXAMPLE.", "51213")];
    let errors = errors_of(&twice);
    assert_eq!(errors[0].0, "entries[3].priority");
    assert!(errors[0].1.contains("row 2"), "{}", errors[0].1);
    assert_eq!(errors[1].0, "entries[3].address");
    assert!(errors[1].1.contains("row 2"), "{}", errors[1].1);
    assert_eq!(errors_of(&[blank])[0].0, "entries");
    let nine: Vec<_> = (1..=9).map(|n: u8| row(&n.to_string(), &format!("10.0.0.{n}"), "51213")).collect();
    assert_eq!(errors_of(&nine)[0].0, "entries");
}

#[test]
fn an_empty_row_of_the_api_is_a_mistake() {
    let errors = parse_entries(&[row("", "", "51213")], Blank::Refused).unwrap_err();
    assert_eq!(errors[0].field, "entries[0].priority");
    assert_eq!(errors[1].field, "entries[0].address");
}

#[tokio::test]
async fn a_new_device_holds_the_servers_of_its_provisioning_string() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let servers = room.service.find_servers(FIRST).await.unwrap();
    assert_eq!((servers.revision, servers.entries.as_slice()), (1, [entry(1, "192.0.2.1")].as_slice()));
    assert_eq!(servers.hash, enrolled.list.version().hash.to_string());
    let committed = servers.committed.unwrap();
    assert_eq!((committed.revision, committed.hash), (1, servers.hash));
    assert_eq!((servers.push, servers.connected), (None, None));
    assert_eq!(room.wanted(FIRST).await, None);
}

#[tokio::test]
async fn a_list_that_nothing_speaks_for_is_warned_about() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let reason = |servers: DeviceServers| servers.push.unwrap().reason;
    assert!(reason(room.edit(FIRST, &["10.0.0.6"]).await).unwrap().contains("connected to none of these servers"));
    let arrival = arrival(1, FIRST, reported(enrolled.list.version()));
    room.service.register_session(&arrival).await.unwrap();
    assert_eq!(reason(room.edit(FIRST, &["10.0.0.6", "192.0.2.1"]).await), None, "it is connected to one of them");
    assert!(reason(room.edit(FIRST, &["10.0.0.7"]).await).is_some());
}

#[tokio::test]
async fn an_edit_waits_for_its_device() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let mut changes = room.service.changes().listen();
    let servers = room.edit(FIRST, &["10.0.0.6", "10.0.0.5"]).await;
    assert_eq!(servers.revision, 2);
    assert_eq!(servers.entries, [entry(1, "10.0.0.6"), entry(2, "10.0.0.5")]);
    let push = servers.push.unwrap();
    assert_eq!((push.revision, push.state, push.by.as_str()), (2, PushState::Pending, "admin"));
    assert_eq!(servers.committed.unwrap().revision, 1);
    assert_eq!(room.wanted(FIRST).await.unwrap().hash, servers.hash);
    assert_eq!(changes.try_recv().unwrap(), Change::Device { id: FIRST });
    assert_eq!(changes.try_recv().unwrap(), Change::Database);
}

#[tokio::test]
async fn the_second_of_two_edits_is_a_conflict_and_changes_nothing() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let other = Actor { login: "berta".to_owned(), peer: None };
    room.service.replace_servers(&other, FIRST, 1, rows(&["10.0.0.6"])).await.unwrap();
    let late = room.service.replace_servers(&admin(), FIRST, 1, rows(&["10.0.0.7"])).await;
    assert_eq!(late, Err(Fault::Conflict { revision: 2, by: "berta".to_owned() }));
    assert_eq!(room.service.find_servers(FIRST).await.unwrap().entries, [entry(1, "10.0.0.6")]);
}

#[tokio::test]
async fn of_many_editors_at_once_exactly_one_wins() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let edits = (1..=6).map(|n| {
        let service = std::sync::Arc::clone(&room.service);
        tokio::spawn(async move { service.replace_servers(&admin(), FIRST, 1, rows(&[&format!("10.0.0.{n}")])).await })
    });
    let mut won = 0;
    for edit in edits.collect::<Vec<_>>() {
        match edit.await.unwrap() {
            Ok(servers) => won += u32::from(servers.revision == 2),
            Err(fault) => assert!(matches!(fault, Fault::Conflict { revision: 2, .. }), "{fault:?}"),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn an_equal_list_is_a_revision_that_needs_no_push() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let servers = room.edit(FIRST, &["192.0.2.1"]).await;
    assert_eq!(servers.revision, 2);
    assert_eq!(servers.push.unwrap().state, PushState::Committed);
    assert_eq!(room.wanted(FIRST).await, None);
}

#[tokio::test]
async fn a_newer_edit_supersedes_one_that_is_under_way() {
    let room = Room::active().await;
    room.device(FIRST).await;
    room.edit(FIRST, &["10.0.0.6"]).await;
    let second = room.wanted(FIRST).await.unwrap();
    room.report(FIRST, &second, &Report::Staged).await;
    // The device may keep what it has staged: the list it keeps now has to be sent all the same.
    let servers = room.edit(FIRST, &["192.0.2.1"]).await;
    assert_eq!(servers.push.unwrap().state, PushState::Pending);
    let old = room.service.store.find_push(FIRST, 2).await.unwrap().unwrap();
    assert_eq!(old.state, PushState::Superseded);
}

#[tokio::test]
async fn a_pending_push_can_be_cancelled_and_one_under_way_cannot() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let nothing = room.service.cancel_push(&admin(), FIRST).await;
    assert!(matches!(nothing, Err(Fault::WrongState(_))));
    room.edit(FIRST, &["10.0.0.6"]).await;
    let servers = room.service.cancel_push(&admin(), FIRST).await.unwrap();
    assert_eq!((servers.revision, servers.entries.as_slice()), (3, [entry(1, "192.0.2.1")].as_slice()));
    let push = servers.push.unwrap();
    assert_eq!((push.revision, push.state), (2, PushState::Superseded));
    assert_eq!(push.reason.as_deref(), Some("cancelled by admin"));
    assert_eq!(room.wanted(FIRST).await, None);
    room.edit(FIRST, &["10.0.0.6"]).await;
    let list = room.wanted(FIRST).await.unwrap();
    room.report(FIRST, &list, &Report::Trial).await;
    let late = room.service.cancel_push(&admin(), FIRST).await;
    assert!(matches!(late, Err(Fault::WrongState(_))), "{late:?}");
}

#[tokio::test]
async fn a_standby_changes_nothing() {
    let room = Room::of(Role::Standby, "two").await;
    let edit = room.service.replace_servers(&admin(), FIRST, 1, rows(&["10.0.0.6"])).await;
    assert!(matches!(edit, Err(Fault::NotActive { .. })));
    assert!(matches!(room.service.cancel_push(&admin(), FIRST).await, Err(Fault::NotActive { .. })));
}

#[tokio::test]
async fn an_unknown_device_has_no_servers() {
    let room = Room::active().await;
    let missing = Err(Fault::NotFound(Missing::Device { device: 7 }));
    assert_eq!(room.service.find_servers(7).await, missing);
    assert_eq!(room.service.replace_servers(&admin(), 7, 1, rows(&["10.0.0.6"])).await, missing);
}
