//! A ring in memory that survives power cuts, and what a server makes of uploads.

use crate::wire::{Event, EventUpload, RingId, RingSpan};
use std::collections::BTreeMap;

/// The device's ring; the world decides when the disk is full or the power goes.
#[derive(Clone, Debug)]
pub(super) struct MemoryRing {
    span: RingSpan,
    events: BTreeMap<u64, Event>,
    newest_at_start: u64,
    pub(super) capacity: u64,
}

impl MemoryRing {
    pub(super) fn new(number: u8) -> Self {
        let span = RingSpan { ring: RingId([number; 16]), oldest: 1, newest: 0, replaces: None };
        Self { span, events: BTreeMap::new(), newest_at_start: 0, capacity: 50_000 }
    }

    pub(super) fn span(&self) -> RingSpan {
        self.span
    }

    pub(super) fn append(&mut self, event: Event) {
        self.span.newest += 1;
        self.events.insert(self.span.newest, event);
        while self.events.len() as u64 > self.capacity {
            self.events.pop_first();
        }
        self.span.oldest = self.events.first_key_value().map_or(self.span.newest + 1, |(id, _)| *id);
    }

    pub(super) fn read(&self, from: u64, count: usize) -> Vec<Event> {
        let kept = self.events.range(from..).zip(from..).take_while(|((id, _), wanted)| *id == wanted);
        kept.take(count).map(|((_, event), _)| event.clone()).collect()
    }

    pub(super) fn renew(&mut self, id: [u8; 16]) {
        let mut renewed = Self { capacity: self.capacity, ..Self::new(0) };
        renewed.span.ring = RingId(id);
        renewed.span.replaces = Some(self.span.ring);
        for (_, event) in self.events.range(self.newest_at_start + 1..) {
            renewed.append(event.clone());
        }
        *self = renewed;
    }

    pub(super) fn restarted(&mut self) {
        self.newest_at_start = self.span.newest;
    }
}

/// What one server holds of the device's rings.
#[derive(Clone, Debug, Default)]
pub(super) struct EventStore {
    rings: BTreeMap<RingId, BTreeMap<u64, Option<Event>>>,
    pub(super) replaced: Vec<(RingId, RingId)>,
}

impl EventStore {
    pub(super) fn watermark(&self, ring: RingId) -> u64 {
        self.rings.get(&ring).and_then(BTreeMap::last_key_value).map_or(0, |(id, _)| *id)
    }

    /// Takes what goes on from the watermark; gives the new one.
    pub(super) fn store(&mut self, upload: &EventUpload) -> u64 {
        let watermark = self.watermark(upload.ring());
        let ring = self.rings.entry(upload.ring()).or_default();
        if let Some(known) = upload.continues(watermark) {
            match upload {
                EventUpload::Events { events, .. } => {
                    let new = events.iter().skip(usize::try_from(known).unwrap());
                    ring.extend((watermark + 1..).zip(new.map(|event| Some(event.clone()))));
                }
                EventUpload::Gap { last_id, .. } => ring.extend((watermark + 1..=*last_id).map(|id| (id, None))),
                EventUpload::NewRing { .. } => {}
            }
        }
        if let EventUpload::NewRing { ring, replaces } = upload {
            self.replaced.push((*ring, *replaces));
        }
        self.watermark(upload.ring())
    }

    /// By id, nothing where a gap was reported.
    pub(super) fn held(&self, ring: RingId) -> BTreeMap<u64, Option<Event>> {
        self.rings.get(&ring).cloned().unwrap_or_default()
    }
}
