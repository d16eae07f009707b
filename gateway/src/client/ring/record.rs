//! One event as it stands in a file of the ring.
//!
//! Length of the rest (2 bytes), checksum (8), time (8), code (4), length of the user's id (1), the id, the detail;
//! numbers most significant byte first. The checksum covers the ring and the event's id too, so a record in another
//! place is none.

use crate::wire::{DETAIL_BYTES_MAX, Event, RingId, USER_ID_BYTES_MAX, event_text};
use aws_lc_rs::digest::{Context, SHA256};

const LENGTH_BYTES: usize = 2;
const SUM_BYTES: usize = 8;
/// Time, code and the length of the user's id.
const FIXED_BYTES: usize = 8 + 4 + 1;

/// Appends an event's record; texts that are too long are cut.
pub(super) fn write(ring: RingId, id: u64, event: &Event, bytes: &mut Vec<u8>) {
    let user_id = event_text(&event.user_id, USER_ID_BYTES_MAX);
    let detail = event_text(&event.detail, DETAIL_BYTES_MAX);
    let mut content = Vec::with_capacity(FIXED_BYTES + user_id.len() + detail.len());
    content.extend(event.time_unix_ms.to_be_bytes());
    content.extend(event.code.to_be_bytes());
    content.push(u8::try_from(user_id.len()).unwrap_or(0));
    content.extend(user_id.bytes());
    content.extend(detail.bytes());
    seal(ring, id, &content, bytes);
}

/// Appends the record of this content.
pub(super) fn seal(ring: RingId, id: u64, content: &[u8], bytes: &mut Vec<u8>) {
    let length = u16::try_from(SUM_BYTES + content.len()).unwrap_or(u16::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend(sum(ring, id, content));
    bytes.extend(content);
}

/// The whole records of a file, until the first that is none.
#[derive(Debug)]
pub(super) struct Records<'a> {
    ring: RingId,
    next_id: u64,
    bytes: &'a [u8],
    read: usize,
}

impl<'a> Records<'a> {
    /// Of a file that begins with this id.
    pub(super) fn new(ring: RingId, first_id: u64, bytes: &'a [u8]) -> Self {
        Self { ring, next_id: first_id, bytes, read: 0 }
    }

    /// The bytes that made records so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read as u64
    }
}

impl Iterator for Records<'_> {
    type Item = (u64, Event);

    fn next(&mut self) -> Option<(u64, Event)> {
        let rest = &self.bytes[self.read..];
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (written, content) = rest.get(..length)?.split_first_chunk::<SUM_BYTES>()?;
        if *written != sum(self.ring, self.next_id, content) {
            return None;
        }
        let event = event_of(content)?;
        let id = self.next_id;
        self.next_id += 1;
        self.read += LENGTH_BYTES + length;
        Some((id, event))
    }
}

fn event_of(content: &[u8]) -> Option<Event> {
    let (time, rest) = content.split_first_chunk::<8>()?;
    let (code, rest) = rest.split_first_chunk::<4>()?;
    let (user_bytes, rest) = rest.split_first()?;
    let (user_id, detail) = rest.split_at_checked(usize::from(*user_bytes))?;
    Some(Event {
        time_unix_ms: u64::from_be_bytes(*time),
        code: u32::from_be_bytes(*code),
        // Other firmware may have written it: what no server takes would hold up all that comes after it.
        user_id: event_text(std::str::from_utf8(user_id).ok()?, USER_ID_BYTES_MAX),
        detail: event_text(std::str::from_utf8(detail).ok()?, DETAIL_BYTES_MAX),
    })
}

/// The beginning of a SHA-256 over ring, id and content.
fn sum(ring: RingId, id: u64, content: &[u8]) -> [u8; SUM_BYTES] {
    let mut context = Context::new(&SHA256);
    context.update(&ring.0);
    context.update(&id.to_be_bytes());
    context.update(content);
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&context.finish().as_ref()[..SUM_BYTES]);
    sum
}
