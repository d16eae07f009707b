//! The world: what happens when, and who hears of it.

use super::super::trace::Trace;
use super::flaw::Flaw;
use super::machine::{Disk, Machine, Mail, Write};
use super::unit::Unit;
use super::*;
use crate::quorum::{Output, Promotion};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::{BTreeMap, BTreeSet};

/// From or to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Up,
    Down,
}

#[derive(Debug)]
pub(super) enum Event {
    /// A device looks after itself.
    Look(usize),
    /// A server does, in that boot.
    Tick(usize, u64),
    /// A nonce, to a device, in a session, from a server at an epoch.
    Ask {
        unit: usize,
        from: (usize, u64),
        nonce: u64,
        epoch: Rc<Epoch>,
        start: Start,
    },
    Mail(usize, u64, Mail),
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Duration,
    pub(super) rng: SmallRng,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    pub(super) sessions: u64,
    nonces: u64,
    pub(super) config: Config,
    pub(super) flaw: Option<Flaw>,
    pub(super) trace: Trace,
    pub(super) units: Vec<Unit>,
    pub(super) machines: Vec<Machine>,
    /// Which machine has each server's address.
    pub(super) route: [usize; 2],
    /// Device, machine, way.
    pub(super) cut: BTreeSet<(usize, usize, Way)>,
    /// From machine to machine.
    pub(super) silent: BTreeSet<(usize, usize)>,
    /// What an operator wants: how many devices count, and whether a standby promotes itself.
    pub(super) wanted: (Vec<usize>, bool),
    /// Images that were kept of machines.
    pub(super) images: Vec<(usize, Disk)>,
    /// Epochs that operators began, and whether the other server had agreed.
    pub(super) decided: Vec<(Epoch, bool)>,
    /// When two images of one server last ran at once.
    pub(super) twice: Option<Duration>,
    /// When each epoch first wrote.
    pub(super) first_write: BTreeMap<Rc<Epoch>, Duration>,
    /// Nobody starts images or decides in place of the fleet: then nothing is excused.
    pub(super) unaided: bool,
    /// The highest epoch that each device ever had.
    pub(super) reached: Vec<Rc<Epoch>>,
    /// How many writes were answered as safe, and how many promotions nobody ordered.
    pub(super) safe: u64,
    pub(super) by_itself: u64,
}

impl World {
    pub(super) fn new(seed: u64, units: usize) -> Self {
        let mut world = Self {
            now: Duration::ZERO,
            rng: SmallRng::seed_from_u64(seed),
            events: BTreeMap::new(),
            count: 0,
            sessions: 0,
            nonces: 0,
            config: Config::default(),
            flaw: None,
            trace: Trace::default(),
            units: (0..units).map(|_| Unit::new()).collect(),
            machines: Vec::new(),
            route: [0, 1],
            cut: BTreeSet::new(),
            silent: BTreeSet::new(),
            wanted: ((0..units).collect(), true),
            images: Vec::new(),
            decided: Vec::new(),
            twice: None,
            first_write: BTreeMap::new(),
            unaided: !seed.is_multiple_of(4),
            reached: vec![Unit::new().epoch; units],
            safe: 0,
            by_itself: 0,
        };
        for id in 0..2 {
            let stored = Stored {
                role: if id == 0 { Role::Active } else { Role::Standby },
                epoch: Epoch::clone(&Unit::new().epoch),
                unproven: false,
                newest: electorate(units),
                acknowledged: None,
                peer_start: None,
            };
            world.machines.push(Machine::new(id, Disk { stored, starts: 0 }));
        }
        (0..2).for_each(|machine| world.start(machine));
        (0..units).for_each(|unit| world.schedule(Duration::from_millis(10), Event::Look(unit)));
        world
    }

    pub(super) fn with_flaw(mut self, flaw: Option<Flaw>) -> Self {
        self.flaw = flaw;
        match flaw {
            Some(Flaw::NoWindow) => self.config.window = Duration::ZERO,
            Some(Flaw::HoldsTooLong) => self.config.hold = secs(300),
            Some(_) | None => {}
        }
        for machine in 0..2 {
            self.machines[machine].crash();
            self.start(machine);
        }
        self
    }

    pub(super) fn schedule(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events.insert((self.now + after, self.count), event);
    }

    /// Does what is due next, unless that is after `end`.
    pub(super) fn step(&mut self, end: Duration) -> bool {
        let Some(next) = self.events.first_entry() else { return false };
        let at = next.key().0;
        if at > end {
            self.now = end;
            return false;
        }
        self.now = at;
        let event = next.remove();
        self.trace.note(at, &event);
        self.happens(event);
        self.check();
        true
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Look(unit) => self.look(unit),
            Event::Tick(machine, boot) if self.machines[machine].boots == boot => self.tick(machine),
            Event::Ask { unit, from, nonce, epoch, start } => self.asked(unit, from, nonce, &epoch, start),
            Event::Mail(machine, boot, mail) if self.machines[machine].boots == boot => self.arrives(machine, mail),
            Event::Tick(..) | Event::Mail(..) => {}
        }
    }

    /// Mostly soon, sometimes late.
    fn delay(&mut self) -> Duration {
        let most = if self.rng.random_bool(0.02) { 20_000 } else { 300 };
        Duration::from_millis(self.rng.random_range(5..most))
    }

    pub(super) fn mail(&mut self, machine: usize, mail: Mail) {
        let (delay, boot) = (self.delay(), self.machines[machine].boots);
        self.schedule(delay, Event::Mail(machine, boot, mail));
    }

    pub(super) fn is_cut(&self, unit: usize, machine: usize) -> bool {
        [Way::Up, Way::Down].iter().any(|way| self.cut.contains(&(unit, machine, *way)))
    }

    pub(super) fn start(&mut self, machine: usize) {
        if self.machines[machine].core.is_none() {
            let incarnation = self.rng.random();
            self.machines[machine].start(self.config.clone(), incarnation);
            let (after, boot) = (self.rng.random_range(10..2000), self.machines[machine].boots);
            self.schedule(Duration::from_millis(after), Event::Tick(machine, boot));
        }
    }

    pub(super) fn arrives(&mut self, machine: usize, mail: Mail) {
        if self.machines[machine].pause.is_some() {
            return self.machines[machine].inbox.push(mail);
        }
        let now = self.machines[machine].clock(self.now);
        let flaw = self.flaw;
        if let Mail::Answer { unit, session, .. } = &mail
            && self.machines[machine].sessions.get(unit) == Some(session)
        {
            self.machines[machine].heard.insert(*unit, self.now);
        }
        let Some(core) = &mut self.machines[machine].core else { return };
        match mail {
            Mail::Answer { unit, session, nonce, epoch, seen } => {
                let epoch = if flaw == Some(Flaw::AnyEpoch) { Rc::new(core.stored().epoch.clone()) } else { epoch };
                if flaw == Some(Flaw::CountsFromReceipt) {
                    core.asked_device(id_of(unit), session, nonce, now);
                }
                core.device_answered(id_of(unit), session, nonce, (Some(&epoch), seen), now);
            }
            Mail::Gone { unit, session } => {
                core.device_gone(id_of(unit), session);
                if self.machines[machine].sessions.get(&unit) == Some(&session) {
                    self.machines[machine].sessions.remove(&unit);
                }
            }
            Mail::Letter(mut letter) => {
                if flaw == Some(Flaw::AcknowledgesUnseen) {
                    letter.stored = core.stored().newest.version;
                }
                core.read_letter(&letter, now);
            }
        }
        self.do_outputs(machine);
    }

    /// What the shell has to do before anything else.
    pub(super) fn do_outputs(&mut self, machine: usize) {
        while let Some(output) = self.machines[machine].core.as_mut().and_then(Quorum::poll_output) {
            self.trace.note(self.now, &output);
            match output {
                Output::Persist(stored) => self.persist(machine, *stored),
                Output::Promote { number } => {
                    self.check_promotion(machine);
                    self.by_itself += 1;
                    let how =
                        if self.flaw == Some(Flaw::NeedsNoProof) { Promotion::Manual } else { Promotion::Automatic };
                    self.promote(machine, number, how);
                }
            }
        }
    }

    /// Seals an epoch.
    pub(super) fn promote(&mut self, machine: usize, number: u64, how: Promotion) -> Epoch {
        let seal = vec![self.rng.random(), self.rng.random()];
        let epoch = Epoch { number, server_id: server_id(self.machines[machine].id).to_owned(), seal };
        if let Some(core) = &mut self.machines[machine].core {
            core.promoted(epoch.clone(), how);
        }
        epoch
    }

    fn tick(&mut self, machine: usize) {
        if self.machines[machine].pause.is_some() {
            return;
        }
        let now = self.machines[machine].clock(self.now);
        let Some(core) = &mut self.machines[machine].core else { return };
        core.handle_timeout(now);
        self.do_outputs(machine);
        self.ask_devices(machine, now);
        self.write_letter(machine, now);
        self.administer(machine, now);
        self.write(machine, now);
        let boot = self.machines[machine].boots;
        self.schedule(TICK, Event::Tick(machine, boot));
    }

    pub(super) fn ask_devices(&mut self, machine: usize, now: Duration) {
        let sessions: Vec<_> =
            self.machines[machine].sessions.iter().map(|(unit, session)| (*unit, *session)).collect();
        let epoch = self.machines[machine].shared_epoch();
        for (unit, session) in sessions {
            self.nonces += 1;
            let nonce = self.nonces;
            let flaw = self.flaw;
            let Some(core) = &mut self.machines[machine].core else { return };
            if flaw != Some(Flaw::CountsFromReceipt) {
                core.asked_device(id_of(unit), session, nonce, now);
            }
            let (epoch, start) = (Rc::clone(&epoch), core.start());
            if !self.cut.contains(&(unit, machine, Way::Down)) {
                let delay = self.delay();
                self.schedule(delay, Event::Ask { unit, from: (machine, session), nonce, epoch, start });
            }
        }
    }

    fn write_letter(&mut self, machine: usize, now: Duration) {
        self.nonces += 1;
        let nonce = self.nonces;
        let other = self.route[1 - self.machines[machine].id];
        let Some(core) = &mut self.machines[machine].core else { return };
        let letter = core.write_letter(nonce, now);
        if !self.silent.contains(&(machine, other)) {
            self.mail(other, Mail::Letter(Box::new(letter)));
        }
    }

    pub(super) fn runs_twice(&self) -> bool {
        (0..2).any(|id| self.machines.iter().filter(|machine| machine.id == id && machine.core.is_some()).count() > 1)
    }

    /// The wish of the operators, where it can be fulfilled. Nobody changes what counts while a server runs twice.
    fn administer(&mut self, machine: usize, now: Duration) {
        let twice = self.runs_twice();
        if self.machines[machine].core.as_ref().is_none_or(|core| core.stored().role != Role::Active) {
            return;
        }
        let members: BTreeSet<_> = self.wanted.0.iter().map(|unit| id_of(*unit)).collect();
        let automatic = self.wanted.1 && members.len() >= self.config.electors_min;
        let id = self.machines[machine].id;
        let Some(core) = self.machines[machine].core.as_mut().filter(|_| !twice) else { return };
        let before = core.stored().newest.version;
        if core.propose(members, automatic, now).is_ok() && core.stored().newest.version != before {
            self.images.retain(|(of, _)| *of != id);
            self.do_outputs(machine);
        }
    }

    pub(super) fn write(&mut self, machine: usize, now: Duration) {
        let Some(core) = &self.machines[machine].core else { return };
        let lawless = self.flaw == Some(Flaw::NeverGivesWay) && core.stored().role == Role::Active;
        if lawless || core.standing(now) == crate::quorum::Standing::Writes {
            self.commit(machine);
            let machine = &mut self.machines[machine];
            machine.wrote.push_back(self.now);
            while machine.wrote.front().is_some_and(|at| *at + secs(90) <= self.now) {
                machine.wrote.pop_front();
            }
        }
        self.answer_writes(machine);
    }

    pub(super) fn commit(&mut self, machine: usize) {
        let now = self.now;
        let flaw = self.flaw;
        let Some(mark) = self.machines[machine].core.as_ref().map(Quorum::mark) else { return };
        let machine = &mut self.machines[machine];
        let epoch = machine.shared_epoch();
        let first = machine.first.take().filter(|(of, _)| *of == epoch);
        let first = first.unwrap_or_else(|| (Rc::clone(&epoch), mark.clone()));
        let mark = if flaw == Some(Flaw::OldProof) { first.1.clone() } else { mark };
        machine.first = Some(first);
        self.first_write.entry(Rc::clone(&epoch)).or_insert(now);
        machine.pending.push(Write { at: now, epoch, mark });
    }
}
