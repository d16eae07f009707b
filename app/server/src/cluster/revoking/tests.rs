//! Removed devices, and revocations that another server has not heard of, on a real store.

use super::*;
use crate::{
    cluster::{
        peer_board::{ServerFacts, Told},
        starts::Start,
    },
    fixture::{FIRST, Newcomer, Room, admin, arrival, reported},
};
use gateway::server::{EnrolDecision, Refusal};
use std::time::Instant;

fn told(room: &Room, revoked: u64) {
    told_which(room, revoked, "");
}

fn told_which(room: &Room, revoked: u64, digest: &str) {
    let facts = ServerFacts {
        id: "two".to_owned(),
        name: "Server two".to_owned(),
        role: Role::Standby,
        epoch: room.service.roles.now().epoch,
        addresses: Vec::new(),
        copy_taken_at: None,
        copy: None,
        replication: None,
        start: Start::default(),
    };
    let told = Told { revoked, revoked_digest: digest.to_owned(), ..Told::default() };
    room.service.peers.hear(facts, told, Instant::now(), "2026-01-01T00:00:00.000Z".to_owned());
}

#[tokio::test]
async fn a_removed_device_is_refused_until_it_is_accepted_anew() {
    let room = Room::active().await;
    let newcomer = Newcomer { string: room.string(2).await, ..room.newcomer(FIRST).await };
    room.enrol(&newcomer).await;
    room.service.accept_waiting(&admin(), &newcomer.key()).await.unwrap();
    let EnrolDecision::Accepted(enrolled) = room.enrol(&newcomer).await else { panic!("not accepted") };
    let serial = room.service.store.find_device(FIRST).await.unwrap().unwrap().certificate_serial;
    let mut arriving = arrival(1, FIRST, reported(enrolled.list.version()));
    arriving.certificate_serial = "renewed elsewhere".to_owned();
    room.service.register_session(&arriving).await.unwrap();

    room.service.remove_device(&admin(), FIRST).await.unwrap();
    assert!(matches!(room.service.find_device(FIRST).await, Err(Fault::NotFound(_))));
    assert!(matches!(room.service.remove_device(&admin(), FIRST).await, Err(Fault::NotFound(_))));
    for serial in [&serial, &arriving.certificate_serial] {
        let refused = room.service.may_register(FIRST, serial).await;
        assert!(matches!(refused, Err(Refusal::Goodbye(Reason::Revoked, _))), "{serial}: {refused:?}");
    }
    assert_eq!(room.service.count_devices().await, Ok(0));

    // The same key may ask again, and gets another certificate.
    assert_eq!(room.enrol(&newcomer).await, EnrolDecision::Waiting);
    room.service.accept_waiting(&admin(), &newcomer.key()).await.unwrap();
    let next = room.service.store.find_device(FIRST).await.unwrap().unwrap().certificate_serial;
    assert_ne!(next, serial);
    assert!(room.service.may_register(FIRST, &next).await.is_ok());
}

#[tokio::test]
async fn a_standby_removes_nothing() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let standby = room.standby().await;
    let refused = standby.service.remove_device(&admin(), FIRST).await;
    assert!(matches!(refused, Err(Fault::NotActive { .. })), "{refused:?}");
}

#[tokio::test]
async fn pages_say_what_the_other_server_has_not_heard_of() {
    let room = Room::active().await;
    room.device(FIRST).await;
    room.service.remove_device(&admin(), FIRST).await.unwrap();
    assert_eq!(room.service.revocation_banners().await, [], "nobody is known");
    told(&room, 0);
    let [banner]: [Banner; 1] = room.service.revocation_banners().await.try_into().unwrap();
    assert!(banner.text.starts_with("1 revocation is not yet known at Server two"), "{}", banner.text);
    assert_eq!(room.service.revocations_unknown().await, Ok(vec![("Server two".to_owned(), 1)]));
    told(&room, 1);
    assert_eq!(room.service.revocation_banners().await, []);
}

#[tokio::test]
async fn only_a_silent_server_is_removed_and_then_always_refused() {
    let room = Room::active().await;
    let own = room.service.identity.server_id.clone();
    told(&room, 0);
    let reachable = room.service.remove_server(&admin(), "two").await;
    assert!(
        matches!(&reachable, Err(Fault::WrongState(state)) if state.to_string().contains("answers")),
        "{reachable:?}"
    );
    assert!(matches!(room.service.remove_server(&admin(), &own).await, Err(Fault::WrongState(_))));
    assert!(matches!(room.service.remove_server(&admin(), "three").await, Err(Fault::NotFound(_))));

    room.service.peers.expire(Instant::now() + std::time::Duration::from_secs(60));
    assert!(!room.service.store.is_server_revoked("two", "ab").await.unwrap());
    let left = room.service.remove_server(&admin(), "two").await.unwrap();
    assert!(left.iter().map(|server| &server.id).eq([&own]), "{left:?}");
    assert!(room.service.store.is_server_revoked("two", "ab").await.unwrap());
    assert!(!room.service.store.is_server_revoked(&own, "ab").await.unwrap());
    let said = room.service.revoked_servers.read();
    let genuine = |server| revocation::is_genuine(server, "site", room.service.keys.authority().certificate_der());
    assert!(said.iter().map(|server| server.server_id.as_str()).eq(["two"]) && said.iter().all(genuine));
    room.service.close_revoked().await.unwrap();
    assert_eq!(room.service.revoked_servers.read(), said, "each is sealed once");

    // Whoever knew it forgets it as soon as it hears of that.
    let other = Room::of(Role::Standby, "three").await;
    told(&other, 0);
    other.service.note_revocations(&room.service.store.list_revocations().await.unwrap()).await.unwrap();
    other.service.close_revoked().await.unwrap();
    assert!(other.service.peers.peers().is_empty());
    let refused = other.service.remove_server(&admin(), "two").await;
    assert!(matches!(refused, Err(Fault::NotActive { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_knows_as_many_others_is_told_all() {
    let room = Room::active().await;
    room.device(FIRST).await;
    room.service.remove_device(&admin(), FIRST).await.unwrap();
    told_which(&room, 1, "of another certificate");
    let news = room.service.revocations_for("two").await.unwrap();
    assert_eq!((news.count, news.rows.len()), (1, 1));
    told_which(&room, 1, &news.digest);
    assert_eq!(room.service.revocations_for("two").await.unwrap().rows, []);
}
