//! One device with its disk, its ring of events, and the connections that it has or is making.

use super::flaw::Flaw;
use super::*;
use crate::device::Names;
use crate::wire::Event;
use std::collections::BTreeMap;

pub(super) struct Unit {
    pub(super) device: Device,
    pub(super) disk: Stored,
    pub(super) ring: MemoryRing,
    /// Every event ever kept, under its name; each has a number of its own in place of its time.
    pub(super) kept: BTreeMap<(RingId, u64), Event>,
    /// An earlier state of the ring.
    saved: Option<MemoryRing>,
    pub(super) flaw: Option<Flaw>,
    /// What it remembers of names as long as it runs.
    pub(super) names: Names,
    config: Config,
    number: usize,
    boots: u64,
    logged: u64,
    rings: u8,
}

impl Unit {
    pub(super) fn new(number: usize, list: ServerList, config: &Config, seed: u64, now: Duration) -> Self {
        let disk = Stored::new(list, 0);
        let ring = MemoryRing::new(1);
        let device = Device::new(config.clone(), info(number), (disk.clone(), ring.span()), seed, seed, now);
        Self {
            device,
            disk,
            ring,
            kept: BTreeMap::new(),
            saved: None,
            flaw: None,
            names: Names::default(),
            config: config.clone(),
            number,
            boots: seed,
            logged: 0,
            rings: 1,
        }
    }

    /// Power off and on; only the disk survives.
    pub(super) fn restart(&mut self, now: Duration) {
        self.boots += 1000;
        self.ring.restarted();
        let durable = (self.disk.clone(), self.ring.span());
        self.device = Device::new(self.config.clone(), info(self.number), durable, self.boots, self.boots, now);
    }

    /// Somebody uses the device so many times.
    pub(super) fn log(&mut self, count: usize, now: Duration) {
        for _ in 0..count {
            self.keep(1);
        }
        self.device.handle_input(Input::RingChanged(self.ring.span()), now);
    }

    /// Somebody takes an image of the disk with the ring.
    pub(super) fn save(&mut self) {
        self.saved = Some(self.ring.clone());
    }

    /// The ring goes back to that image, and the device starts anew; it has logged at most `count` events, and fewer than
    /// were lost, when it first has a network. How many were lost.
    pub(super) fn set_back(&mut self, count: u64, now: Duration) -> u64 {
        let newest = self.ring.span().newest;
        if let Some(saved) = self.saved.take().filter(|saved| saved.span().ring == self.ring.span().ring) {
            self.ring = saved;
        }
        let lost = newest - self.ring.span().newest;
        self.restart(now);
        for _ in 0..count.min(lost.saturating_sub(1)) {
            self.logged += 1;
            self.ring.append(event(self.logged, 1));
        }
        self.device.handle_input(Input::RingChanged(self.ring.span()), now);
        lost
    }

    /// Everything that the ring ever held is gone, its name too; how many events that is.
    pub(super) fn make_ring_anew(&mut self, now: Duration) -> u64 {
        self.rings += 1;
        let (lost, capacity) = (self.ring.span().newest, self.ring.capacity);
        self.ring = MemoryRing::new(self.rings);
        self.ring.capacity = capacity;
        self.restart(now);
        lost
    }

    /// The next thing that concerns others; what only concerns the disk is done at once.
    pub(super) fn poll(&mut self, now: Duration) -> Option<DeviceOutput> {
        loop {
            match self.device.poll_output()? {
                DeviceOutput::Persist(write, stored) => {
                    self.disk = self.written(*stored);
                    self.device.handle_input(Input::Persisted(write), now);
                }
                DeviceOutput::ReadEvents(from, count) => {
                    let events = self.ring.read(from, count);
                    self.device.handle_input(Input::EventsRead(self.ring.span(), from, events), now);
                }
                DeviceOutput::Log(code, _) => {
                    self.keep(code);
                    self.device.handle_input(Input::RingChanged(self.ring.span()), now);
                }
                DeviceOutput::RenewRing => {
                    self.renew_ring();
                    self.device.handle_input(Input::RingChanged(self.ring.span()), now);
                }
                DeviceOutput::RequestCertificate(_) | DeviceOutput::KeepCertificate(..) | DeviceOutput::Note(_) => {}
                other @ (DeviceOutput::Dial(..)
                | DeviceOutput::Probe(..)
                | DeviceOutput::Resolve(_)
                | DeviceOutput::Send(..)
                | DeviceOutput::HangUp(_)) => return Some(other),
            }
        }
    }

    /// What comes to the disk of what the device wants there.
    fn written(&self, mut stored: Stored) -> Stored {
        match (self.flaw, &stored.lists.staged) {
            (Some(Flaw::ForgetsTrials), _) => stored.lists.trial = None,
            (Some(Flaw::KeepsUntried), Some(list)) if stored.lists.trial.is_some() => {
                stored.lists.committed = list.clone();
            }
            (Some(_) | None, _) => {}
        }
        stored
    }

    /// The server that it is connected to, as it sees it.
    pub(super) fn server(&self) -> Option<usize> {
        self.entry().map(|entry| server_of(entry.port))
    }

    /// The entry that its session runs over.
    pub(super) fn entry(&self) -> Option<ServerEntry> {
        match self.device.activity() {
            Activity::Connected(connected) => Some(connected.entry),
            Activity::Waiting | Activity::Dialling(_) | Activity::Stopped => None,
        }
    }

    fn keep(&mut self, code: u32) {
        self.logged += 1;
        let event = event(self.logged, code);
        self.ring.append(event.clone());
        let span = self.ring.span();
        self.kept.insert((span.ring, span.newest), event);
    }

    fn renew_ring(&mut self) {
        self.rings += 1;
        self.ring.renew([self.rings; 16]);
        let span = self.ring.span();
        let events = self.ring.read(span.oldest, usize::MAX);
        self.kept.extend((span.oldest..).zip(events).map(|(id, event)| ((span.ring, id), event)));
    }
}

fn event(number: u64, code: u32) -> Event {
    Event { time_unix_ms: number, code, user_id: String::new(), detail: String::new() }
}
