//! Servers that lists name: where each of them is, what the name servers say of it, and the ways of devices there.

mod scenarios;

pub(super) use scenarios::survive;

use super::flaw::Flaw;
use super::link::{Link, Way};
use super::network::{Event, Network};
use super::zone::{Passage, Stop, Word, named};
use super::*;
use crate::device::{Approach, Names, Remembered, Step};
use crate::wire::FailureKind;
use rand::Rng as _;
use std::net::IpAddr;

impl Network {
    /// A device dials.
    pub(super) fn dial(&mut self, unit: usize, attempt: AttemptId, entry: ServerEntry) {
        if entry.address.name().is_some() {
            return self.set_out(unit, attempt, entry, false);
        }
        let link = self.link(unit, attempt, server_of(entry.port));
        self.open.insert((unit, attempt), link);
        self.send(link, Way::Up, Event::Arrives(link));
    }

    /// A device probes.
    pub(super) fn probe(&mut self, unit: usize, attempt: AttemptId, entry: ServerEntry) {
        if entry.address.name().is_none() {
            return self.probe_server(unit, attempt, entry);
        }
        let limit = self.units[unit].device.config().connect_limit;
        self.later(limit, Event::Stop(Stop::TooLong(unit, self.boots[unit], attempt)));
        self.set_out(unit, attempt, entry, true);
    }

    /// A device asks for names that it may need one day.
    pub(super) fn ask_for(&mut self, unit: usize, names: Vec<String>) {
        if self.flaw != Some(Flaw::AsksOnlyToDial) {
            names.into_iter().for_each(|name| self.look_up(unit, None, name.to_ascii_lowercase()));
        }
    }

    /// It is switched off.
    pub(super) fn leave_ways(&mut self, unit: usize) {
        self.zone.ways.retain(|(owner, _), _| *owner != unit);
        let remembered = self.units[unit].names.remembered();
        let lost = self.flaw == Some(Flaw::LosesNames);
        self.units[unit].names = Names::recalled(if lost { Remembered::new() } else { remembered }, self.now);
    }

    pub(super) fn leave_way(&mut self, end: (usize, AttemptId)) {
        self.zone.ways.remove(&end);
    }

    fn link(&mut self, device: usize, attempt: AttemptId, server: usize) -> Link {
        self.sessions += 1;
        Link { device, attempt, server, session: SessionId(self.sessions) }
    }

    fn set_out(&mut self, unit: usize, attempt: AttemptId, entry: ServerEntry, probes: bool) {
        let mut config = self.units[unit].device.config().clone();
        if self.flaw == Some(Flaw::WaitsForNames) {
            config.name_limit = secs(3600);
        }
        let approach = Approach::new(&entry.address, entry.port, self.now, &config);
        let passage = Passage { approach, entry, probes, links: Vec::new() };
        self.zone.ways.insert((unit, attempt), passage);
        self.go_on(unit, attempt);
    }

    fn go_on(&mut self, unit: usize, attempt: AttemptId) {
        while let Some(passage) = self.zone.ways.get_mut(&(unit, attempt)) {
            let server = server_of(passage.entry.port);
            match passage.approach.step(&mut self.units[unit].names, self.now) {
                Step::Resolve(name) => self.look_up(unit, Some(attempt), name),
                Step::Connect(address) => {
                    let link = self.link(unit, attempt, server);
                    self.zone.ways.get_mut(&(unit, attempt)).unwrap().links.push(link);
                    self.send(link, Way::Up, Event::Stop(Stop::Knock(link, address.ip())));
                }
                Step::Wait(Some(until)) => {
                    let due = Event::Stop(Stop::Due(unit, self.boots[unit], attempt));
                    return self.later(until.saturating_sub(self.now), due);
                }
                Step::Wait(None) => return,
                Step::NoAddress => return self.turn_back(unit, attempt, FailureKind::NameNotFound),
                Step::Failed => return self.turn_back(unit, attempt, FailureKind::Refused),
            }
        }
    }

    fn turn_back(&mut self, unit: usize, attempt: AttemptId, kind: FailureKind) {
        let Some(passage) = self.zone.ways.remove(&(unit, attempt)) else { return };
        if passage.probes {
            return self.probed(unit, attempt, passage.entry, Err((kind, format!("{kind:?}"))), Duration::ZERO);
        }
        self.tell(unit, Input::Closed(attempt, kind, format!("{kind:?}")));
    }

    /// Puts a question to the name servers.
    fn look_up(&mut self, unit: usize, attempt: Option<AttemptId>, name: String) {
        let (server, boot) = (named(&name), self.boots[unit]);
        if self.flaw == Some(Flaw::ForgetsNames) {
            self.units[unit].names = Names::default();
        }
        let after = match self.zone.word(server) {
            Word::Silence => return,
            Word::Late => self.rng.random_range(500..2900),
            Word::True | Word::Stale | Word::Mixed | Word::Empty | Word::Error => self.rng.random_range(1..40),
        };
        let mut found = self.zone.answer(server);
        match self.flaw {
            Some(Flaw::AsksOnce) if !found.is_empty() => {
                found = self.zone.first.entry((unit, boot, name.clone())).or_insert(found).clone();
            }
            Some(Flaw::DialsOneAddress) => found.truncate(1),
            Some(_) | None => {}
        }
        self.later(Duration::from_millis(after), Event::Stop(Stop::Answer(unit, boot, attempt, name, found)));
    }

    /// Something happens on a device's way.
    pub(super) fn on_the_way(&mut self, stop: Stop) {
        match stop {
            Stop::Answer(unit, boot, attempt, name, found) if boot == self.boots[unit] => {
                let Some(attempt) = attempt else {
                    let unit = &mut self.units[unit];
                    unit.names.learn(&name, Some(found), self.now, unit.device.config());
                    return;
                };
                if let Some(passage) = self.zone.ways.get_mut(&(unit, attempt)) {
                    passage.approach.resolved(Some(found));
                    self.go_on(unit, attempt);
                }
            }
            Stop::Due(unit, boot, attempt) if boot == self.boots[unit] => self.go_on(unit, attempt),
            Stop::TooLong(unit, boot, attempt) if boot == self.boots[unit] => {
                self.turn_back(unit, attempt, FailureKind::TimedOut);
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
