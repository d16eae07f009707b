//! What devices log, and how it travels: events, rings and uploads.

use std::fmt;
use std::str::FromStr;

/// Events in one upload, at most.
pub const MAX_UPLOAD_EVENTS: usize = 100;
/// Uploads of one session that wait for their answer, at most.
pub const MAX_UPLOADS_OPEN: usize = 2;
/// The longest [`Event::user_id`] in bytes.
pub const USER_ID_BYTES_MAX: usize = 64;
/// The longest [`Event::detail`] in bytes.
pub const DETAIL_BYTES_MAX: usize = 256;
/// The highest id of an event; ids fit into every database's integers.
pub const EVENT_ID_MAX: u64 = i64::MAX as u64;

/// [`Event::code`]: a server registered the device.
pub const SERVER_CONNECTED: u32 = 15_104;
/// [`Event::code`]: the session with a server is over.
pub const SERVER_DISCONNECTED: u32 = 15_360;

/// Names one ring of one device; random, made with the ring.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingId(pub [u8; 16]);

impl fmt::Display for RingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingId({self})")
    }
}

impl FromStr for RingId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map(|()| Self(bytes))
    }
}

/// A ring and the ids it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSpan {
    /// Which ring.
    pub ring: RingId,
    /// The oldest event kept; `newest + 1` while there is none.
    pub oldest: u64,
    /// The newest event ever written, 0 before the first.
    pub newest: u64,
    /// The ring that this one was opened in place of, because a server held more of it than the device did.
    pub replaces: Option<RingId>,
}

/// Something that a device logged. Its id is its place in the ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The device's clock, milliseconds since 1970 UTC.
    pub time_unix_ms: u64,
    /// What happened, as the vendor numbers it.
    pub code: u32,
    /// Who was at the door, empty if nobody.
    pub user_id: String,
    /// More about it, for people.
    pub detail: String,
}

/// What a device tells a server of its ring. Each is answered with [`Message::EventsStored`](super::Message).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventUpload {
    /// Events in their order, 1 to [`MAX_UPLOAD_EVENTS`].
    Events {
        /// Their ring.
        ring: RingId,
        /// The first one's id; the others follow without a hole.
        first_id: u64,
        /// The events.
        events: Vec<Event>,
    },
    /// These were overwritten before a server had them.
    Gap {
        /// Their ring.
        ring: RingId,
        /// The first id that is gone.
        first_id: u64,
        /// The last id that is gone.
        last_id: u64,
    },
    /// A ring was opened in place of another.
    NewRing {
        /// The new one.
        ring: RingId,
        /// The other.
        replaces: RingId,
    },
}

impl EventUpload {
    /// The ring it is about.
    #[must_use]
    pub fn ring(&self) -> RingId {
        match self {
            Self::Events { ring, .. } | Self::Gap { ring, .. } | Self::NewRing { ring, .. } => *ring,
        }
    }

    /// The last id it accounts for, 0 for a new ring.
    #[must_use]
    pub fn last_id(&self) -> u64 {
        match self {
            Self::Events { first_id, events, .. } => first_id + events.len() as u64 - 1,
            Self::Gap { last_id, .. } => *last_id,
            Self::NewRing { .. } => 0,
        }
    }

    /// How many of its events a server passes over that holds the ring up to `watermark`; the others go on from there.
    ///
    /// `None` if nothing of it does: it is known already, or there is a hole before it.
    #[must_use]
    pub fn continues(&self, watermark: u64) -> Option<u64> {
        let first_id = match self {
            Self::Events { first_id, .. } | Self::Gap { first_id, .. } => *first_id,
            Self::NewRing { .. } => return None,
        };
        let next = watermark.saturating_add(1);
        (first_id <= next && self.last_id() >= next).then(|| next - first_id)
    }
}

/// A text as an event may carry it: without control characters, and short.
#[must_use]
pub fn event_text(text: &str, bytes_max: usize) -> String {
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const RING: RingId = RingId([7; 16]);

    fn event() -> Event {
        Event { time_unix_ms: 0, code: SERVER_CONNECTED, user_id: String::new(), detail: String::new() }
    }

    #[test]
    fn only_what_goes_on_from_the_watermark_counts() {
        let upload = EventUpload::Events { ring: RING, first_id: 11, events: vec![event(); 10] };
        assert_eq!(upload.last_id(), 20);
        let counts: Vec<_> = [0, 9, 10, 11, 19, 20, 30].map(|watermark| upload.continues(watermark)).into();
        assert_eq!(counts, [None, None, Some(0), Some(1), Some(9), None, None]);
        let gap = EventUpload::Gap { ring: RING, first_id: 1, last_id: 5 };
        assert_eq!([0, 4, 5].map(|watermark| gap.continues(watermark)), [Some(0), Some(4), None]);
        assert_eq!(EventUpload::NewRing { ring: RING, replaces: RING }.continues(0), None);
    }

    #[test]
    fn a_rings_name_is_read_as_it_is_written() {
        assert_eq!(RING.to_string().parse(), Ok(RING));
        assert!("07".parse::<RingId>().is_err() && "x".repeat(32).parse::<RingId>().is_err());
    }

    #[test]
    fn texts_are_made_to_fit() {
        assert_eq!(event_text("a\nb", 64), "a b");
        assert_eq!(event_text("ääää", 3), "ä");
    }
}
