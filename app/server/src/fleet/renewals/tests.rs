//! Renewals on a real store.

use super::*;
use crate::{
    fixture::{FIRST, Newcomer, Room, admin, arrival, reported},
    fleet::Arrival,
};
use gateway::{server::EnrolDecision, tls::peer_of, wire::Enrolled};
use time::Duration;

/// A device that belongs, with its key's request and its serial number.
async fn belonging(room: &Room) -> (Newcomer, Enrolled, String) {
    let newcomer = room.newcomer(FIRST).await;
    room.enrol(&newcomer).await;
    room.service.accept_waiting(&admin(), &newcomer.key()).await.unwrap();
    let EnrolDecision::Accepted(enrolled) = room.enrol(&newcomer).await else { panic!("not accepted") };
    let serial = serial_of(&enrolled.certificate);
    (newcomer, *enrolled, serial)
}

fn serial_of(der: &[u8]) -> String {
    match peer_of(&CertificateDer::from(der)) {
        Some(gateway::tls::Peer::Device { id, serial, .. }) if id.0 == FIRST => hex::encode(serial),
        other => panic!("not the device's: {other:?}"),
    }
}

#[tokio::test]
async fn the_new_certificate_is_on_record_and_the_old_one_stays_good() {
    let room = Room::active().await;
    let (newcomer, _, old) = belonging(&room).await;
    room.advance(Duration::days(2500));
    let renewed = room.service.renew_certificate(FIRST, &old, &newcomer.request).await.unwrap();
    let new = serial_of(&renewed);
    assert_ne!(new, old);
    assert_eq!(room.service.store.find_device(FIRST).await.unwrap().unwrap().certificate_serial, new);
    for serial in [&old, &new] {
        assert!(room.service.may_register(FIRST, serial).await.is_ok());
    }

    let again = room.service.renew_certificate(FIRST, &old, &newcomer.request).await.unwrap();
    assert_eq!(again, renewed, "the answer was lost");
    room.advance(Duration::days(2500));
    let third = serial_of(&room.service.renew_certificate(FIRST, &new, &newcomer.request).await.unwrap());
    assert_ne!(third, new);
}

#[tokio::test]
async fn with_a_device_all_its_certificates_are_revoked() {
    let room = Room::active().await;
    let (newcomer, _, first) = belonging(&room).await;
    let second = serial_of(&room.service.renew_certificate(FIRST, &first, &newcomer.request).await.unwrap());
    let third = serial_of(&room.service.renew_certificate(FIRST, &second, &newcomer.request).await.unwrap());
    let (other_key, _, fourth) = belonging(&room).await;
    for serial in [&first, &second, &third] {
        assert!(room.service.store.is_revoked(serial).await.unwrap(), "{serial}");
        let refusal = room.service.renew_certificate(FIRST, serial, &newcomer.request).await.unwrap_err();
        assert!(refusal.contains("revoked"), "{refusal}");
    }
    assert!(room.service.may_register(FIRST, &fourth).await.is_ok());
    assert!(room.service.renew_certificate(FIRST, &fourth, &other_key.request).await.is_ok());
}

#[tokio::test]
async fn another_key_another_device_and_a_standby_get_nothing() {
    let room = Room::active().await;
    let (newcomer, _, serial) = belonging(&room).await;
    let other = room.newcomer(FIRST).await;
    let refusal = room.service.renew_certificate(FIRST, &serial, &other.request).await.unwrap_err();
    assert!(refusal.contains("another key"), "{refusal}");
    let refusal = room.service.renew_certificate(FIRST + 1, &serial, &newcomer.request).await.unwrap_err();
    assert!(refusal.contains("removed"), "{refusal}");
    assert!(room.service.renew_certificate(FIRST, &serial, b"no request").await.is_err());
    let standby = room.standby().await;
    let refusal = standby.service.renew_certificate(FIRST, &serial, &newcomer.request).await.unwrap_err();
    assert!(refusal.contains("not active"), "{refusal}");
}

#[tokio::test]
async fn a_certificate_that_ends_soon_raises_an_alarm_until_renewed() {
    let room = Room::active().await;
    let (newcomer, enrolled, serial) = belonging(&room).await;
    let now = u64::try_from(room.service.clock.now().unix_timestamp()).unwrap();
    let day = 24 * 3600;
    let list = reported(enrolled.list.version());
    for (ends, alarm) in
        [(now + 91 * day, None), (now + 89 * day, Some("ends on 2026-12")), (now - day, Some("ended on"))]
    {
        let arrived = Arrival { certificate_ends_unix_s: ends, ..arrival(1, FIRST, list.clone()) };
        room.service.register_session(&arrived).await.unwrap();
        let shown = room.service.find_device(FIRST).await.unwrap().alarm;
        assert_eq!(shown.is_some(), alarm.is_some(), "{shown:?}");
        assert!(shown.unwrap_or_default().contains(alarm.unwrap_or_default()));
    }
    room.service.renew_certificate(FIRST, &serial, &newcomer.request).await.unwrap();
    assert_eq!(room.service.find_device(FIRST).await.unwrap().alarm, None);
}

#[tokio::test]
async fn the_servers_own_certificate_is_warned_about_on_every_page() {
    let room = Room::active().await;
    assert_eq!(room.service.banners().await, []);
    let ends = room.service.keys.certificate_ends_unix_s().unwrap();
    let left = i64::try_from(ends).unwrap() - room.service.clock.now().unix_timestamp();
    room.advance(Duration::seconds(left) - Duration::days(89));
    assert!(room.service.banners().await[0].text.contains("own certificate ends on 20"));
    room.advance(Duration::days(90));
    assert!(room.service.banners().await[0].text.contains("own certificate ended on 20"));
}
