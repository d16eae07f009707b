//! A device, its disk, a network and servers that do as they are told; all in virtual time, all from one seed.

mod events;

use super::*;
use crate::wire::{Epoch, Event as Logged, Goodbye, ListVersion, Registered, RingId, Role};
use rand::rngs::StdRng;
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
}

/// A dial, as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialled {
    pub(super) at: Duration,
    pub(super) server: u16,
    pub(super) trial: bool,
}

pub(super) struct World {
    pub(super) now: Duration,
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
    pub(super) notes: Vec<Happening>,
    pub(super) sent: Vec<Message>,
    pub(super) wanted: Option<ServerList>,
    pub(super) epochs: BTreeMap<u16, u64>,
    /// Every list that a server told the device to keep.
    pub(super) confirmed: Vec<ListVersion>,
    /// When the device last had or tried a connection.
    pub(super) idle_since: Duration,
    pub(super) trial_timeout_s: u32,
    health: BTreeMap<u16, Health>,
    link: Option<Link>,
    queue: BTreeMap<(Duration, u64), Event>,
    events: u64,
    pub(super) rng: StdRng,
}

impl World {
    /// Servers 1 to 5 are up; the device has the list of those named.
    pub(super) fn new(seed: u64, servers: &[u16]) -> Self {
        let disk = Stored::new(list(1, servers), 0);
        let now = secs(1000);
        let ring = MemoryRing::new(1);
        let device = Device::new(Config::default(), info(), (disk.clone(), ring.span()), seed, seed, now);
        let mut world = Self {
            now,
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
            notes: Vec::new(),
            sent: Vec::new(),
            wanted: None,
            epochs: (1..=5).map(|server| (server, 1)).collect(),
            confirmed: Vec::new(),
            idle_since: now,
            trial_timeout_s: 63,
            health: (1..=5).map(|server| (server, Health::Up)).collect(),
            link: None,
            queue: BTreeMap::new(),
            events: 0,
            rng: StdRng::seed_from_u64(seed),
        };
        world.act();
        world
    }

    pub(super) fn set(&mut self, server: u16, health: Health) {
        self.health.insert(server, health);
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
        self.link = None;
        self.queue.clear();
        self.ring.restarted();
        let durable = (self.disk.clone(), self.ring.span());
        self.device = Device::new(Config::default(), info(), durable, seed, seed, self.now);
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
                    self.confirmed.push(version);
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
                Output::Note(happening) => self.notes.push(happening),
            }
        }
    }

    fn dial(&mut self, attempt: AttemptId, entry: &ServerEntry) {
        let server = entry.port - 50_000;
        assert!(self.link.is_none(), "two connections at once");
        let trial = self.device.trial().is_some();
        self.dials.push(Dialled { at: self.now, server, trial });
        let after = self.latency();
        let closed = |kind: FailureKind| Input::Closed(attempt, kind, format!("{kind:?}\n"));
        let input = match self.health[&server] {
            Health::Silent => return,
            Health::Refusing => closed(FailureKind::Refused),
            Health::Foreign => closed(FailureKind::ForeignInstallation),
            Health::Up | Health::Unconfirming | Health::Busy(_) | Health::Strict | Health::Mute | Health::Flapping => {
                self.link = Some(Link { attempt, server });
                Input::Opened(attempt)
            }
        };
        self.later(after, Event::Device(input));
    }

    /// What the server at the other end makes of a message.
    fn serve(&mut self, attempt: AttemptId, message: Message) {
        let Some(link) = self.link.filter(|link| link.attempt == attempt) else { return };
        let health = self.health[&link.server];
        if matches!(health, Health::Silent | Health::Mute | Health::Refusing | Health::Foreign) {
            return;
        }
        if let Message::Ping { nonce } = message {
            return self.reply(attempt, Message::Pong { nonce });
        }
        if let Message::ListStaged(version) = message {
            let timeout_s = self.trial_timeout_s;
            return self.reply(attempt, Message::StartTrial { version, timeout_s });
        }
        if let Message::Upload(upload) = message {
            return self.take_events(link, &upload);
        }
        let Message::Hello(hello) = message else { return };
        if let Health::Busy(retry_after_s) = health {
            return self.reply(attempt, Message::Busy { retry_after_s });
        }
        if health == Health::Strict {
            let goodbye = Goodbye { reason: Reason::NotEnrolled, text: String::new(), reconnect_spread_s: 0 };
            return self.reply(attempt, Message::Goodbye(goodbye));
        }
        let epoch = Epoch { number: self.epochs[&link.server], server_id: "server".into() };
        let registered = Message::Registered(Registered {
            connection_sequence: hello.connection_sequence + 1,
            installation_id: "site".into(),
            server_id: format!("server-{}", link.server),
            server_name: format!("Server #{}", link.server),
            role: Role::Active,
            epoch,
            server_time_unix_ms: 1_790_000_000_000,
            keep_alive_s: 10,
            silence_limit_s: 30,
            reconnect_spread_s: 2,
            event_watermark: self.stores.entry(link.server).or_default().watermark(hello.ring.unwrap().ring),
        });
        let after = self.latency();
        self.later(after, Event::Device(Input::Received(attempt, Box::new(registered))));
        let after = after + self.latency();
        if health == Health::Flapping {
            let closed = Input::Closed(attempt, FailureKind::Closed, "the server closed the connection".into());
            return self.later(after, Event::Device(closed));
        }
        if let Some(rollback) = hello.rollback {
            let noted = Message::RollbackNoted(rollback.version);
            self.later(after, Event::Device(Input::Received(attempt, Box::new(noted))));
        }
        if let Some(version) = hello.trial {
            self.later(after + secs(20), Event::Confirm(attempt, version));
        } else if let Some(list) = self.wanted.clone().filter(|list| list.version().hash != hello.committed.hash) {
            let stage = Box::new(Message::StageList(list));
            self.later(after + secs(1), Event::Device(Input::Received(attempt, stage)));
        }
    }
}
