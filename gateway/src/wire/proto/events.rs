//! Events, rings and uploads, both ways.

use super::{
    fields::Parsed,
    generated::{self as pb, frame::Message as Wire},
};
use crate::wire::{
    DETAIL_BYTES_MAX, EVENT_ID_MAX, Event, EventUpload, MAX_UPLOAD_EVENTS, RingId, RingSpan, USER_ID_BYTES_MAX,
    event_text,
};

pub(super) fn ring_id(field: &str, bytes: &[u8]) -> Parsed<RingId> {
    bytes.try_into().map(RingId).map_err(|_| format!("{field} is not 16 bytes long"))
}

pub(super) fn span(ring: pb::EventRing) -> Parsed<RingSpan> {
    let (oldest, newest) = (ring.oldest_id, ring.newest_id);
    if newest > EVENT_ID_MAX || oldest == 0 || oldest > newest + 1 {
        return Err(format!("hello.event_ring keeps no ids from {oldest} to {newest}"));
    }
    let replaces = match ring.replaces.as_slice() {
        [] => None,
        bytes => Some(ring_id("hello.event_ring.replaces", bytes)?),
    };
    Ok(RingSpan { ring: ring_id("hello.event_ring.ring", &ring.ring)?, oldest, newest, replaces })
}

fn short(field: &str, value: String, bytes_max: usize) -> Parsed<String> {
    if event_text(&value, bytes_max) == value {
        return Ok(value);
    }
    Err(format!("{field} is longer than {bytes_max} bytes or contains control characters"))
}

impl TryFrom<pb::Event> for Event {
    type Error = String;

    fn try_from(event: pb::Event) -> Parsed<Self> {
        Ok(Self {
            time_unix_ms: event.time_unix_ms,
            code: event.code,
            user_id: short("event.user_id", event.user_id, USER_ID_BYTES_MAX)?,
            detail: short("event.detail", event.detail, DETAIL_BYTES_MAX)?,
        })
    }
}

impl TryFrom<pb::UploadEvents> for EventUpload {
    type Error = String;

    fn try_from(upload: pb::UploadEvents) -> Parsed<Self> {
        let (first_id, count) = (upload.first_id, upload.events.len());
        if !(1..=MAX_UPLOAD_EVENTS).contains(&count) {
            return Err(format!("upload_events.events are {count}, not 1 to {MAX_UPLOAD_EVENTS}"));
        }
        if first_id == 0 || first_id > EVENT_ID_MAX - count as u64 {
            return Err("upload_events.first_id is 0 or too high".to_owned());
        }
        Ok(Self::Events {
            ring: ring_id("upload_events.ring", &upload.ring)?,
            first_id,
            events: upload.events.into_iter().map(TryInto::try_into).collect::<Parsed<_>>()?,
        })
    }
}

impl TryFrom<pb::ReportGap> for EventUpload {
    type Error = String;

    fn try_from(gap: pb::ReportGap) -> Parsed<Self> {
        let (first_id, last_id) = (gap.first_id, gap.last_id);
        if first_id == 0 || last_id < first_id || last_id > EVENT_ID_MAX {
            return Err(format!("report_gap has no ids from {first_id} to {last_id}"));
        }
        Ok(Self::Gap { ring: ring_id("report_gap.ring", &gap.ring)?, first_id, last_id })
    }
}

impl TryFrom<pb::ReportNewRing> for EventUpload {
    type Error = String;

    fn try_from(opened: pb::ReportNewRing) -> Parsed<Self> {
        Ok(Self::NewRing {
            ring: ring_id("report_new_ring.ring", &opened.ring)?,
            replaces: ring_id("report_new_ring.replaces", &opened.replaces)?,
        })
    }
}

impl From<EventUpload> for Wire {
    fn from(upload: EventUpload) -> Self {
        match upload {
            EventUpload::Events { ring, first_id, events } => Self::UploadEvents(pb::UploadEvents {
                ring: ring.0.to_vec(),
                first_id,
                events: events.into_iter().map(Into::into).collect(),
            }),
            EventUpload::Gap { ring, first_id, last_id } => {
                Self::ReportGap(pb::ReportGap { ring: ring.0.to_vec(), first_id, last_id })
            }
            EventUpload::NewRing { ring, replaces } => {
                Self::ReportNewRing(pb::ReportNewRing { ring: ring.0.to_vec(), replaces: replaces.0.to_vec() })
            }
        }
    }
}

impl From<Event> for pb::Event {
    fn from(event: Event) -> Self {
        Self { time_unix_ms: event.time_unix_ms, code: event.code, user_id: event.user_id, detail: event.detail }
    }
}

impl From<RingSpan> for pb::EventRing {
    fn from(span: RingSpan) -> Self {
        Self {
            ring: span.ring.0.to_vec(),
            oldest_id: span.oldest,
            newest_id: span.newest,
            replaces: span.replaces.map(|ring| ring.0.to_vec()).unwrap_or_default(),
        }
    }
}
