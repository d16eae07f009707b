//! What the world does with events: the ring's disk on one side, the servers' records on the other.

use super::*;
use crate::wire::EventUpload;

impl World {
    /// Somebody uses the door so many times.
    pub(in crate::device::tests) fn log(&mut self, count: usize) {
        for _ in 0..count {
            self.keep(1);
        }
        self.input(Input::RingChanged(self.ring.span()));
    }

    /// The device logs something by itself; false if the power goes.
    pub(super) fn log_own(&mut self, code: u32) -> bool {
        if self.rng.random_bool(self.cut_at_write) {
            if self.rng.random() {
                self.keep(code);
            }
            return false;
        }
        if !self.disk_full {
            self.keep(code);
        }
        self.device.handle_input(Input::RingChanged(self.ring.span()), self.now);
        true
    }

    pub(super) fn renew_ring(&mut self) {
        if !self.disk_full {
            let id = self.rng.random();
            self.ring.renew(id);
            let events = self.ring.read(1, usize::MAX);
            self.kept.extend((1..).zip(events).map(|(number, event)| ((RingId(id), number), event)));
        }
        self.device.handle_input(Input::RingChanged(self.ring.span()), self.now);
    }

    fn keep(&mut self, code: u32) {
        self.logged += 1;
        let event = Logged { time_unix_ms: self.logged, code, user_id: String::new(), detail: String::new() };
        self.ring.append(event.clone());
        let span = self.ring.span();
        self.kept.insert((span.ring, span.newest), event);
    }

    pub(super) fn take_events(&mut self, link: Link, upload: &EventUpload) {
        if self.mute_about_events {
            return;
        }
        if let EventUpload::Gap { ring, last_id, .. } = upload {
            let span = self.ring.span();
            assert!(*ring != span.ring || *last_id < span.oldest, "a gap where nothing is missing");
        }
        let store = self.stores.entry(link.server).or_default();
        let watermark = if self.forgetful { store.watermark(upload.ring()) } else { store.store(upload) };
        let stored = Message::EventsStored { ring: upload.ring(), watermark };
        let after = self.store_delay + self.latency();
        self.at_device = self.at_device.max(self.now + after);
        self.answered += 1;
        self.later(self.at_device - self.now, Event::Device(Input::Received(link.attempt, Box::new(stored))));
    }
}
