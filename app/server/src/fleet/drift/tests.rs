//! Devices that come with a list they were not thought to keep.

use super::*;
use crate::{
    fixture::{FIRST, Room, arrival, reported},
    fleet::Arrival,
};
use model::PushState;

fn foreign(number: u64) -> ReportedList {
    ReportedList { epoch: 1, number, hash: "ab".repeat(32) }
}

async fn push_of(room: &Room) -> Option<(u64, PushState)> {
    room.service.find_servers(FIRST).await.unwrap().push.map(|push| (push.revision, push.state))
}

#[tokio::test]
async fn a_list_nobody_wrote_is_drift_until_an_operator_edits() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    room.register(FIRST, reported(enrolled.list.version())).await;
    assert_eq!(push_of(&room).await, None);
    room.register(FIRST, foreign(7)).await;
    assert_eq!(push_of(&room).await, Some((1, PushState::Drifted)));
    let reason = room.service.find_servers(FIRST).await.unwrap().push.and_then(|push| push.reason);
    assert!(reason.is_some_and(|reason| reason.contains("nobody here wrote")));
    assert_eq!(room.wanted(FIRST).await, None, "nothing is sent by itself");
    let edited = room.edit(FIRST, &["10.0.0.6"]).await;
    assert_eq!(edited.revision, 8, "newer than what the device has");
    room.register(FIRST, foreign(7)).await;
    assert_eq!(push_of(&room).await, Some((8, PushState::Pending)), "whoever edited has seen it");
    assert_eq!(room.wanted(FIRST).await.map(|list| list.number), Some(8));
}

#[tokio::test]
async fn a_waiting_edit_is_not_sent_over_a_list_its_writer_never_saw() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    room.register(FIRST, reported(enrolled.list.version())).await;
    room.edit(FIRST, &["10.0.0.6"]).await;
    room.register(FIRST, foreign(5)).await;
    assert_eq!(push_of(&room).await, Some((2, PushState::Conflict)));
    assert_eq!(room.wanted(FIRST).await, None);
    room.register(FIRST, foreign(5)).await;
    assert_eq!(push_of(&room).await, Some((2, PushState::Conflict)), "asking again changes nothing");
    room.edit(FIRST, &["10.0.0.6"]).await;
    assert_eq!(room.wanted(FIRST).await.map(|list| list.number), Some(6));
}

#[tokio::test]
async fn a_device_set_back_to_an_older_list_gets_the_wanted_one_again() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let first = reported(enrolled.list.version());
    room.register(FIRST, first.clone()).await;
    room.edit(FIRST, &["10.0.0.6"]).await;
    let second = room.push(FIRST).await;
    room.register(FIRST, second.clone()).await;
    assert_eq!(push_of(&room).await, Some((2, PushState::Committed)));
    room.register(FIRST, first).await;
    assert_eq!(push_of(&room).await, Some((2, PushState::Pending)));
    assert_eq!(room.wanted(FIRST).await, Some(second));
}

#[test]
fn two_starts_that_take_turns_are_two_devices() {
    let boots = Boots::default();
    let mut sequence = 0;
    let mut note = |boot| {
        sequence += 1;
        boots.note(FIRST, boot, sequence, "2026-01-01T00:00:00.000Z")
    };
    assert!([1, 1, 2, 3, 3, 4, 5, 6].into_iter().all(|boot| !note(boot)), "restarts are no clones");
    assert_eq!(boots.cloned_at(FIRST), None);
    assert!(note(5));
    assert!(boots.cloned_at(FIRST).is_some());
    assert!(boots.cloned_at(9).is_none());
    assert!(!boots.note(FIRST, 4, sequence, "later"), "what is told late is past");
}

#[tokio::test]
async fn two_devices_with_one_id_on_two_servers_are_noticed_by_both() {
    let one = Room::active().await;
    let enrolled = one.device(FIRST).await;
    let list = reported(enrolled.list.version());
    let two = one.standby().await;
    let registers = async |at: &Room, boot_id| {
        at.service.register_session(&Arrival { boot_id, ..arrival(boot_id, FIRST, list.clone()) }).await.unwrap();
        tell(&one, "one", &two).await;
        tell(&two, "two", &one).await;
        one.service.boots.cloned_at(FIRST).is_some() && two.service.boots.cloned_at(FIRST).is_some()
    };
    assert!(!registers(&one, 7).await);
    assert!(!registers(&two, 7).await, "a device may go to another server");
    assert!(!registers(&two, 8).await, "and be started again");
    assert!(registers(&one, 7).await, "what ran before that is another one");
}

/// The other server hears of all that this one saw.
async fn tell(from: &Room, id: &str, to: &Room) {
    let seen = from.service.store.list_sightings_since(id, 0).await.unwrap();
    to.service.store_peer_sightings(id, &seen).await.unwrap();
}
