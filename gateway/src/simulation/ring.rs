//! A ring in memory that survives power cuts, and what a server makes of uploads.

use crate::wire::{Event, EventUpload, RingId, RingSpan};
use std::collections::BTreeMap;

/// The device's ring; whoever holds it decides when the disk is full or the power goes.
#[derive(Clone, Debug)]
pub(crate) struct MemoryRing {
    span: RingSpan,
    events: BTreeMap<u64, Event>,
    newest_at_start: u64,
    pub(crate) capacity: u64,
}

impl MemoryRing {
    pub(crate) fn new(number: u8) -> Self {
        let span = RingSpan { ring: RingId([number; 16]), oldest: 1, newest: 0, replaces: None };
        Self { span, events: BTreeMap::new(), newest_at_start: 0, capacity: 50_000 }
    }

    pub(crate) fn span(&self) -> RingSpan {
        self.span
    }

    pub(crate) fn append(&mut self, event: Event) {
        self.span.newest += 1;
        self.events.insert(self.span.newest, event);
        while self.events.len() as u64 > self.capacity {
            self.events.pop_first();
        }
        self.span.oldest = self.events.first_key_value().map_or(self.span.newest + 1, |(id, _)| *id);
    }

    pub(crate) fn read(&self, from: u64, count: usize) -> Vec<Event> {
        let kept = self.events.range(from..).zip(from..).take_while(|((id, _), wanted)| *id == wanted);
        kept.take(count).map(|((_, event), _)| event.clone()).collect()
    }

    pub(crate) fn renew(&mut self, id: [u8; 16]) {
        let mut renewed = Self { capacity: self.capacity, ..Self::new(0) };
        renewed.span.ring = RingId(id);
        renewed.span.replaces = Some(self.span.ring);
        for (_, event) in self.events.range(self.newest_at_start + 1..) {
            renewed.append(event.clone());
        }
        *self = renewed;
    }

    pub(crate) fn restarted(&mut self) {
        self.newest_at_start = self.span.newest;
    }
}

/// What one server holds of the device's rings: rows as they were written, so that a second one shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventStore {
    rings: BTreeMap<RingId, Vec<(u64, Option<Event>)>>,
    pub(crate) replaced: Vec<(RingId, RingId)>,
}

impl EventStore {
    pub(crate) fn watermark(&self, ring: RingId) -> u64 {
        self.rings.get(&ring).and_then(|rows| rows.last()).map_or(0, |(id, _)| *id)
    }

    /// Takes what goes on from the watermark; gives the new one.
    pub(crate) fn store(&mut self, upload: &EventUpload) -> u64 {
        if let Some(known) = upload.continues(self.watermark(upload.ring())) {
            self.append(upload, known);
        }
        if let EventUpload::NewRing { ring, replaces } = upload {
            self.replaced.push((*ring, *replaces));
        }
        self.watermark(upload.ring())
    }

    /// Writes an upload's rows but for the first ones.
    pub(crate) fn append(&mut self, upload: &EventUpload, pass_over: u64) {
        let rows = self.rings.entry(upload.ring()).or_default();
        match upload {
            EventUpload::Events { first_id, events, .. } => {
                let numbered = (*first_id..).zip(events.iter().cloned().map(Some));
                rows.extend(numbered.skip(usize::try_from(pass_over).unwrap()));
            }
            EventUpload::Gap { first_id, last_id, .. } => {
                rows.extend((first_id + pass_over..=*last_id).map(|id| (id, None)));
            }
            EventUpload::NewRing { .. } => {}
        }
    }

    /// Every ring, and its rows in the order in which they were written; nothing where a gap was reported.
    pub(crate) fn rings(&self) -> impl Iterator<Item = (RingId, &[(u64, Option<Event>)])> {
        self.rings.iter().map(|(ring, rows)| (*ring, rows.as_slice()))
    }

    /// By id, nothing where a gap was reported.
    pub(crate) fn held(&self, ring: RingId) -> BTreeMap<u64, Option<Event>> {
        self.rings.get(&ring).cloned().unwrap_or_default().into_iter().collect()
    }
}
