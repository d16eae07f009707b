//! Servers that lists name: where each of them is, what the name servers say of it, and the ways of devices there.

mod stories;

pub(super) use stories::survive;

use super::flaws::Flaw;
use super::network::{Event, Link, Network, Way};
use super::*;
use crate::device::{Approach, Names, Remembered, Step};
use crate::wire::FailureKind;
use rand::Rng as _;
use rand::rngs::SmallRng;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the name servers say of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Where it is.
    True,
    /// The same, after a while.
    Late,
    /// Where it was before it last moved.
    Stale,
    /// Where it was, then where it is.
    Mixed,
    /// That it has no address.
    Empty,
    /// That they do not know.
    Error,
    /// Nothing.
    Silence,
}

/// The names of an installation, and what is behind them.
#[derive(Debug, Default)]
pub(super) struct Zone {
    /// Servers that lists name; the others have one address for ever.
    named: BTreeSet<usize>,
    /// How often each server has moved.
    moves: BTreeMap<usize, u16>,
    words: BTreeMap<usize, Word>,
    /// IPv6, or IPv4, leads nowhere.
    dead: Option<bool>,
    ipv6_first: bool,
    /// Where nobody is, somebody says so.
    resets: bool,
    ways: BTreeMap<(usize, AttemptId), Passage>,
    /// For a device that asks only once: what each name came to since it was started.
    first: BTreeMap<(usize, u64, String), Vec<SocketAddr>>,
}

/// A device on its way to a server.
#[derive(Debug)]
struct Passage {
    approach: Approach,
    entry: ServerEntry,
    /// Only to ask, beside a session.
    probes: bool,
    /// Connections that are being made.
    links: Vec<Link>,
}

#[derive(Debug)]
pub(super) enum Stop {
    /// An answer to a device, in that start, for that attempt or none.
    Answer(usize, u64, Option<AttemptId>, String, Vec<SocketAddr>),
    /// It is time to go on.
    Due(usize, u64, AttemptId),
    /// A probe has taken too long.
    TooLong(usize, u64, AttemptId),
    /// A device asks whoever has that address for a connection.
    Knock(Link, IpAddr),
    Stands(Link),
    Fails(Link),
}

impl Zone {
    pub(super) fn new(named: &[usize]) -> Self {
        Self { named: named.iter().copied().collect(), ..Self::default() }
    }

    /// A list of these servers, in this order.
    pub(super) fn entries(&self, servers: &[usize]) -> Entries {
        let addressed = servers.iter().map(|server| match self.named.contains(server) {
            true => format!("S{server}.Example"),
            false => "192.0.2.1".to_owned(),
        });
        let addresses: Vec<_> = addressed.collect();
        let entries = servers.iter().zip(&addresses).zip(1..);
        Entries::parse(entries.map(|((server, address), priority)| (priority, address.as_str(), port_of(*server))))
            .unwrap()
    }

    fn moves(&self, server: usize) -> u16 {
        self.moves.get(&server).copied().unwrap_or(0)
    }

    fn word(&self, server: usize) -> Word {
        self.words.get(&server).copied().unwrap_or(Word::True)
    }

    /// Whether a device that knew where everybody was before anything moved finds this server.
    fn is_found(&self, server: usize) -> bool {
        self.moves(server) == 0 || matches!(self.word(server), Word::True | Word::Late | Word::Mixed)
    }

    /// Whether the server can be reached at this address.
    fn leads_to(&self, server: usize, address: IpAddr) -> bool {
        self.dead != Some(address.is_ipv6()) && self.addresses(self.moves(server)).contains(&address)
    }

    fn addresses(&self, moves: u16) -> [IpAddr; 2] {
        let low = u8::try_from(moves % 250).unwrap() + 1;
        let (old, new) = (Ipv4Addr::new(198, 51, 100, low), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, low.into()));
        if self.ipv6_first { [new.into(), old.into()] } else { [old.into(), new.into()] }
    }

    fn answer(&self, server: usize) -> Vec<SocketAddr> {
        let now = self.addresses(self.moves(server));
        let before = self.addresses(self.moves(server).saturating_sub(1));
        let found = match self.word(server) {
            Word::True | Word::Late => now.to_vec(),
            Word::Stale => before.to_vec(),
            Word::Mixed => [before, now].concat(),
            Word::Empty | Word::Error | Word::Silence => Vec::new(),
        };
        found.into_iter().map(|address| SocketAddr::new(address, 0)).collect()
    }

    /// Something about names becomes another.
    pub(super) fn upset(&mut self, rng: &mut SmallRng) {
        let named: Vec<_> = self.named.iter().copied().collect();
        let Some(server) = named.get(rng.random_range(0..named.len().max(1))).copied() else { return };
        match rng.random_range(0..10) {
            0..3 => {
                *self.moves.entry(server).or_default() += 1;
                self.words.insert(server, if rng.random() { Word::True } else { Word::Stale });
            }
            3..6 => _ = self.words.insert(server, some_word(rng)),
            6 => {
                let word = some_word(rng);
                self.words.extend(named.into_iter().map(|server| (server, word)));
            }
            7 => self.words.clear(),
            8 => self.dead = [None, Some(false), Some(true)][rng.random_range(0..3)],
            _ => (self.ipv6_first, self.resets) = (rng.random(), rng.random()),
        }
    }

    /// All that is said is true. Where a family of addresses leads nowhere, it stays like that.
    pub(super) fn set_right(&mut self) {
        self.words.clear();
    }
}

fn some_word(rng: &mut SmallRng) -> Word {
    use Word::{Empty, Error, Late, Mixed, Silence, Stale, True};
    [True, Late, Stale, Mixed, Empty, Error, Silence][rng.random_range(0..7)]
}

/// Whom a name is for.
fn named(name: &str) -> usize {
    name.trim_start_matches('s').trim_end_matches(".example").parse().unwrap()
}

impl Network {
    /// A device dials.
    pub(super) fn dial(&mut self, door: usize, attempt: AttemptId, entry: ServerEntry) {
        if entry.address.name().is_some() {
            return self.set_out(door, attempt, entry, false);
        }
        let link = self.link(door, attempt, server_of(entry.port));
        self.open.insert((door, attempt), link);
        self.send(link, Way::Up, Event::Arrives(link));
    }

    /// A device probes.
    pub(super) fn probe(&mut self, door: usize, attempt: AttemptId, entry: ServerEntry) {
        if entry.address.name().is_none() {
            return self.probe_server(door, attempt, entry);
        }
        let limit = self.doors[door].device.config().connect_limit;
        self.later(limit, Event::Stop(Stop::TooLong(door, self.boots[door], attempt)));
        self.set_out(door, attempt, entry, true);
    }

    /// A device asks for names that it may need one day.
    pub(super) fn ask_for(&mut self, door: usize, names: Vec<String>) {
        if self.flaw != Some(Flaw::AsksOnlyToDial) {
            names.into_iter().for_each(|name| self.look_up(door, None, name.to_ascii_lowercase()));
        }
    }

    /// It is switched off.
    pub(super) fn leave_ways(&mut self, door: usize) {
        self.zone.ways.retain(|(owner, _), _| *owner != door);
        let remembered = self.doors[door].names.remembered();
        let lost = self.flaw == Some(Flaw::LosesNames);
        self.doors[door].names = Names::recalled(if lost { Remembered::new() } else { remembered }, self.now);
    }

    pub(super) fn leave_way(&mut self, end: (usize, AttemptId)) {
        self.zone.ways.remove(&end);
    }

    fn link(&mut self, device: usize, attempt: AttemptId, server: usize) -> Link {
        self.sessions += 1;
        Link { device, attempt, server, session: SessionId(self.sessions) }
    }

    fn set_out(&mut self, door: usize, attempt: AttemptId, entry: ServerEntry, probes: bool) {
        let mut config = self.doors[door].device.config().clone();
        if self.flaw == Some(Flaw::WaitsForNames) {
            config.name_limit = secs(3600);
        }
        let approach = Approach::new(&entry.address, entry.port, self.now, &config);
        let passage = Passage { approach, entry, probes, links: Vec::new() };
        self.zone.ways.insert((door, attempt), passage);
        self.go_on(door, attempt);
    }

    fn go_on(&mut self, door: usize, attempt: AttemptId) {
        while let Some(passage) = self.zone.ways.get_mut(&(door, attempt)) {
            let server = server_of(passage.entry.port);
            match passage.approach.step(&mut self.doors[door].names, self.now) {
                Step::Resolve(name) => self.look_up(door, Some(attempt), name),
                Step::Connect(address) => {
                    let link = self.link(door, attempt, server);
                    self.zone.ways.get_mut(&(door, attempt)).unwrap().links.push(link);
                    self.send(link, Way::Up, Event::Stop(Stop::Knock(link, address.ip())));
                }
                Step::Wait(Some(until)) => {
                    let due = Event::Stop(Stop::Due(door, self.boots[door], attempt));
                    return self.later(until.saturating_sub(self.now), due);
                }
                Step::Wait(None) => return,
                Step::NoAddress => return self.turn_back(door, attempt, FailureKind::NameNotFound),
                Step::Failed => return self.turn_back(door, attempt, FailureKind::Refused),
            }
        }
    }

    fn turn_back(&mut self, door: usize, attempt: AttemptId, kind: FailureKind) {
        let Some(passage) = self.zone.ways.remove(&(door, attempt)) else { return };
        if passage.probes {
            return self.probed(door, attempt, passage.entry, Err((kind, format!("{kind:?}"))), Duration::ZERO);
        }
        self.tell(door, Input::Closed(attempt, kind, format!("{kind:?}")));
    }

    /// Puts a question to the name servers.
    fn look_up(&mut self, door: usize, attempt: Option<AttemptId>, name: String) {
        let (server, boot) = (named(&name), self.boots[door]);
        if self.flaw == Some(Flaw::ForgetsNames) {
            self.doors[door].names = Names::default();
        }
        let after = match self.zone.word(server) {
            Word::Silence => return,
            Word::Late => self.rng.random_range(500..2900),
            Word::True | Word::Stale | Word::Mixed | Word::Empty | Word::Error => self.rng.random_range(1..40),
        };
        let mut found = self.zone.answer(server);
        match self.flaw {
            Some(Flaw::AsksOnce) if !found.is_empty() => {
                found = self.zone.first.entry((door, boot, name.clone())).or_insert(found).clone();
            }
            Some(Flaw::DialsOneAddress) => found.truncate(1),
            Some(_) | None => {}
        }
        self.later(Duration::from_millis(after), Event::Stop(Stop::Answer(door, boot, attempt, name, found)));
    }

    /// Something happens on a device's way.
    pub(super) fn on_the_way(&mut self, stop: Stop) {
        match stop {
            Stop::Answer(door, boot, attempt, name, found) if boot == self.boots[door] => {
                let Some(attempt) = attempt else {
                    let door = &mut self.doors[door];
                    door.names.learn(&name, Some(found), self.now, door.device.config());
                    return;
                };
                if let Some(passage) = self.zone.ways.get_mut(&(door, attempt)) {
                    passage.approach.resolved(Some(found));
                    self.go_on(door, attempt);
                }
            }
            Stop::Due(door, boot, attempt) if boot == self.boots[door] => self.go_on(door, attempt),
            Stop::TooLong(door, boot, attempt) if boot == self.boots[door] => {
                self.turn_back(door, attempt, FailureKind::TimedOut);
            }
            Stop::Answer(..) | Stop::Due(..) | Stop::TooLong(..) => {}
            Stop::Knock(link, address) => self.knocked(link, address),
            Stop::Stands(link) => self.stands(link),
            Stop::Fails(link) => {
                if let Some(passage) = self.zone.ways.get_mut(&(link.device, link.attempt))
                    && passage.links.contains(&link)
                {
                    passage.approach.failed();
                    self.go_on(link.device, link.attempt);
                }
            }
        }
    }

    fn knocked(&mut self, link: Link, address: IpAddr) {
        let here = self.zone.leads_to(link.server, address);
        if here && self.servers.get(link.server).is_some_and(|server| server.up) {
            self.send(link, Way::Down, Event::Stop(Stop::Stands(link)));
        } else if here || self.zone.resets {
            self.send(link, Way::Down, Event::Stop(Stop::Fails(link)));
        }
    }

    /// The first connection that stands is the one.
    fn stands(&mut self, link: Link) {
        let end = (link.device, link.attempt);
        if !self.zone.ways.get(&end).is_some_and(|passage| passage.links.contains(&link)) {
            return;
        }
        let Some(passage) = self.zone.ways.remove(&end) else { return };
        if passage.probes {
            return self.probe_server(link.device, link.attempt, passage.entry);
        }
        self.open.insert(end, link);
        self.send(link, Way::Up, Event::Arrives(link));
    }
}
