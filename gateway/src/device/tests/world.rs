//! A device, its disk, a network and servers that do as they are told; all in virtual time, all from one seed.

mod events;
mod servers;

use super::*;
use crate::wire::{Event as Logged, Goodbye, ListVersion, RingId, Role};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;

/// How a server fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// Registers, and confirms trials.
    Up,
    /// Registers, but never confirms a trial.
    Unconfirming,
    /// The machine is gone: nothing comes back.
    Silent,
    /// The program is gone: connections are reset and refused.
    Refusing,
    /// Asks for patience, in seconds.
    Busy(u32),
    /// Belongs to another installation.
    Foreign,
    /// Does not know the device.
    Strict,
    /// Takes connections and says nothing.
    Mute,
    /// Registers, and lets go at once.
    Flapping,
}

#[derive(Debug)]
enum Event {
    Device(Input),
    Server(AttemptId, Box<Message>),
    Confirm(AttemptId, ListVersion),
}

#[derive(Clone, Copy, Debug)]
struct Link {
    attempt: AttemptId,
    server: u16,
    /// Something that the device said is lost: nothing after it arrives either.
    torn: bool,
}

/// A dial, as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialled {
    pub(super) at: Duration,
    pub(super) server: u16,
    pub(super) trial: bool,
}

/// What servers say of the numbers that are theirs to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) keep_alive_s: u32,
    pub(super) silence_limit_s: u32,
    pub(super) reconnect_spread_s: u32,
}

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) config: Config,
    pub(super) device: Device,
    pub(super) disk: Stored,
    pub(super) ring: MemoryRing,
    /// Every event that was ever kept; the world numbers them in their time.
    pub(super) kept: BTreeMap<(RingId, u64), Logged>,
    /// What each server holds.
    pub(super) stores: BTreeMap<u16, EventStore>,
    /// How long a server takes to put events on record.
    pub(super) store_delay: Duration,
    /// Servers acknowledge nothing of what they get.
    pub(super) forgetful: bool,
    pub(super) mute_about_events: bool,
    /// Uploads answered.
    pub(super) answered: usize,
    logged: u64,
    /// When what the device sent last arrives; nothing overtakes it.
    at_server: Duration,
    /// The same for the last answer about events.
    at_device: Duration,
    pub(super) disk_full: bool,
    /// How likely the power goes while a write is under way.
    pub(super) cut_at_write: f64,
    pub(super) dials: Vec<Dialled>,
    /// Names that the device asked for in a session, and when.
    pub(super) asked: Vec<(Duration, Vec<String>)>,
    pub(super) notes: Vec<Happening>,
    pub(super) sent: Vec<Message>,
    pub(super) wanted: Option<ServerList>,
    pub(super) epochs: BTreeMap<u16, u64>,
    pub(super) roles: BTreeMap<u16, Role>,
    /// Every probe, when and of whom.
    pub(super) probes: Vec<(Duration, u16)>,
    /// Every list that a server told the device to keep.
    pub(super) confirmed: Vec<ListVersion>,
    /// When the device last had or tried a connection.
    pub(super) idle_since: Duration,
    pub(super) trial_timeout_s: u32,
    pub(super) told: Told,
    /// What the servers' clocks would show at the beginning, milliseconds since 1970 UTC.
    pub(super) clock_ms: u64,
    /// When the device was last switched on.
    pub(super) started_at: Duration,
    /// Since when each server fares as it does.
    since: BTreeMap<u16, Duration>,
    /// The certificate on the disk.
    pub(super) life: Option<CertificateLife>,
    /// What servers say to who wants another; nothing if they keep silent.
    pub(super) renewal: Option<Message>,
    health: BTreeMap<u16, Health>,
    link: Option<Link>,
    queue: BTreeMap<(Duration, u64), Event>,
    events: u64,
    pub(super) rng: SmallRng,
}

impl World {
    /// Servers 1 to 5 are up; the device has the list of those named.
    pub(super) fn new(seed: u64, servers: &[u16]) -> Self {
        Self::with(Config::default(), seed, list(1, servers))
    }

    /// The same with other numbers, and with settings in its list.
    pub(super) fn with(config: Config, seed: u64, committed: ServerList) -> Self {
        let disk = Stored::new(committed, 0);
        let now = secs(1000);
        let ring = MemoryRing::new(1);
        let device = Device::new(config.clone(), info(), (disk.clone(), ring.span()), seed, seed, now);
        let mut world = Self {
            now,
            config,
            device,
            disk,
            ring,
            kept: BTreeMap::new(),
            stores: BTreeMap::new(),
            store_delay: Duration::ZERO,
            forgetful: false,
            mute_about_events: false,
            answered: 0,
            logged: 0,
            at_server: now,
            at_device: now,
            disk_full: false,
            cut_at_write: 0.0,
            dials: Vec::new(),
            asked: Vec::new(),
            notes: Vec::new(),
            sent: Vec::new(),
            wanted: None,
            epochs: (1..=5).map(|server| (server, 1)).collect(),
            roles: (1..=5).map(|server| (server, Role::Active)).collect(),
            probes: Vec::new(),
            confirmed: Vec::new(),
            idle_since: now,
            trial_timeout_s: 63,
            told: Told { keep_alive_s: 10, silence_limit_s: 30, reconnect_spread_s: 2 },
            clock_ms: 1_790_000_000_000,
            started_at: now,
            since: (1..=5).map(|server| (server, now)).collect(),
            life: None,
            renewal: None,
            health: (1..=5).map(|server| (server, Health::Up)).collect(),
            link: None,
            queue: BTreeMap::new(),
            events: 0,
            // Other dice than the device's.
            rng: SmallRng::seed_from_u64(!seed),
        };
        world.act();
        world
    }

    pub(super) fn set(&mut self, server: u16, health: Health) {
        if self.health.insert(server, health) != Some(health) {
            self.since.insert(server, self.now);
        }
        let Some(link) = self.link.filter(|link| link.server == server) else { return };
        if matches!(health, Health::Refusing | Health::Foreign | Health::Strict | Health::Flapping) {
            self.link = None;
            self.input(Input::Closed(link.attempt, FailureKind::Closed, "connection reset".into()));
        }
    }

    pub(super) fn set_all(&mut self, health: Health) {
        for server in 1..=5 {
            self.set(server, health);
        }
    }

    /// Power off and on; only the disk survives.
    pub(super) fn restart(&mut self) {
        let seed = self.rng.random();
        self.started_at = self.now;
        self.link = None;
        self.queue.clear();
        self.ring.restarted();
        let durable = (self.disk.clone(), self.ring.span());
        let device = Device::new(self.config.clone(), info(), durable, seed, seed, self.now);
        self.device = match self.life {
            Some(life) => device.with_certificate(life),
            None => device,
        };
        assert_eq!(self.device.trial(), None, "a trial outlived a restart");
        self.idle_since = self.now;
        self.act();
    }

    /// The server at the other end says something out of order.
    pub(super) fn say(&mut self, message: Message) {
        let attempt = self.link.expect("a connection").attempt;
        self.input(Input::Received(attempt, Box::new(message)));
    }

    pub(super) fn goodbye(&mut self, reason: Reason) {
        self.say(Message::Goodbye(Goodbye { reason, text: String::new(), reconnect_spread_s: 0 }));
    }

    pub(super) fn input(&mut self, input: Input) {
        self.device.handle_input(input, self.now);
        self.act();
    }

    pub(super) fn run(&mut self, seconds: u64) {
        let end = self.now + secs(seconds);
        while self.step(end) {}
        self.now = end;
    }

    /// Whether that server has registered whoever asked, for at least so long.
    pub(super) fn up_since(&self, server: u16, since: Duration) -> bool {
        matches!(self.health[&server], Health::Up | Health::Unconfirming) && self.since[&server] <= since
    }

    /// Until the device is registered, at most so long; how long it took.
    pub(super) fn until_connected(&mut self, limit: u64) -> Duration {
        let (start, end) = (self.now, self.now + secs(limit));
        while self.connected().is_none() {
            assert!(self.step(end), "not connected within {limit} s; dialled {:?}", self.dials);
        }
        self.now - start
    }

    /// The next thing that happens, unless it is after `end`.
    pub(super) fn step(&mut self, end: Duration) -> bool {
        let due = self.device.poll_timeout().expect("a device never gives up");
        let event = self.queue.first_key_value().map(|(key, _)| *key);
        if let Some(key) = event.filter(|(at, _)| *at <= due && *at <= end) {
            self.now = self.now.max(key.0);
            let event = self.queue.remove(&key).expect("it was just there");
            self.happen(event);
        } else if due <= end {
            self.now = self.now.max(due);
            self.device.handle_timeout(self.now);
            self.act();
        } else {
            return false;
        }
        true
    }

    pub(super) fn connected(&self) -> Option<u16> {
        match self.device.activity() {
            Activity::Connected(connected) => Some(connected.entry.port - 50_000),
            Activity::Waiting | Activity::Dialling(_) | Activity::Stopped => None,
        }
    }

    /// The servers dialled since the last call.
    pub(super) fn dialled(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.dials).into_iter().map(|dialled| dialled.server).collect()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Device(input) => self.input(input),
            Event::Server(attempt, message) => self.serve(attempt, *message),
            Event::Confirm(attempt, version) => {
                if self.link.is_some_and(|l| l.attempt == attempt && self.health[&l.server] == Health::Up) {
                    let server = self.link.map_or(0, |link| link.server);
                    let known = self.device.stored().epoch.as_ref().map_or(0, |epoch| epoch.number);
                    // What a server of the past says must not count.
                    if self.epochs[&server] >= known {
                        self.confirmed.push(version);
                    }
                    self.say(Message::ConfirmTrial(version));
                }
            }
        }
    }

    fn later(&mut self, after: Duration, event: Event) {
        self.events += 1;
        self.queue.insert((self.now + after, self.events), event);
    }

    fn latency(&mut self) -> Duration {
        Duration::from_millis(self.rng.random_range(1..40))
    }

    fn reply(&mut self, attempt: AttemptId, message: Message) {
        let after = self.latency();
        self.later(after, Event::Device(Input::Received(attempt, Box::new(message))));
    }

    fn act(&mut self) {
        while let Some(output) = self.device.poll_output() {
            match output {
                Output::Persist(_, stored) if !self.disk_full && self.rng.random_bool(self.cut_at_write) => {
                    if self.rng.random() {
                        self.disk = *stored;
                    }
                    return self.restart();
                }
                Output::Persist(write, stored) if !self.disk_full => {
                    self.disk = *stored;
                    self.device.handle_input(Input::Persisted(write), self.now);
                }
                Output::Persist(write, _) => self.device.handle_input(Input::NotPersisted(write), self.now),
                Output::Log(code, _) => {
                    if !self.log_own(code) {
                        return self.restart();
                    }
                }
                Output::ReadEvents(from, count) => {
                    let read = Input::EventsRead(self.ring.span(), from, self.ring.read(from, count));
                    self.device.handle_input(read, self.now);
                }
                Output::RenewRing => self.renew_ring(),
                Output::Dial(attempt, entry) => self.dial(attempt, &entry),
                Output::Probe(attempt, entry) => self.probe(attempt, entry),
                Output::Send(attempt, message) => {
                    self.sent.push((*message).clone());
                    let after = self.latency();
                    self.at_server = self.at_server.max(self.now + after);
                    self.later(self.at_server - self.now, Event::Server(attempt, message));
                }
                Output::HangUp(attempt) => {
                    self.link.take_if(|link| link.attempt == attempt);
                    self.idle_since = self.now;
                }
                Output::RequestCertificate(attempt) => {
                    let request = Input::CertificateRequested(attempt, b"request".to_vec());
                    self.device.handle_input(request, self.now);
                }
                Output::KeepCertificate(attempt, der) => self.keep_certificate(attempt, &der),
                Output::Resolve(names) => self.asked.push((self.now, names)),
                Output::Note(happening) => self.notes.push(happening),
            }
        }
    }
}
