//! The devices, as far as they matter here: one session each, and an epoch that never goes back.

use super::flaw::Flaw;
use super::machine::Mail;
use super::world::{Event, Way, World};
use super::*;
use rand::Rng as _;

impl World {
    /// Every second or two a device looks after itself.
    pub(super) fn look(&mut self, unit: usize) {
        let again = Duration::from_millis(self.rng.random_range(1000..2500));
        self.schedule(again, Event::Look(unit));
        let Some((machine, session)) = self.units[unit].at else { return self.dial(unit) };
        let there =
            self.machines[machine].core.is_some() && self.machines[machine].sessions.get(&unit) == Some(&session);
        if !there && !self.is_cut(unit, machine) || self.now > self.units[unit].heard + SILENCE {
            return self.hang_up(unit);
        }
        let id = self.machines[machine].id;
        if self.machines[machine].evicts(unit, self.now) && !self.cut.contains(&(unit, machine, Way::Down)) {
            return self.hang_up(unit);
        }
        let better = self.units[unit].sent_to.map_or_else(|| self.prefers_other(unit, machine), |to| to != id);
        if better {
            self.units[unit].next = 1 - id;
            self.hang_up(unit);
            self.dial(unit);
        }
    }

    /// The other server is active, and this one is not or at an older epoch.
    fn prefers_other(&mut self, unit: usize, machine: usize) -> bool {
        let other = self.route[1 - self.machines[machine].id];
        let facts = |machine: usize| {
            let core = self.machines[machine].core.as_ref();
            core.map(|core| (core.stored().role == Role::Active, &core.stored().epoch))
        };
        let open = !self.is_cut(unit, other) && self.machines[other].runs();
        let better = match (facts(machine), facts(other)) {
            (Some(here), Some(there)) => there.0 && (!here.0 || there.1 > here.1),
            (_, _) => false,
        };
        open && better && self.rng.random_bool(0.1)
    }

    fn dial(&mut self, unit: usize) {
        let id = self.units[unit].next;
        self.units[unit].next = 1 - id;
        let machine = self.route[id];
        if !self.machines[machine].runs() || self.is_cut(unit, machine) {
            return;
        }
        self.sessions += 1;
        let session = self.sessions;
        self.machines[machine].sessions.insert(unit, session);
        self.machines[machine].heard.insert(unit, self.now);
        self.units[unit].at = Some((machine, session));
        let Some(core) = &mut self.machines[machine].core else { return };
        if self.flaw != Some(Flaw::AnyEpoch) {
            core.meet_epoch(&self.units[unit].epoch);
        }
        let start = core.start();
        let epoch = self.machines[machine].shared_epoch();
        self.do_outputs(machine);
        self.heard(unit, &epoch, machine, start);
    }

    fn heard(&mut self, unit: usize, epoch: &Rc<Epoch>, machine: usize, start: Start) {
        self.units[unit].heard = self.now;
        let forgets = self.flaw == Some(Flaw::EpochsGoBack);
        self.units[unit].learn(epoch, self.machines[machine].id, start, forgets);
    }

    /// Ends the session at the device's end; the server may hear of it.
    pub(super) fn hang_up(&mut self, unit: usize) {
        if let Some((machine, session)) = self.units[unit].at.take()
            && !self.cut.contains(&(unit, machine, Way::Up))
        {
            self.mail(machine, Mail::Gone { unit, session });
        }
    }

    /// A server's nonce reaches a device.
    pub(super) fn asked(&mut self, unit: usize, from: (usize, u64), nonce: u64, epoch: &Rc<Epoch>, start: Start) {
        let (machine, session) = from;
        if self.units[unit].at != Some(from) {
            return;
        }
        self.heard(unit, epoch, machine, start);
        if !self.cut.contains(&(unit, machine, Way::Up)) {
            let seen = self.units[unit].starts[self.machines[machine].id];
            let epoch = Rc::clone(&self.units[unit].epoch);
            self.mail(machine, Mail::Answer { unit, session, nonce, epoch, seen });
        }
    }
}
