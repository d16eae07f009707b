//! The events: each server's records of them, and what must be true of these whatever happens.

use super::flaw::Flaw;
use super::link::Link;
use super::network::{Event, Network};
use super::*;
use crate::server::session::Answer;
use crate::wire::EventUpload;
use rand::Rng as _;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Copies that are kept; older ones are thrown away.
const COPIES: usize = 6;

impl Network {
    /// A server puts an upload on record; it takes its time, and may be killed before or after.
    pub(super) fn begin_commit(&mut self, link: Link, upload: Arc<EventUpload>) {
        let after = Duration::from_millis(self.rng.random_range(1..=self.commit_ms));
        self.later(after, Event::Commit(link, self.servers[link.server].starts, upload));
    }

    /// It is durable from now on; the answer follows, if the session still is.
    pub(super) fn commit(&mut self, link: Link, starts: u64, upload: &EventUpload) {
        if self.servers[link.server].starts != starts {
            return;
        }
        let refused = self.rng.random_bool(0.02);
        let store = &mut self.servers[link.server].events[link.device];
        let watermark = match self.flaw {
            _ if refused => None,
            Some(Flaw::TakesTwice) => {
                store.append(upload, 0);
                Some(store.watermark(upload.ring()))
            }
            Some(Flaw::AcknowledgesFirst) if self.rng.random() => Some(upload.last_id()),
            Some(_) | None => Some(store.store(upload)),
        };
        self.note_written(link.server, link.device);
        let after = Duration::from_millis(self.rng.random_range(1..30));
        self.later(after, Event::Answer(link, Box::new(Answer::Stored(watermark))));
    }

    /// What a server says it has on disk, it had there.
    pub(super) fn check_acknowledgement(&self, link: Link, ring: RingId, watermark: u64) {
        let written = self.written.get(&(link.server, link.device, ring)).copied().unwrap_or(0);
        assert!(watermark <= written, "server {} acknowledged {watermark} and has written {written}", link.server);
    }

    /// What a device reports as gone, is gone.
    pub(super) fn check_report(&self, unit: usize, upload: &EventUpload) {
        if let EventUpload::Gap { ring, last_id, .. } = upload {
            let span = self.units[unit].ring.span();
            assert!(
                *ring == span.ring && *last_id < span.oldest,
                "device {unit} reports as gone what it has: {upload:?}"
            );
        }
    }

    fn note_written(&mut self, server: usize, unit: usize) {
        for (ring, rows) in self.servers[server].events[unit].rings() {
            let written = self.written.entry((server, unit, ring)).or_default();
            *written = rows.last().map_or(0, |(id, _)| *id).max(*written);
        }
    }

    /// Somebody keeps a copy of a server's data.
    pub(super) fn keep_copy(&mut self, server: usize) {
        self.copies.push(self.servers[server].events.clone());
        if self.copies.len() > COPIES {
            self.copies.remove(0);
        }
    }

    /// A server goes on from a copy, or from nothing; its sessions stay.
    pub(super) fn go_on_from_copy(&mut self, server: usize) {
        let nothing = vec![EventStore::default(); self.units.len()];
        let copy = self.rng.random_range(0..=self.copies.len());
        self.servers[server].events = self.copies.get(copy).cloned().unwrap_or(nothing);
        (0..self.units.len()).for_each(|unit| self.note_written(server, unit));
    }

    /// A device's ring goes back to an earlier state, or is made anew, while all servers hold all of it.
    pub(super) fn reset_ring(&mut self, unit: usize) {
        // A server that goes on from older data learns with the next event what it lacks.
        self.log(unit, 1);
        let end = self.now + secs(600);
        while !self.holds_all(unit) {
            assert!(self.step(end), "device {unit} does not get its events told");
        }
        let told = self.servers[self.units[unit].server().unwrap()].events[unit].clone();
        self.servers.iter_mut().for_each(|server| server.events[unit] = told.clone());
        (0..self.servers.len()).for_each(|server| self.note_written(server, unit));
        self.switch_off(unit);
        let (before, now) = (self.units[unit].ring.span().ring, self.now);
        let made_anew = self.rng.random_bool(0.2);
        let logged = self.rng.random_range(0..20);
        let lost =
            if made_anew { self.units[unit].make_ring_anew(now) } else { self.units[unit].set_back(logged, now) };
        self.switch_on(unit);
        while !self.holds_all(unit) {
            assert!(self.step(end), "device {unit} does not get its events told after the reset");
        }
        let after = self.units[unit].ring.span();
        assert_eq!(lost > 0, after.ring != before, "{lost} events were lost, and the ring is {after:?}");
    }

    /// Its server holds all that the device has logged.
    fn holds_all(&self, unit: usize) -> bool {
        let span = self.units[unit].ring.span();
        let here = self.units[unit].server();
        here.is_some_and(|server| self.servers[server].events[unit].watermark(span.ring) == span.newest)
    }

    /// No server holds an event that never was, in another's place, out of order or twice.
    pub(super) fn check_records(&self) {
        for (number, server) in self.servers.iter().enumerate() {
            for (unit, store) in server.events.iter().enumerate() {
                let mut seen = BTreeSet::new();
                for (ring, rows) in store.rings() {
                    assert!(
                        rows.iter().map(|(id, _)| *id).eq(1..=rows.len() as u64),
                        "server {number} has rows {rows:?}"
                    );
                    let mut newest = 0;
                    for (id, event) in rows.iter().filter_map(|(id, event)| Some((id, event.as_ref()?))) {
                        let kept = self.units[unit].kept.get(&(ring, *id));
                        assert_eq!(kept, Some(event), "server {number} has another event {id} of {ring}");
                        assert!(event.time_unix_ms > newest, "server {number} has event {id} of {ring} out of order");
                        assert!(seen.insert(event.time_unix_ms), "server {number} has an event of device {unit} twice");
                        newest = event.time_unix_ms;
                    }
                }
            }
        }
    }

    /// The server that a device is connected to holds all that its ring ever wrote; what is missing, the ring had lost.
    pub(super) fn check_all_told(&mut self, unit: usize) {
        self.log(unit, 1);
        self.run(secs(60));
        let span = self.units[unit].ring.span();
        let server = self.units[unit].server().expect("it stays");
        let held = self.servers[server].events[unit].held(span.ring);
        assert!(held.keys().copied().eq(1..=span.newest), "server {server} lacks events of device {unit}, {span:?}");
        assert!(held.range(span.oldest..).all(|(_, event)| event.is_some()), "a gap where nothing is missing");
    }
}
