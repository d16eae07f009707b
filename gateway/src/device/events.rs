//! Events: what the device logs of its own, and how its ring reaches the server of a session.
//!
//! The ring itself is on disk and not in here; the core knows which ids it keeps and asks for a few events at a time.

use super::event::Output;
use super::{Device, Phase};
use crate::wire::{Event, EventUpload, MAX_UPLOAD_EVENTS, MAX_UPLOADS_OPEN, Message, RingId, RingSpan};
use std::collections::VecDeque;
use std::time::Duration;

/// How far a session has come with the ring.
#[derive(Debug)]
pub(super) struct Uploading {
    /// Everything up to this id was sent, or is held by the server.
    sent: u64,
    /// The last id of each upload that waits for its answer, in order; `None` if the answer means nothing any more.
    open: VecDeque<Option<u64>>,
    /// Events were asked of the ring.
    reading: bool,
    /// Another ring has to be opened first.
    renewing: bool,
    /// Set while nothing is sent, after an answer or a ring that cannot be gone on from.
    paused_until: Option<Duration>,
    /// The server does not take events.
    refused: bool,
}

impl Uploading {
    pub(super) fn new(watermark: u64) -> Self {
        let open = VecDeque::with_capacity(MAX_UPLOADS_OPEN);
        Self { sent: watermark, open, reading: false, renewing: false, paused_until: None, refused: false }
    }

    /// When a pause ends.
    pub(super) fn due(&self) -> Option<Duration> {
        self.paused_until
    }
}

impl Device {
    /// Sends what the server lacks, as far as it keeps up.
    pub(super) fn upload(&mut self, now: Duration) {
        let span = self.ring;
        let Phase::Connected(session) = &mut self.phase else { return };
        let (attempt, uploading) = (session.attempt, &mut session.uploading);
        if uploading.paused_until.is_some_and(|until| now < until) {
            return;
        }
        uploading.paused_until = None;
        if uploading.refused || uploading.reading || uploading.open.len() >= MAX_UPLOADS_OPEN {
            return;
        }
        if uploading.sent > span.newest {
            // The server knows events that this ring never held: the ring was set back to an older state.
            uploading.renewing = true;
            uploading.paused_until = Some(now + self.config.event_pause);
            return self.outputs.push_back(Output::RenewRing);
        }
        if uploading.sent == span.newest {
            return;
        }
        if uploading.sent + 1 < span.oldest {
            let (first_id, last_id) = (uploading.sent + 1, span.oldest - 1);
            uploading.sent = last_id;
            uploading.open.push_back(Some(last_id));
            self.send(attempt, Message::Upload(EventUpload::Gap { ring: span.ring, first_id, last_id }));
            return self.upload(now);
        }
        uploading.reading = true;
        self.outputs.push_back(Output::ReadEvents(uploading.sent + 1, MAX_UPLOAD_EVENTS));
    }

    /// The ring has grown, or is another.
    pub(super) fn ring_changed(&mut self, span: RingSpan, now: Duration) {
        let renewed = self.ring.ring != span.ring;
        self.ring = span;
        let Phase::Connected(session) = &mut self.phase else { return };
        let (attempt, uploading) = (session.attempt, &mut session.uploading);
        if renewed {
            // A server starts to count a ring that it does not know from nothing.
            let open = uploading.open.len();
            *uploading = Uploading { open: (0..open).map(|_| None).collect(), ..Uploading::new(0) };
            if let Some(replaces) = span.replaces {
                uploading.open.push_back(Some(0));
                self.send(attempt, Message::Upload(EventUpload::NewRing { ring: span.ring, replaces }));
            }
        }
        self.upload(now);
    }

    /// The ring answers a request for events; none if it could not be read, or keeps them no more.
    pub(super) fn events_read(&mut self, span: RingSpan, first_id: u64, events: Vec<Event>, now: Duration) {
        self.ring = span;
        let Phase::Connected(session) = &mut self.phase else { return };
        let (attempt, uploading) = (session.attempt, &mut session.uploading);
        if !std::mem::replace(&mut uploading.reading, false) || first_id != uploading.sent + 1 {
            return;
        }
        if events.is_empty() {
            if first_id >= span.oldest {
                uploading.paused_until = Some(now + self.config.event_pause);
            }
            return self.upload(now);
        }
        uploading.sent += events.len() as u64;
        uploading.open.push_back(Some(uploading.sent));
        self.send(attempt, Message::Upload(EventUpload::Events { ring: span.ring, first_id, events }));
        self.upload(now);
    }

    /// The server answers the oldest upload that is open.
    pub(super) fn events_stored(&mut self, ring: RingId, watermark: u64, now: Duration) {
        let Phase::Connected(session) = &mut self.phase else { return };
        let uploading = &mut session.uploading;
        let Some(answered) = uploading.open.pop_front() else { return };
        if ring == self.ring.ring && !uploading.renewing {
            match answered {
                Some(last_id) if watermark < last_id => {
                    // The server's data are older than they were: again from there, but not in a tight circle.
                    uploading.sent = watermark;
                    uploading.open.iter_mut().for_each(|open| *open = None);
                    uploading.paused_until = Some(now + self.config.event_pause);
                }
                Some(_) => uploading.sent = uploading.sent.max(watermark),
                None => {}
            }
        }
        self.upload(now);
    }

    /// The server does not know a message, which may be an upload.
    pub(super) fn uploads_refused(&mut self) {
        if let Phase::Connected(session) = &mut self.phase {
            session.uploading.refused |= !session.uploading.open.is_empty();
        }
    }
}
