//! From a provisioning string to a device that belongs, on a real store.

use super::*;
use crate::{
    db::PromotionKind,
    fixture::{FIRST, Newcomer, Room, admin, entry, info, reported},
};
use time::Duration;

fn reason_of(decision: &EnrolDecision) -> Option<Reason> {
    match decision {
        EnrolDecision::Refused(Refusal::Goodbye(reason, _)) => Some(*reason),
        EnrolDecision::Refused(Refusal::Busy(_)) | EnrolDecision::Waiting | EnrolDecision::Accepted(_) => None,
    }
}

#[tokio::test]
async fn an_accepted_device_gets_one_certificate_whenever_it_asks() {
    let room = Room::active().await;
    let newcomer = room.newcomer(FIRST).await;
    for _ in 0..2 {
        assert_eq!(room.enrol(&newcomer).await, EnrolDecision::Waiting);
    }
    let waiting = room.service.list_waiting().await.unwrap();
    assert_eq!(waiting[0].last_seen, waiting[0].first_seen, "it was written down just now");
    room.advance(Duration::minutes(5));
    assert_eq!(room.enrol(&newcomer).await, EnrolDecision::Waiting);
    let waiting = room.service.list_waiting().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].device_id, waiting[0].replaces), (FIRST, false));
    assert!(waiting[0].last_seen > waiting[0].first_seen);
    let string = &room.service.list_provisioning_strings().await.unwrap()[0];
    assert_eq!((string.uses, string.used), (1, 1), "asking again takes no further use");
    let device = room.service.accept_waiting(&admin(), &waiting[0].id).await.unwrap();
    assert_eq!(device.name, "BioLite Net 547846001 (10.0.0.1)");
    let first = room.enrol(&newcomer).await;
    let EnrolDecision::Accepted(enrolled) = &first else { panic!("{first:?}") };
    assert_eq!(enrolled.installation_id, "site");
    assert_eq!(enrolled.list.version().number, 1);
    assert_eq!(enrolled.authority_certificate, room.service.keys.authority().certificate_der().to_vec());
    room.advance(Duration::days(3));
    let EnrolDecision::Accepted(again) = room.enrol(&newcomer).await else { panic!() };
    assert_eq!(again.certificate, enrolled.certificate);
    assert_eq!(room.service.list_waiting().await.unwrap(), []);
    let late = room.service.reject_waiting(&admin(), &waiting[0].id).await;
    assert!(matches!(late, Err(Fault::WrongState(_))));
}

#[tokio::test]
async fn a_rejected_device_stays_outside() {
    let room = Room::active().await;
    let newcomer = room.newcomer(FIRST).await;
    room.enrol(&newcomer).await;
    room.service.reject_waiting(&admin(), &newcomer.key()).await.unwrap();
    assert_eq!(reason_of(&room.enrol(&newcomer).await), Some(Reason::Rejected));
    let late = room.service.accept_waiting(&admin(), &newcomer.key()).await;
    assert!(matches!(late, Err(Fault::WrongState(_))));
    let unknown = room.service.accept_waiting(&admin(), "00").await;
    assert!(matches!(unknown, Err(Fault::NotFound(_))));
}

#[tokio::test]
async fn a_string_lets_in_as_many_devices_as_it_says_until_it_ends() {
    let room = Room::active().await;
    let mut first = room.newcomer(FIRST).await;
    first.string = room.string(1).await;
    let second = Newcomer { string: first.string.clone(), ..room.newcomer(FIRST + 1).await };
    assert_eq!(room.enrol(&first).await, EnrolDecision::Waiting);
    assert_eq!(reason_of(&room.enrol(&second).await), Some(Reason::BadProvisioning));
    let late = room.newcomer(FIRST + 2).await;
    room.advance(Duration::hours(2));
    assert_eq!(reason_of(&room.enrol(&late).await), Some(Reason::BadProvisioning));
    assert_eq!(room.enrol(&first).await, EnrolDecision::Waiting, "it asked while the string was good");
}

#[tokio::test]
async fn a_string_of_an_earlier_epoch_lets_in_nobody_new() {
    let room = Room::active().await;
    let waiting = room.newcomer(FIRST).await;
    assert_eq!(room.enrol(&waiting).await, EnrolDecision::Waiting);
    let late = room.newcomer(FIRST + 1).await;
    room.service.become_active(&admin(), PromotionKind::Takeover, None, None).await.unwrap();
    assert_eq!(
        reason_of(&room.enrol(&late).await),
        Some(Reason::BadProvisioning),
        "an older copy may count too few uses"
    );
    assert_eq!(room.enrol(&waiting).await, EnrolDecision::Waiting, "it was counted before");
    let late = Newcomer { string: room.string(1).await, ..late };
    assert_eq!(room.enrol(&late).await, EnrolDecision::Waiting);
}

#[tokio::test]
async fn wrong_secrets_unknown_strings_and_stolen_proofs_are_refused() {
    let room = Room::active().await;
    let mut newcomer = room.newcomer(FIRST).await;
    newcomer.string.secret[0] ^= 1;
    assert_eq!(reason_of(&room.enrol(&newcomer).await), Some(Reason::BadProvisioning));
    newcomer.string.id = "feedfeedfeedfeed".to_owned();
    assert_eq!(reason_of(&room.enrol(&newcomer).await), Some(Reason::BadProvisioning));
    assert_eq!(room.service.list_waiting().await.unwrap(), []);
    let good = room.newcomer(FIRST).await;
    let mut stolen = good.enrolment();
    stolen.channel_binding = vec![1; 32];
    let decision = room.service.enrol_device(&stolen, info(FIRST)).await.unwrap();
    assert_eq!(reason_of(&decision), Some(Reason::BadProvisioning), "the proof belongs to one connection");
}

#[tokio::test]
async fn a_standby_sends_new_devices_to_the_active_server() {
    let active = Room::active().await;
    let newcomer = active.newcomer(FIRST).await;
    let standby = active.standby().await;
    assert_eq!(reason_of(&standby.enrol(&newcomer).await), Some(Reason::NotEnrolled));
    let accept = standby.service.accept_waiting(&admin(), &newcomer.key()).await;
    assert!(matches!(accept, Err(Fault::NotActive { .. })));
}

#[tokio::test]
async fn enrolling_again_gives_a_new_certificate_and_the_old_servers() {
    let room = Room::active().await;
    let before = room.device(FIRST).await;
    room.register(FIRST, reported(before.list.version())).await;
    room.edit(FIRST, &["10.0.0.6"]).await;
    room.push(FIRST).await;
    room.service.rename_device(&admin(), FIRST, "Gate").await.unwrap();
    let old_serial = room.service.store.find_device(FIRST).await.unwrap().unwrap().certificate_serial;
    let again = room.newcomer(FIRST).await;
    room.enrol(&again).await;
    assert!(room.service.list_waiting().await.unwrap()[0].replaces);
    room.service.accept_waiting_by_device_id(&admin(), FIRST).await.unwrap();
    assert!(room.service.store.is_revoked(&old_serial).await.unwrap());
    let EnrolDecision::Accepted(enrolled) = room.enrol(&again).await else { panic!() };
    assert_eq!(enrolled.list.version().number, 3);
    let device = room.service.find_device(FIRST).await.unwrap();
    assert_eq!(device.name, "Gate");
    assert_eq!(device.servers.committed.unwrap().revision, 3);
    assert_eq!((device.servers.revision, device.servers.entries.as_slice()), (4, [entry(1, "10.0.0.6")].as_slice()));
    assert_eq!(room.push(FIRST).await.number, 4);
}

#[tokio::test]
async fn several_devices_with_one_id_are_told_apart_by_their_keys() {
    let room = Room::active().await;
    let (one, two) = (room.newcomer(FIRST).await, room.newcomer(FIRST).await);
    room.enrol(&one).await;
    room.enrol(&two).await;
    let vague = room.service.accept_waiting_by_device_id(&admin(), FIRST).await;
    assert!(matches!(vague, Err(Fault::WrongState(_))));
    let none = room.service.accept_waiting_by_device_id(&admin(), 7).await;
    assert!(matches!(none, Err(Fault::NotFound(_))));
    room.service.accept_waiting(&admin(), &two.key().to_uppercase()).await.unwrap();
    assert!(room.service.list_waiting().await.unwrap()[0].replaces);
}
