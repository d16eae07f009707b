//! Who may register, and where a device is shown, on a real store.

use super::*;
use crate::{
    cluster::{
        peer_board::{ServerFacts, Told},
        starts::Start,
    },
    fixture::{FIRST, Room, admin, arrival, entry, info, reported},
};
use model::Role;
use std::time::Instant;

const AT: &str = "2026-10-01T00:00:00.000Z";

async fn connected_to(room: &Room) -> Option<String> {
    room.service.find_servers(FIRST).await.unwrap().connected.map(|connection| connection.server)
}

fn hear(room: &Room, id: &str) {
    hear_at(room, id, "2026-01-01T00:00:00.000Z");
}

fn hear_at(room: &Room, id: &str, at: &str) {
    let facts = ServerFacts {
        id: id.to_owned(),
        name: format!("Server {id}"),
        role: Role::Standby,
        epoch: room.service.roles.now().epoch,
        addresses: Vec::new(),
        copy_taken_at: None,
        copy: None,
        replication: None,
        start: Start::default(),
    };
    room.service.peers.hear(facts, Told::default(), Instant::now(), at.to_owned());
}

#[tokio::test]
async fn a_registered_device_is_shown_as_it_reported_itself() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let mut changes = room.service.changes().listen();
    let mut arriving = arrival(1, FIRST, reported(enrolled.list.version()));
    arriving.info.firmware_version = "9.9.9".to_owned();
    arriving.dialled = entry(4, "door.example");
    let admission = room.service.register_session(&arriving).await.unwrap();
    assert_eq!(admission.connection_sequence, 4, "one more than the device's");
    assert_eq!(changes.try_recv().unwrap(), Change::Device { id: FIRST });
    let device = room.service.find_device(FIRST).await.unwrap();
    assert_eq!(device.info.firmware_version, "9.9.9");
    let connection = device.servers.connected.unwrap();
    assert_eq!((connection.address.as_str(), connection.priority), ("door.example", 4));
    assert_eq!(connection.server_name, "BioStar Server one");
    let again = room.service.register_session(&arrival(2, FIRST, arriving.committed.clone())).await.unwrap();
    assert_eq!(again.connection_sequence, 5, "one more than this server gave");
}

#[tokio::test]
async fn a_late_close_never_ends_a_newer_session() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let old = room.register(FIRST, reported(enrolled.list.version())).await;
    let new = room.register(FIRST, reported(enrolled.list.version())).await;
    room.service.end_session(old, FIRST, "timed out", AT).await.unwrap();
    assert!(connected_to(&room).await.is_some());
    room.service.end_session(new, FIRST, "timed out", AT).await.unwrap();
    assert_eq!(connected_to(&room).await, None);
    let device = room.service.find_device(FIRST).await.unwrap();
    assert!(device.last_seen.is_some());
}

#[tokio::test]
async fn a_start_ends_what_the_last_run_left_open() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    room.register(FIRST, reported(enrolled.list.version())).await;
    room.service.end_earlier_sessions().await.unwrap();
    assert_eq!(connected_to(&room).await, None);
    let seen = room.service.store.list_sightings_since("one", 0).await.unwrap();
    assert_eq!(seen[0].end_reason.as_deref(), Some("server stopped"));
}

#[tokio::test]
async fn a_revoked_device_is_turned_away_and_an_unknown_one_is_not() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let list = reported(enrolled.list.version());
    let standby = room.standby().await;
    let unknown = arrival(1, FIRST + 7, list.clone());
    assert!(room.service.register_session(&unknown).await.is_ok());
    assert!(standby.service.register_session(&unknown).await.is_ok());

    let serial = room.service.store.find_device(FIRST).await.unwrap().unwrap().certificate_serial;
    let known = Arrival { certificate_serial: serial.clone(), ..arrival(1, FIRST, list) };
    assert!(room.service.register_session(&known).await.is_ok());
    let replacement = room.newcomer(FIRST).await;
    room.enrol(&replacement).await;
    room.service.accept_waiting_by_device_id(&admin(), FIRST).await.unwrap();
    let turned_away = room.service.register_session(&known).await;
    assert!(matches!(turned_away, Err(Refusal::Goodbye(Reason::Revoked, _))));
}

#[tokio::test]
async fn a_device_is_shown_where_it_came_last_while_that_answers() {
    let one = Room::active().await;
    let enrolled = one.device(FIRST).await;
    let list = reported(enrolled.list.version());
    one.register(FIRST, list.clone()).await;
    let two = one.standby().await;
    two.service.register_session(&Arrival { connection_sequence: 4, ..arrival(9, FIRST, list) }).await.unwrap();
    let seen = two.service.store.list_sightings_since("two", 0).await.unwrap();
    one.service.store_peer_sightings("two", &seen).await.unwrap();
    assert_eq!(connected_to(&one).await.as_deref(), Some("one"), "nobody has heard of two");
    hear(&one, "two");
    assert_eq!(connected_to(&one).await.as_deref(), Some("two"));
    let newest = seen.iter().map(|sighting| sighting.version).max().unwrap();
    assert_eq!(two.service.store.list_sightings_since("two", newest).await.unwrap(), []);
    two.service.end_session(9, FIRST, "timed out", AT).await.unwrap();
    let seen = two.service.store.list_sightings_since("two", newest).await.unwrap();
    assert_eq!(seen.len(), 1);
    one.service.store_peer_sightings("two", &seen).await.unwrap();
    assert_eq!(connected_to(&one).await.as_deref(), Some("one"));
    let forged = one.service.store_peer_sightings("one", &seen).await;
    assert!(matches!(forged, Err(Fault::Malformed(_))));
}

#[tokio::test]
async fn a_device_of_a_lost_server_was_last_seen_when_the_server_was() {
    let one = Room::active().await;
    let list = reported(one.device(FIRST).await.list.version());
    let two = one.standby().await;
    two.service.register_session(&arrival(9, FIRST, list)).await.unwrap();
    let seen = two.service.store.list_sightings_since("two", 0).await.unwrap();
    one.service.store_peer_sightings("two", &seen).await.unwrap();
    let last_seen = async || one.service.find_device(FIRST).await.unwrap().last_seen;
    assert_eq!(last_seen().await.as_ref(), Some(&seen[0].since), "nobody has heard of two");
    let lost = "2099-01-01T00:00:00.000Z";
    hear_at(&one, "two", lost);
    one.service.peers.lose("two");
    assert_eq!(last_seen().await.as_deref(), Some(lost));
}

#[tokio::test]
async fn sequences_go_on_from_what_the_other_server_gave() {
    let one = Room::active().await;
    let enrolled = one.device(FIRST).await;
    let list = reported(enrolled.list.version());
    let two = one.standby().await;
    two.service
        .register_session(&Arrival { connection_sequence: 40, ..arrival(9, FIRST, list.clone()) })
        .await
        .unwrap();
    let seen = two.service.store.list_sightings_since("two", 0).await.unwrap();
    one.service.store_peer_sightings("two", &seen).await.unwrap();
    let admission = one.service.register_session(&arrival(1, FIRST, list)).await.unwrap();
    assert_eq!(admission.connection_sequence, 42);
    assert_eq!(seen[0].info, info(FIRST));
}

#[tokio::test]
async fn a_sequence_beyond_all_bounds_is_no_harm() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    let mut hostile = arrival(1, FIRST, reported(enrolled.list.version()));
    hostile.connection_sequence = u64::MAX;
    hostile.committed.number = u64::MAX;
    hostile.committed.hash = "ff".repeat(32);
    assert!(room.service.register_session(&hostile).await.is_ok());
    let servers = room.service.find_servers(FIRST).await.unwrap();
    assert_eq!(servers.committed.unwrap().entries, [], "a list nobody here wrote has no entries to show");
}
