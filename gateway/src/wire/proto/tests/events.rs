//! Rings and uploads over the wire, and what is refused of them.

use super::*;
use crate::wire::{
    DETAIL_BYTES_MAX, EVENT_ID_MAX, Event, EventUpload, MAX_FRAME_BYTES, MAX_UPLOAD_EVENTS, RingId, RingSpan,
    USER_ID_BYTES_MAX,
};
use generated::frame::Message as Wire;

pub(super) fn rings() -> impl Strategy<Value = RingId> {
    any::<[u8; 16]>().prop_map(RingId)
}

pub(super) fn spans() -> impl Strategy<Value = RingSpan> {
    (rings(), 0..=EVENT_ID_MAX, any::<proptest::sample::Index>(), proptest::option::of(rings())).prop_map(
        |(ring, newest, place, replaces)| {
            let oldest = newest + 1 - place.index(usize::try_from(newest.min(50_000)).unwrap() + 1) as u64;
            RingSpan { ring, oldest: oldest.max(1), newest, replaces }
        },
    )
}

fn some_events() -> impl Strategy<Value = Event> {
    (any::<u64>(), any::<u32>(), "[0-9a-zß]{0,32}", texts()).prop_map(|(time_unix_ms, code, user_id, detail)| Event {
        time_unix_ms,
        code,
        user_id,
        detail,
    })
}

pub(super) fn uploads() -> impl Strategy<Value = EventUpload> {
    let first = 1..=EVENT_ID_MAX - MAX_UPLOAD_EVENTS as u64;
    let events = (rings(), first.clone(), proptest::collection::vec(some_events(), 1..=MAX_UPLOAD_EVENTS))
        .prop_map(|(ring, first_id, events)| EventUpload::Events { ring, first_id, events });
    let gaps = (rings(), first, 0..100_u64).prop_map(|(ring, first_id, more)| EventUpload::Gap {
        ring,
        first_id,
        last_id: first_id + more,
    });
    let opened = (rings(), rings()).prop_map(|(ring, replaces)| EventUpload::NewRing { ring, replaces });
    prop_oneof![events, gaps, opened]
}

fn event(user_id: &str, detail: &str) -> Event {
    Event { time_unix_ms: u64::MAX, code: u32::MAX, user_id: user_id.into(), detail: detail.into() }
}

fn upload(events: Vec<Event>) -> Message {
    Message::Upload(EventUpload::Events { ring: RingId([255; 16]), first_id: EVENT_ID_MAX - 100, events })
}

#[test]
fn the_largest_upload_fits_into_a_frame() {
    let largest = event(&"u".repeat(USER_ID_BYTES_MAX), &"d".repeat(DETAIL_BYTES_MAX));
    let message = upload(vec![largest; MAX_UPLOAD_EVENTS]);
    let bytes = frame_of(message.clone()).encode_to_vec();
    assert!(bytes.len() <= MAX_FRAME_BYTES, "{}", bytes.len());
    assert_eq!(message_of(Frame::decode(&bytes[..]).unwrap()), Ok(message));
}

#[test]
fn an_upload_that_breaks_a_rule_is_refused() {
    for (message, named) in [
        (upload(Vec::new()), "upload_events.events"),
        (upload(vec![event("", ""); MAX_UPLOAD_EVENTS + 1]), "upload_events.events"),
        (upload(vec![event("a\nb", "")]), "event.user_id"),
        (upload(vec![event(&"u".repeat(USER_ID_BYTES_MAX + 1), "")]), "event.user_id"),
        (upload(vec![event("", &"d".repeat(DETAIL_BYTES_MAX + 1))]), "event.detail"),
    ] {
        let why = refusal(message, |_| {});
        assert!(why.starts_with(named), "{why}");
    }
    for first_id in [0, EVENT_ID_MAX, u64::MAX] {
        let why = refusal(upload(vec![event("", "")]), |message| {
            if let Wire::UploadEvents(upload) = message {
                upload.first_id = first_id;
            }
        });
        assert!(why.starts_with("upload_events.first_id"), "{why}");
    }
    let why = refusal(upload(vec![event("", "")]), |message| {
        if let Wire::UploadEvents(upload) = message {
            upload.ring.pop();
        }
    });
    assert!(why.starts_with("upload_events.ring"), "{why}");
}

#[test]
fn a_gap_and_a_ring_have_an_order() {
    let gap = |first_id, last_id| Message::Upload(EventUpload::Gap { ring: RingId([1; 16]), first_id, last_id });
    for (first, last) in [(0, 5), (6, 5), (1, EVENT_ID_MAX + 1)] {
        let why = refusal(gap(first, last), |_| {});
        assert!(why.starts_with("report_gap"), "{why}");
    }
    let ring =
        |oldest_id, newest_id| generated::EventRing { ring: vec![1; 16], oldest_id, newest_id, replaces: vec![] };
    for (oldest, newest) in [(0, 0), (7, 5), (1, u64::MAX)] {
        assert!(super::super::events::span(ring(oldest, newest)).is_err());
    }
    assert!(super::super::events::span(ring(1, 0)).is_ok());
}
