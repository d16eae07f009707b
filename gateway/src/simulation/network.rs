//! The network: links that keep their order, and lose nothing but their ends.

use super::database::Database;
use super::desk::{Desk, Pace};
use super::flaw::Flaw;
use super::link::{Link, Way};
use super::trace::Trace;
use super::unit::Unit;
use super::zone::{Stop, Zone};
use super::*;
use crate::server::Settings;
use crate::server::load::Load;
use crate::server::registry::Registry;
use crate::server::session::{Answer, Session};
use crate::wire::{EntryProbe, EventUpload, FailureKind, Message, Reason};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

#[derive(Debug)]
pub(super) enum Event {
    /// The server's machine has the connection.
    Arrives(Link),
    ToServer(Link, Option<Box<Message>>),
    /// `None` is the end of the connection.
    ToDevice(Link, Option<Box<Message>>),
    Opened(Link),
    Refused(Link),
    Stop(Stop),
    /// With the start of the device that asked.
    Probed(usize, u64, AttemptId, Box<EntryProbe>),
    Answer(Link, Box<Answer>),
    /// Events are durable, unless the server was started again since: with how often it was.
    Commit(Link, u64, Arc<EventUpload>),
    /// A handshake is over; the same.
    Shaken(Link, u64),
}

pub(super) struct Server {
    pub(super) up: bool,
    pub(super) role: Role,
    pub(super) epoch: u64,
    pub(super) sessions: BTreeMap<SessionId, (Link, Session)>,
    pub(super) registry: Registry<Link>,
    pub(super) load: Load,
    pub(super) desk: Desk,
    /// How often it was killed.
    pub(super) starts: u64,
    /// What it holds of each device's events.
    pub(super) events: Vec<EventStore>,
}

pub(super) struct Network {
    pub(super) now: Duration,
    pub(super) rng: SmallRng,
    pub(super) units: Vec<Unit>,
    pub(super) servers: Vec<Server>,
    pub(super) database: Database,
    /// Ways that are closed: what is sent waits.
    pub(super) cut: BTreeSet<(usize, usize, Way)>,
    waiting: VecDeque<(usize, usize, Way, Event)>,
    queue: BTreeMap<(Duration, u64), Event>,
    /// Nothing overtakes what was sent before it on the same link.
    last: BTreeMap<(SessionId, Way), Duration>,
    /// The newest session of each device at each server, until that very session has ended.
    pub(super) newest: BTreeMap<(usize, usize), SessionId>,
    pub(super) zone: Zone,
    /// The devices' ends of links.
    pub(super) open: BTreeMap<(usize, AttemptId), Link>,
    /// How often each device was started.
    pub(super) boots: Vec<u64>,
    /// Connections over which a device said who it is.
    pub(super) greeted: BTreeSet<SessionId>,
    /// Servers that were taken out of the installation, and go on.
    pub(super) removed: BTreeSet<usize>,
    /// How long a server takes to put events on record, at most.
    pub(super) commit_ms: u64,
    /// The highest watermark that each server ever had on disk, for each device and ring.
    pub(super) written: BTreeMap<(usize, usize, RingId), u64>,
    /// Earlier states of the servers' events.
    pub(super) copies: Vec<Vec<EventStore>>,
    pub(super) flaw: Option<Flaw>,
    pub(super) trace: Trace,
    events: u64,
    pub(super) sessions: u64,
    pub(super) settings: Arc<Settings>,
    pub(super) pace: Pace,
    /// Connections of each device that reached a server.
    pub(super) arrived: Vec<u64>,
}

impl Network {
    pub(super) fn new(seed: u64, units: usize, servers: usize, config: &Config) -> Self {
        Self::with_names(seed, units, servers, config, &[])
    }

    /// The same with these servers named in lists.
    pub(super) fn with_names(seed: u64, units: usize, servers: usize, config: &Config, named: &[usize]) -> Self {
        Self::with_settings(seed, (units, servers), config, Settings::default(), Zone::new(named))
    }

    /// The same with servers of other numbers.
    pub(super) fn with_settings(
        seed: u64,
        (units, servers): (usize, usize),
        config: &Config,
        settings: Settings,
        zone: Zone,
    ) -> Self {
        let settings = Arc::new(settings);
        let (mut rng, count) = (SmallRng::seed_from_u64(seed), units);
        let now = secs(1000);
        let list: Vec<usize> = (0..servers).collect();
        let list = ServerList::new(1, 1, None, zone.entries(&list));
        let units = (0..units).map(|unit| Unit::new(unit, list.clone(), config, rng.random_range(1..1 << 40), now));
        let server = |number: usize| Server {
            up: true,
            role: if number == 0 { Role::Active } else { Role::Standby },
            epoch: 1,
            sessions: BTreeMap::new(),
            registry: Registry::new(),
            load: Load::new(Arc::clone(&settings)),
            desk: Desk::default(),
            starts: 0,
            events: vec![EventStore::default(); count],
        };
        let units = units.collect();
        let mut network = Self {
            now,
            units,
            servers: (0..servers).map(server).collect(),
            database: Database::default(),
            cut: BTreeSet::new(),
            waiting: VecDeque::new(),
            queue: BTreeMap::new(),
            last: BTreeMap::new(),
            newest: BTreeMap::new(),
            zone,
            open: BTreeMap::new(),
            boots: Vec::new(),
            greeted: BTreeSet::new(),
            removed: BTreeSet::new(),
            commit_ms: 30,
            written: BTreeMap::new(),
            copies: Vec::new(),
            flaw: None,
            trace: Trace::default(),
            events: 0,
            sessions: 0,
            settings: Arc::clone(&settings),
            pace: Pace::default(),
            arrived: vec![0; count],
            rng,
        };
        network.boots = vec![0; network.units.len()];
        (0..network.units.len()).for_each(|unit| network.act(unit));
        network
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// The next thing that happens, unless it is after `end`.
    pub(super) fn step(&mut self, end: Duration) -> bool {
        let unit = (0..self.units.len()).filter_map(|unit| Some((self.units[unit].device.poll_timeout()?, unit))).min();
        let session = self.servers.iter().enumerate().flat_map(|(number, server)| {
            let due = server.sessions.iter().filter_map(|(id, (_, session))| Some((session.poll_timeout()?, *id)));
            due.map(move |(at, id)| (at, number, id))
        });
        let session = session.min();
        let event = self.queue.first_key_value().map(|(key, _)| *key);
        let next = [unit.map(|d| d.0), session.map(|s| s.0), event.map(|e| e.0)].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= end) else { return false };
        self.now = self.now.max(next);
        if event.is_some_and(|event| event.0 <= next) {
            let (_, event) = self.queue.pop_first().unwrap();
            self.happen(event);
        } else if let Some((_, server, id)) = session.filter(|session| session.0 <= next) {
            let (_, session) = self.servers[server].sessions.get_mut(&id).unwrap();
            session.handle_timeout(self.now);
            self.trace.note(self.now, &id);
            self.serve(server, id);
        } else if let Some((_, unit)) = unit {
            self.trace.note(self.now, &unit);
            self.units[unit].device.handle_timeout(self.now);
            self.act(unit);
        }
        true
    }

    pub(super) fn cut(&mut self, unit: usize, server: usize, way: Way) {
        self.cut.insert((unit, server, way));
    }

    /// Every way is open again, and what waited arrives.
    pub(super) fn heal(&mut self) {
        self.cut.clear();
        for (.., event) in std::mem::take(&mut self.waiting) {
            self.later(Duration::from_millis(5), event);
        }
    }

    /// SIGKILL: the machine answers for the program, with resets.
    pub(super) fn kill(&mut self, server: usize) {
        self.servers[server].up = false;
        self.servers[server].starts += 1;
        self.servers[server].registry = Registry::new();
        self.servers[server].load = Load::new(Arc::clone(&self.settings));
        self.clear_desk(server);
        self.newest.retain(|(at, _), _| *at != server);
        for (link, _) in std::mem::take(&mut self.servers[server].sessions).into_values() {
            self.closed(link);
            self.send(link, Way::Down, Event::ToDevice(link, None));
        }
    }

    pub(super) fn start(&mut self, server: usize) {
        self.servers[server].up = true;
    }

    /// A server is another from now on, and tells its devices.
    pub(super) fn becomes(&mut self, server: usize, role: Role, epoch: u64) {
        (self.servers[server].role, self.servers[server].epoch) = (role, epoch);
        self.wake(server);
    }

    /// The database has changed.
    pub(super) fn wake(&mut self, server: usize) {
        let identity = self.identity(server);
        let ids: Vec<_> = self.servers[server].sessions.keys().copied().collect();
        for id in ids {
            if let Some((_, session)) = self.servers[server].sessions.get_mut(&id) {
                session.handle_wake(&identity, self.now);
            }
            self.serve(server, id);
        }
    }

    pub(super) fn restart(&mut self, unit: usize) {
        self.switch_off(unit);
        self.units[unit].restart(self.now);
        self.switch_on(unit);
    }

    /// Its machine closes what it had open.
    pub(super) fn switch_off(&mut self, unit: usize) {
        let ends: Vec<_> = self.open.keys().filter(|(owner, _)| *owner == unit).copied().collect();
        ends.into_iter().for_each(|end| self.hang_up(end));
        self.leave_ways(unit);
    }

    /// The device was started, and does what it wants to.
    pub(super) fn switch_on(&mut self, unit: usize) {
        self.boots[unit] += 1;
        self.act(unit);
    }

    /// Somebody uses a device so many times.
    pub(super) fn log(&mut self, unit: usize, count: usize) {
        self.units[unit].log(count, self.now);
        self.act(unit);
    }

    /// The session that a server's registry has for a device.
    pub(super) fn registered(&self, server: usize, unit: usize) -> Option<SessionId> {
        self.servers[server].registry.registered(id_of(unit)).map(|link| link.session)
    }

    pub(super) fn later(&mut self, after: Duration, event: Event) {
        self.events += 1;
        self.queue.insert((self.now + after, self.events), event);
    }

    /// In its order, as soon as the way is open.
    pub(super) fn send(&mut self, link: Link, way: Way, event: Event) {
        if self.cut.contains(&(link.device, link.server, way)) {
            return self.waiting.push_back((link.device, link.server, way, event));
        }
        let at = self.now + Duration::from_millis(self.rng.random_range(1..40));
        let last = self.last.entry((link.session, way)).or_default();
        *last = at.max(*last);
        let after = last.saturating_sub(self.now);
        self.later(after, event);
    }

    fn act(&mut self, unit: usize) {
        while let Some(output) = self.units[unit].poll(self.now) {
            self.trace.note(self.now, &output);
            match output {
                DeviceOutput::Dial(attempt, entry) => self.dial(unit, attempt, entry),
                DeviceOutput::Resolve(names) => self.ask_for(unit, names),
                DeviceOutput::Probe(attempt, entry) => self.probe(unit, attempt, entry),
                DeviceOutput::Send(attempt, message) => {
                    if let Some(link) = self.open.get(&(unit, attempt)).copied() {
                        self.look_at(link, &message);
                        self.send(link, Way::Up, Event::ToServer(link, Some(message)));
                    }
                }
                DeviceOutput::HangUp(attempt) => self.hang_up((unit, attempt)),
                DeviceOutput::Persist(..)
                | DeviceOutput::Log(..)
                | DeviceOutput::ReadEvents(..)
                | DeviceOutput::RenewRing
                | DeviceOutput::RequestCertificate(_)
                | DeviceOutput::KeepCertificate(..)
                | DeviceOutput::Note(_) => {}
            }
        }
    }

    /// What a device says.
    fn look_at(&mut self, link: Link, message: &Message) {
        if let Message::Hello(_) = message {
            self.greeted.insert(link.session);
        } else if let Message::Upload(upload) = message {
            self.check_report(link.device, upload);
        }
    }

    fn hang_up(&mut self, end: (usize, AttemptId)) {
        self.leave_way(end);
        if let Some(link) = self.open.remove(&end) {
            self.send(link, Way::Up, Event::ToServer(link, None));
        }
    }

    /// The device's end of the link is still there.
    pub(super) fn is_open(&self, link: Link) -> bool {
        self.open.get(&(link.device, link.attempt)) == Some(&link)
    }

    fn happen(&mut self, event: Event) {
        self.trace.note(self.now, &event);
        match event {
            Event::Arrives(link) => self.arrives(link),
            Event::Opened(link) if self.is_open(link) => self.tell(link.device, Input::Opened(link.attempt)),
            Event::ToServer(link, message) => {
                // Some lists name a server that does not exist.
                let server = self.servers.get_mut(link.server);
                let Some((_, session)) = server.and_then(|server| server.sessions.get_mut(&link.session)) else {
                    return;
                };
                session.handle_heard(self.now);
                match message {
                    Some(message) => session.handle_message(*message, self.now),
                    None => session.handle_lost(Reason::Unknown),
                }
                self.serve(link.server, link.session);
            }
            Event::Refused(link) if self.is_open(link) => {
                self.open.remove(&(link.device, link.attempt));
                let refused = Input::Closed(link.attempt, FailureKind::Refused, "connection refused".into());
                self.tell(link.device, refused);
            }
            Event::Opened(_) | Event::Refused(_) => {}
            Event::Stop(stop) => self.on_the_way(stop),
            Event::ToDevice(link, _) if !self.is_open(link) => {}
            Event::ToDevice(link, Some(message)) => self.tell(link.device, Input::Received(link.attempt, message)),
            Event::ToDevice(link, None) => {
                self.open.remove(&(link.device, link.attempt));
                let reset = Input::Closed(link.attempt, FailureKind::Closed, "connection reset".into());
                self.tell(link.device, reset);
            }
            Event::Probed(unit, boot, attempt, result) if boot == self.boots[unit] => {
                self.tell(unit, Input::Probed(attempt, result));
            }
            Event::Probed(..) => {}
            Event::Answer(link, answer) => self.answer(link, *answer),
            Event::Shaken(link, starts) => self.end_handshake(link, starts),
            Event::Commit(link, starts, upload) => self.commit(link, starts, &upload),
        }
    }

    pub(super) fn tell(&mut self, unit: usize, input: Input) {
        self.units[unit].device.handle_input(input, self.now);
        self.act(unit);
    }
}
