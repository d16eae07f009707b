//! Uploads: one question at a time, acknowledged in order and only once they are on record.

use super::*;
use crate::wire::{Event, EventUpload, RingId, RingSpan, SERVER_CONNECTED};

const RING: RingId = RingId([7; 16]);

fn upload(first_id: u64) -> EventUpload {
    let event =
        Event { time_unix_ms: 1, code: SERVER_CONNECTED, user_id: String::new(), detail: "server-1".to_owned() };
    EventUpload::Events { ring: RING, first_id, events: vec![event; 10] }
}

fn stored(watermark: u64) -> Message {
    Message::EventsStored { ring: RING, watermark }
}

/// The next question is this upload.
fn asked(talk: &mut Talk, expected: &EventUpload) {
    match talk.question() {
        Some(Question::Store(DEVICE, upload)) => assert_eq!(&*upload, expected),
        other => panic!("{expected:?} was not asked but {other:?}"),
    }
}

#[test]
fn a_registration_names_the_watermark() {
    let mut talk = Talk::admitting();
    talk.answered(admitted());
    let Message::Registered(registered) = talk.said() else { panic!("not registered") };
    assert_eq!(registered.event_watermark, 40);
}

#[test]
fn uploads_are_stored_one_by_one_and_acknowledged_after() {
    let mut talk = Talk::registered(hello());
    talk.hears(Message::Upload(upload(41)));
    asked(&mut talk, &upload(41));
    talk.hears(Message::Upload(upload(51)));
    assert!(talk.is_quiet(), "one question at a time");
    talk.answered(Answer::Stored(Some(50)));
    assert_eq!(talk.said(), stored(50));
    asked(&mut talk, &upload(51));
    talk.answered(Answer::Stored(Some(60)));
    assert_eq!(talk.said(), stored(60));
    assert!(talk.is_quiet());
}

#[test]
fn unwritten_events_are_tried_again_and_not_acknowledged() {
    let mut talk = Talk::registered(hello());
    talk.hears(Message::Upload(upload(41)));
    for _ in 0..3 {
        asked(&mut talk, &upload(41));
        talk.answered(Answer::Stored(None));
        talk.lives(4);
        assert!(talk.is_quiet());
        talk.lives(1);
    }
    asked(&mut talk, &upload(41));
    talk.answered(Answer::Stored(Some(50)));
    assert_eq!(talk.said(), stored(50));
}

#[test]
fn a_third_upload_without_an_answer_ends_the_session() {
    let mut talk = Talk::registered(hello());
    talk.hears(Message::Upload(upload(41)));
    asked(&mut talk, &upload(41));
    talk.hears(Message::Upload(upload(51)));
    talk.hears(Message::Upload(upload(61)));
    assert_eq!(talk.goodbye(), Reason::UnexpectedMessage);
}

#[test]
fn the_server_list_goes_before_events() {
    let mut talk = Talk::registered(hello());
    talk.hears(Message::Upload(upload(41)));
    asked(&mut talk, &upload(41));
    talk.hears(Message::Upload(upload(51)));
    talk.session.handle_wake(&identity(), talk.now);
    talk.answered(Answer::Stored(Some(50)));
    assert!(matches!(talk.question(), Some(Question::Wanted(DEVICE))));
    assert_eq!(talk.said(), stored(50), "which needs no question");
    talk.answered(Answer::Wanted(None));
    asked(&mut talk, &upload(51));
}

#[test]
fn a_replaced_ring_is_recorded_without_word_to_the_device() {
    let replaces = RingId([6; 16]);
    let span = RingSpan { ring: RING, oldest: 1, newest: 9, replaces: Some(replaces) };
    let mut talk = Talk::registered(Hello { ring: Some(span), ..hello() });
    asked(&mut talk, &EventUpload::NewRing { ring: RING, replaces });
    for first_id in [41, 51] {
        talk.hears(Message::Upload(upload(first_id)));
    }
    talk.answered(Answer::Stored(Some(40)));
    for first_id in [41, 51] {
        asked(&mut talk, &upload(first_id));
        talk.answered(Answer::Stored(Some(first_id + 9)));
        assert_eq!(talk.said(), stored(first_id + 9));
    }
    assert!(talk.is_quiet());
}

#[test]
fn early_events_and_a_devices_acknowledgement_end_the_session() {
    let mut talk = Talk::with_certificate();
    talk.hears(Message::Upload(upload(1)));
    assert_eq!(talk.goodbye(), Reason::UnexpectedMessage);
    let mut talk = Talk::registered(hello());
    talk.hears(stored(1));
    assert_eq!(talk.goodbye(), Reason::UnexpectedMessage);
}
