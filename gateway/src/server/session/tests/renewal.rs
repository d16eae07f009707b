//! A certificate that is renewed over the session, and one that is over.

use super::*;
use crate::server::orders::{Order, OrderId};
use crate::wire::{EventUpload, RingSpan};

fn request() -> Message {
    Message::RenewCertificate { request: b"request".to_vec() }
}

fn asked(talk: &mut Talk) {
    match talk.question() {
        Some(Question::Renew(DEVICE, request)) => assert_eq!(request, b"request"),
        other => panic!("not asked for a certificate but {other:?}"),
    }
}

#[test]
fn a_request_is_put_to_the_directory_and_its_answer_told() {
    let mut talk = Talk::registered(hello());
    talk.hears(request());
    asked(&mut talk);
    talk.answered(Answer::Renewed(Ok(vec![1, 2])));
    assert_eq!(talk.said(), Message::CertificateRenewed { certificate: vec![1, 2] });
    talk.hears(request());
    asked(&mut talk);
    talk.answered(Answer::Renewed(Err("not\nhere".into())));
    assert_eq!(talk.said(), Message::RenewalRefused { text: "not here".into() });
    assert!(talk.is_quiet());
}

#[test]
fn a_renewal_waits_its_turn_and_a_second_one_ends_the_session() {
    let mut talk = Talk::just_registered(hello());
    talk.hears(request());
    assert!(matches!(talk.question(), Some(Question::Wanted(DEVICE))));
    assert!(talk.is_quiet());
    talk.answered(Answer::Wanted(None));
    asked(&mut talk);
    talk.hears(request());
    assert_eq!(talk.goodbye(), Reason::UnexpectedMessage);
}

#[test]
fn before_the_registration_nobody_renews() {
    let mut talk = Talk::with_certificate();
    talk.hears(request());
    assert_eq!(talk.goodbye(), Reason::UnexpectedMessage);
}

#[test]
fn an_expired_session_takes_events_and_a_renewal_alone() {
    let mut talk = Talk::expired();
    let ring = Some(RingSpan { ring: RingId([1; 16]), oldest: 1, newest: 50, replaces: None });
    talk.hears(Message::Hello(Hello { rollback: Some(rollback()), ring, ..hello_on_trial() }));
    assert!(matches!(talk.question(), Some(Question::Admit(_))));
    talk.answered(admitted());
    assert!(matches!(talk.said(), Message::Registered(_)));
    talk.lives(60);
    assert!(talk.is_quiet(), "no list, no confirmation, no report");
    let standby = Identity { role: Role::Standby, ..identity() };
    talk.session.handle_wake(&standby, talk.now);
    assert!(talk.is_quiet());
    let id = OrderId(OrderId::FIRST);
    talk.session.handle_order(id, Order::Probe(list(1).entries().clone()), talk.now);
    let reply = talk.session.poll_output();
    assert!(matches!(&reply, Some(Output::Replied(to, OrderReply::Refused(_))) if *to == id), "{reply:?}");

    let gap = EventUpload::Gap { ring: RingId([1; 16]), first_id: 41, last_id: 50 };
    talk.hears(Message::Upload(gap));
    assert!(matches!(talk.question(), Some(Question::Store(DEVICE, _))));
    talk.answered(Answer::Stored(Some(50)));
    assert_eq!(talk.said(), Message::EventsStored { ring: RingId([1; 16]), watermark: 50 });
    talk.hears(request());
    asked(&mut talk);
    talk.answered(Answer::Renewed(Ok(vec![1])));
    assert!(matches!(talk.said(), Message::CertificateRenewed { .. }));
    talk.session.handle_lost(Reason::Unknown);
    assert!(talk.session.take_unreported().is_empty(), "the rollback is told in the next hello");
}
