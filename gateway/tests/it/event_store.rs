//! What one server holds of a device's events, in memory.

use gateway::wire::{Event, EventUpload, RingId};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(crate) struct EventStore {
    /// By ring and id; nothing where a gap was reported.
    pub(crate) held: BTreeMap<RingId, BTreeMap<u64, Option<Event>>>,
    /// Every upload that was handed over, repeated ones too.
    pub(crate) uploads: Vec<EventUpload>,
}

impl EventStore {
    pub(crate) fn watermark(&self, ring: RingId) -> u64 {
        self.held.get(&ring).and_then(BTreeMap::last_key_value).map_or(0, |(id, _)| *id)
    }

    /// Takes what goes on from the watermark; gives the new one.
    pub(crate) fn store(&mut self, upload: &EventUpload) -> u64 {
        self.uploads.push(upload.clone());
        let watermark = self.watermark(upload.ring());
        let held = self.held.entry(upload.ring()).or_default();
        if let Some(known) = upload.continues(watermark) {
            match upload {
                EventUpload::Events { events, .. } => {
                    let new = events.iter().skip(usize::try_from(known).unwrap()).cloned().map(Some);
                    held.extend((watermark + 1..).zip(new));
                }
                EventUpload::Gap { last_id, .. } => held.extend((watermark + 1..=*last_id).map(|id| (id, None))),
                EventUpload::NewRing { .. } => {}
            }
        }
        self.watermark(upload.ring())
    }
}
