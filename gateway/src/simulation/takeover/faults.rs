//! What goes wrong, and what people do about it.

use super::machine::{Machine, Pause};
use super::world::{Way, World};
use super::*;
use crate::quorum::Promotion;
use rand::Rng as _;

impl World {
    /// One thing goes wrong, or changes.
    pub(super) fn fault(&mut self) {
        let (units, machines) = (self.units.len(), self.machines.len());
        let (unit, machine) = (self.rng.random_range(0..units), self.rng.random_range(0..machines));
        match self.rng.random_range(0..30) {
            0 | 1 => {
                let way = if self.rng.random() { Way::Up } else { Way::Down };
                self.cut.insert((unit, machine, way));
            }
            2 => self.cut_off(machine),
            3 => self.split(),
            4..=6 => self.part(),
            7 | 8 => self.silent.clear(),
            9..=11 => self.heal(),
            12 | 13 => self.crash(machine),
            14 | 15 => (0..2).for_each(|id| self.start(self.route[id])),
            16 | 17 => self.stop_for_a_while(machine),
            18 => (0..machines).for_each(|machine| self.go_on(machine)),
            19 | 20 | 23 if self.unaided => self.split(),
            19 | 20 => self.keep_or_start_image(machine),
            21 => self.change_electorate(),
            22 => self.wanted.1 = self.rng.random_bool(0.8),
            23 => self.decide(machine),
            24..=26 => self.flock(),
            27 => self.units[unit].at = None,
            _ => self.tend(),
        }
    }

    /// No word gets through between the two servers, in one direction or in both.
    fn part(&mut self) {
        let [one, other] = self.route;
        let which = self.rng.random_range(0..4);
        self.silent.extend((which != 0).then_some((one, other)));
        self.silent.extend((which != 1).then_some((other, one)));
    }

    /// A machine is alone, one-way or altogether.
    fn cut_off(&mut self, machine: usize) {
        let (up, down) = [(true, false), (false, true), (true, true)][self.rng.random_range(0..3)];
        for unit in 0..self.units.len() {
            self.cut.extend(up.then_some((unit, machine, Way::Up)));
            self.cut.extend(down.then_some((unit, machine, Way::Down)));
        }
        if self.rng.random() {
            self.part();
        }
    }

    /// Some devices reach only one server, the others only the other one, and the two do not reach each other.
    fn split(&mut self) {
        for unit in 0..self.units.len() {
            let from = self.route[self.rng.random_range(0..2)];
            self.cut.insert((unit, from, Way::Up));
            self.cut.insert((unit, from, Way::Down));
        }
        if self.rng.random() {
            self.part();
        } else {
            self.silent
                .extend(self.writers().first().map(|writer| (*writer, self.route[1 - self.machines[*writer].id])));
        }
        if self.rng.random() {
            self.change_electorate();
        }
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.silent.clear();
        self.units.iter_mut().for_each(|unit| unit.sent_to = None);
    }

    /// Devices go to one server all at once, mostly without the other one's hearing of it.
    fn flock(&mut self) {
        let id = self.rng.random_range(0..2);
        let all = self.rng.random_bool(0.6);
        let unheard = self.rng.random_bool(0.7);
        for unit in 0..self.units.len() {
            if all || self.rng.random() {
                self.units[unit].sent_to = Some(id);
                if unheard {
                    self.cut.insert((unit, self.route[1 - id], Way::Up));
                }
                self.cut.retain(|(cut, machine, _)| *cut != unit || *machine != self.route[id]);
            }
        }
    }

    pub(super) fn crash(&mut self, machine: usize) {
        self.machines[machine].crash();
    }

    fn stop_for_a_while(&mut self, machine: usize) {
        if self.machines[machine].runs() {
            let writing = self.machines[machine].writes(self.now) && self.rng.random();
            let frozen = self.rng.random();
            // What it has just asked is answered while it stands.
            let now = self.machines[machine].clock(self.now);
            self.ask_devices(machine, now);
            self.machines[machine].pause = Some(Pause { since: self.now, frozen, writing });
        }
    }

    /// A paused machine goes on: with a write that it had let through, its buffers and its timers, in either order.
    pub(super) fn go_on(&mut self, machine: usize) {
        let (mails, writing) = self.machines[machine].go_on(self.now);
        if writing {
            self.commit(machine);
        }
        let boot = self.machines[machine].boots;
        let after = Duration::from_millis(self.rng.random_range(0..1000));
        if self.machines[machine].core.is_some() {
            self.schedule(after, super::world::Event::Tick(machine, boot));
        }
        for mail in mails {
            if self.rng.random_bool(0.9) {
                self.arrives(machine, mail);
            }
        }
        self.answer_writes(machine);
    }

    /// Takes an image of a machine, or starts one: in place of a machine that is off, or beside one that runs.
    fn keep_or_start_image(&mut self, machine: usize) {
        let disk = self.machines[machine].disk.clone();
        let id = self.machines[machine].id;
        if self.images.is_empty() || self.rng.random() {
            return self.images.push((id, disk));
        }
        let (id, disk) = self.images[self.rng.random_range(0..self.images.len())].clone();
        if self.machines.len() >= 5 {
            return;
        }
        if self.rng.random_bool(0.6) {
            self.crash(self.route[id]);
        }
        for other in self.machines.iter_mut().filter(|other| other.id == id) {
            other.image = true;
        }
        let mut image = Machine::new(id, disk);
        image.image = true;
        self.machines.push(image);
        let image = self.machines.len() - 1;
        self.start(image);
        self.route[id] = image;
    }

    /// Devices are accepted, or lose one of the servers from their lists.
    fn change_electorate(&mut self) {
        let units = self.units.len();
        self.wanted.0 = (0..units).filter(|_| self.rng.random_bool(0.6)).collect();
        if self.wanted.0.len() < 2 {
            self.wanted.0 = (0..units).collect();
        }
    }

    /// An operator makes a server active, after the other one's word if that answers.
    pub(super) fn decide(&mut self, machine: usize) {
        let Some(core) = self.machines[machine].core.as_ref().filter(|_| self.machines[machine].pause.is_none()) else {
            return;
        };
        if core.stored().role == Role::Active {
            return;
        }
        let other = self.route[1 - self.machines[machine].id];
        let silent = self.silent.contains(&(machine, other)) || self.silent.contains(&(other, machine));
        let asked = self.machines[other].runs() && !silent;
        let mut number = core.stored().epoch.number;
        if asked && let Some(core) = &mut self.machines[other].core {
            number = number.max(core.stored().epoch.number);
            if core.stored().role == Role::Active {
                core.be(Role::ReadOnly);
            }
            self.do_outputs(other);
        }
        self.count_as_latest(machine);
        let epoch = self.promote(machine, number + 1, Promotion::Manual);
        self.decided.push((epoch, asked));
        self.do_outputs(machine);
    }

    /// Of all images of a server somebody has chosen this one.
    fn count_as_latest(&mut self, machine: usize) {
        let id = self.machines[machine].id;
        if self.machines[machine].standing(self.now) != Some(crate::quorum::Standing::Outdated) {
            return;
        }
        let seen = self.units.iter().filter_map(|unit| unit.starts[id]).map(|start| start.number);
        let started = self.machines.iter().filter(|machine| machine.id == id).map(|machine| machine.disk.starts);
        let number = seen.chain(started).max().unwrap_or_default() + 1;
        let incarnation = self.rng.random();
        self.machines[machine].disk.starts = number;
        if let Some(core) = &mut self.machines[machine].core {
            core.go_on_as(Start { number, incarnation });
        }
    }

    /// Servers that step down to one that writes become its standby.
    pub(super) fn tend(&mut self) {
        for machine in 0..self.machines.len() {
            let other = self.route[1 - self.machines[machine].id];
            let follows = self.machines[other].writes(self.now) && self.machines[machine].runs();
            let behind = self.machines[machine].epoch() <= self.machines[other].epoch();
            let routed = self.route[self.machines[machine].id] == machine;
            if !follows || !behind || !routed || self.silent.contains(&(other, machine)) {
                continue;
            }
            self.count_as_latest(machine);
            if let Some(core) = &mut self.machines[machine].core
                && core.stored().role == Role::ReadOnly
            {
                core.be(Role::Standby);
                self.do_outputs(machine);
            }
        }
    }
}
