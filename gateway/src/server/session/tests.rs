//! The session's rules by virtual time, and under arbitrary orders of messages, answers and waits.

mod events;
mod fixture;
mod orders;
mod pushes;
mod renewal;

use super::*;
use crate::server::orders::OrderReply;
use crate::wire::{Enrol, PROTOCOL_VERSION, RingId, Role};
use fixture::*;
use proptest::prelude::*;

#[test]
fn a_device_with_its_certificate_is_registered() {
    let mut talk = Talk::with_certificate();
    talk.hears(Message::Hello(hello()));
    let Some(Question::Admit(registration)) = talk.question() else { panic!("not asked") };
    assert_eq!(registration.certificate_serial, [5]);
    talk.answered(admitted());
    let Message::Registered(registered) = talk.said() else { panic!("not registered") };
    assert_eq!((registered.connection_sequence, registered.keep_alive_s, registered.role), (8, 10, Role::Active));
    assert!(matches!(talk.question(), Some(Question::Wanted(DEVICE))));
    talk.answered(Answer::Wanted(None));
    assert!(talk.is_quiet());
}

#[test]
fn whoever_is_not_that_device_is_turned_away() {
    let mut other = hello();
    other.info.device_id = DeviceId(2);
    let mut newer = hello();
    newer.protocol_version = 2;
    let foreign = Peer::Device { installation_id: "other".into(), id: DEVICE, serial: vec![5] };
    let server = Peer::Server { installation_id: "site".into(), id: "s".into(), serial: vec![5] };
    for (shown, hello, reason) in [
        (Shown::Nothing, hello(), Reason::NotEnrolled),
        (Shown::Stranger, hello(), Reason::WrongIdentity),
        (Shown::Peer(server), hello(), Reason::WrongIdentity),
        (Shown::Peer(foreign), hello(), Reason::WrongIdentity),
        (Shown::Peer(device_peer()), other, Reason::WrongIdentity),
        (Shown::Peer(device_peer()), newer, Reason::UnsupportedVersion),
    ] {
        let mut talk = Talk::new(shown);
        talk.hears(Message::Hello(hello));
        assert_eq!(talk.goodbye(), reason);
    }
}

#[test]
fn a_refused_admission_says_why() {
    let mut talk = Talk::admitting();
    talk.answered(Answer::NotAdmitted(Refusal::Goodbye(Reason::Revoked, "revoked".into())));
    assert_eq!(talk.goodbye(), Reason::Revoked);

    for (wait, seconds) in [(Duration::ZERO, 1), (Duration::from_millis(1500), 2), (Duration::from_secs(900), 60)] {
        let mut talk = Talk::admitting();
        talk.answered(Answer::NotAdmitted(Refusal::Busy(wait)));
        assert_eq!(talk.said(), Message::Busy { retry_after_s: seconds });
        assert!(talk.is_closed());
    }
}

#[test]
fn a_waiting_device_is_asked_about_at_each_wake_and_over_time() {
    let mut talk = Talk::new(Shown::Nothing);
    talk.hears(Message::Enrol(enrol()));
    assert!(matches!(talk.question(), Some(Question::Enrol(_))));
    // Woken while the directory is still answering: that answer may be old.
    talk.session.handle_wake(&identity(), talk.now);
    talk.answered(Answer::Enrol(EnrolDecision::Waiting));
    assert_eq!(talk.said(), Message::EnrolWaiting { keep_alive_s: 10 });
    assert!(matches!(talk.question(), Some(Question::Enrol(_))));
    talk.answered(Answer::Enrol(EnrolDecision::Waiting));
    assert!(talk.is_quiet());
    talk.hears(Message::Ping { nonce: 7 });
    assert_eq!(talk.said(), Message::Pong { nonce: 7 });
    talk.waits(30);
    assert!(matches!(talk.question(), Some(Question::Enrol(_))));
    talk.answered(Answer::Enrol(EnrolDecision::Accepted(Box::new(enrolled()))));
    assert!(matches!(talk.said(), Message::Enrolled(_)));
    assert!(talk.is_closed());
}

#[test]
fn an_enrolment_needs_a_genuine_request_and_no_certificate() {
    let mut talk = Talk::with_certificate();
    talk.hears(Message::Enrol(enrol()));
    assert_eq!(talk.goodbye(), Reason::UnexpectedMessage);

    let mut talk = Talk::new(Shown::Nothing);
    talk.hears(Message::Enrol(Enrol { certificate_request: vec![1, 2, 3], ..enrol() }));
    assert_eq!(talk.goodbye(), Reason::Malformed);

    let mut talk = Talk::new(Shown::Nothing);
    talk.hears(Message::Enrol(enrol()));
    talk.question();
    let refusal = Refusal::Goodbye(Reason::BadProvisioning, "used up".into());
    talk.answered(Answer::Enrol(EnrolDecision::Refused(refusal)));
    assert_eq!(talk.goodbye(), Reason::BadProvisioning);
}

#[test]
fn silence_ends_a_session_and_any_byte_keeps_it() {
    let mut talk = Talk::with_certificate();
    talk.waits(4);
    assert!(talk.is_quiet());
    talk.waits(1);
    assert_eq!(talk.goodbye(), Reason::TimedOut);

    let mut talk = Talk::registered(hello());
    talk.waits(44);
    talk.session.handle_heard(talk.now);
    talk.waits(44);
    assert!(talk.is_quiet());
    talk.waits(1);
    assert_eq!(talk.goodbye(), Reason::TimedOut);
}

#[test]
fn misplaced_messages_end_the_session_and_unknown_ones_do_not() {
    for message in [Message::Ping { nonce: 1 }, Message::Pong { nonce: 1 }, Message::ListStaged(hello().committed)] {
        let mut talk = Talk::with_certificate();
        talk.hears(message);
        assert_eq!(talk.goodbye(), Reason::UnexpectedMessage);
    }
    for message in [Message::Hello(hello()), Message::Enrol(enrol()), Message::ConfirmTrial(hello().committed)] {
        let mut talk = Talk::registered(hello());
        talk.hears(message);
        assert_eq!(talk.goodbye(), Reason::UnexpectedMessage);
    }
    let mut talk = Talk::registered(hello());
    talk.hears(Message::Unknown);
    assert_eq!(talk.said(), Message::Unsupported { message: 0 });
    assert!(talk.is_quiet());
}

#[test]
fn a_leaving_server_advertises_the_spread() {
    for (reason, spread) in [(Reason::ShuttingDown, 2), (Reason::Draining, 2), (Reason::Revoked, 0)] {
        let mut talk = Talk::registered(hello());
        talk.session.handle_close(reason, "why");
        let Message::Goodbye(goodbye) = talk.said() else { panic!("no goodbye") };
        assert_eq!(goodbye, Goodbye { reason, text: "why".into(), reconnect_spread_s: spread });
        assert!(talk.is_closed());
    }
}

#[test]
fn whatever_the_reason_its_text_fits_the_wire() {
    let mut talk = Talk::registered(hello());
    talk.session.handle_close(Reason::Removed, &format!("one\ntwo {}", "ä".repeat(400)));
    let Message::Goodbye(goodbye) = talk.said() else { panic!("no goodbye") };
    assert!(goodbye.text.starts_with("one two ä") && goodbye.text.len() <= 512, "{}", goodbye.text);
}

#[test]
fn nothing_follows_the_end() {
    let mut talk = Talk::registered(hello());
    talk.hears(Message::Goodbye(Goodbye { reason: Reason::ShuttingDown, text: String::new(), reconnect_spread_s: 0 }));
    assert!(talk.is_closed());
    talk.hears(Message::Ping { nonce: 1 });
    talk.session.handle_close(Reason::Replaced, "late");
    talk.session.handle_wake(&identity(), talk.now);
    talk.waits(100);
    assert!(talk.session.poll_output().is_none() && talk.session.poll_timeout().is_none());
}

#[derive(Clone, Debug)]
enum Move {
    Hear(Box<Message>),
    Answer(u8),
    Wait(u32),
    Wake,
    Close,
}

fn any_message() -> impl Strategy<Value = Message> {
    let versions = prop_oneof![Just(list(1).version()), Just(list(2).version()), Just(list(3).version())];
    prop_oneof![
        Just(Message::Hello(hello())),
        Just(Message::Hello(hello_on_trial())),
        Just(Message::Probe { protocol_version: PROTOCOL_VERSION, device: DEVICE }),
        (1..4_u64).prop_map(|request| Message::ProbeTable { request, rows: Vec::new() }),
        Just(Message::Enrol(enrol())),
        Just(Message::Unknown),
        Just(Message::Unsupported { message: 11 }),
        Just(Message::Upload(EventUpload::Gap { ring: RingId([1; 16]), first_id: 1, last_id: 9 })),
        any::<u64>().prop_map(|nonce| Message::Ping { nonce }),
        versions.prop_flat_map(|version| prop_oneof![
            Just(Message::ListStaged(version)),
            Just(Message::StageRefused { version, text: "no".into() }),
            Just(Message::TrialStarted(version)),
            Just(Message::ListCommitted(version)),
            Just(Message::ConfirmTrial(version)),
        ]),
    ]
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => any_message().prop_map(|message| Move::Hear(Box::new(message))),
        6 => any::<u8>().prop_map(Move::Answer),
        2 => (0u32..30_000).prop_map(Move::Wait),
        1 => Just(Move::Wake),
        1 => Just(Move::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_order_of_inputs_registers_and_ends_at_most_once(
        certificate: bool,
        moves in prop::collection::vec(any_move(), 0..60),
    ) {
        let mut talk = Talk::new(if certificate { Shown::Peer(device_peer()) } else { Shown::Nothing });
        let (mut registered, mut closed, mut open) = (0, 0, None::<Question>);
        for step in moves {
            match step {
                Move::Hear(message) => {
                    talk.session.handle_heard(talk.now);
                    talk.session.handle_message(*message, talk.now);
                }
                Move::Answer(variant) => if let Some(question) = open.take() {
                    talk.session.handle_answer(some_answer(&question, variant), talk.now);
                },
                Move::Wait(ms) => {
                    talk.now += Duration::from_millis(ms.into());
                    talk.session.handle_timeout(talk.now);
                }
                Move::Wake => talk.session.handle_wake(&identity(), talk.now),
                Move::Close => talk.session.handle_close(Reason::Replaced, "newer"),
            }
            while let Some(output) = talk.session.poll_output() {
                prop_assert_eq!(closed, 0, "after the end: {:?}", output);
                match output {
                    Output::Send(message) => registered += u32::from(matches!(*message, Message::Registered(_))),
                    Output::Replied(..) => {}
                    Output::Ask(question) => prop_assert!(open.replace(question).is_none(), "two questions at once"),
                    Output::Close(_) => closed += 1,
                }
            }
            prop_assert!(registered <= u32::from(certificate));
            // A timeout that is always due would spin.
            if let Some(at) = talk.session.poll_timeout() && at <= talk.now {
                talk.session.handle_timeout(talk.now);
                prop_assert!(talk.session.poll_timeout() != Some(at) || talk.session.poll_output().is_some());
            }
        }
    }
}
