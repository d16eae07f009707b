//! The devices, as far as they matter here: one session each, and an epoch that never goes back.

use super::flaw::Flaw;
use super::machine::Mail;
use super::world::{Event, Way, World};
use super::*;
use rand::Rng as _;

impl World {
    /// Every second or two a device looks after itself.
    pub(super) fn look(&mut self, door: usize) {
        let again = Duration::from_millis(self.rng.random_range(1000..2500));
        self.schedule(again, Event::Look(door));
        let Some((machine, session)) = self.doors[door].at else { return self.dial(door) };
        let there =
            self.machines[machine].core.is_some() && self.machines[machine].sessions.get(&door) == Some(&session);
        if !there && !self.is_cut(door, machine) || self.now > self.doors[door].heard + SILENCE {
            return self.hang_up(door);
        }
        let id = self.machines[machine].id;
        if self.machines[machine].evicts(door, self.now) && !self.cut.contains(&(door, machine, Way::Down)) {
            return self.hang_up(door);
        }
        let better = self.doors[door].sent_to.map_or_else(|| self.prefers_other(door, machine), |to| to != id);
        if better {
            self.doors[door].next = 1 - id;
            self.hang_up(door);
            self.dial(door);
        }
    }

    /// The other server is active, and this one is not or at an older epoch.
    fn prefers_other(&mut self, door: usize, machine: usize) -> bool {
        let other = self.route[1 - self.machines[machine].id];
        let facts = |machine: usize| {
            let core = self.machines[machine].core.as_ref();
            core.map(|core| (core.stored().role == Role::Active, &core.stored().epoch))
        };
        let open = !self.is_cut(door, other) && self.machines[other].runs();
        let better = match (facts(machine), facts(other)) {
            (Some(here), Some(there)) => there.0 && (!here.0 || there.1 > here.1),
            (_, _) => false,
        };
        open && better && self.rng.random_bool(0.1)
    }

    fn dial(&mut self, door: usize) {
        let id = self.doors[door].next;
        self.doors[door].next = 1 - id;
        let machine = self.route[id];
        if !self.machines[machine].runs() || self.is_cut(door, machine) {
            return;
        }
        self.sessions += 1;
        let session = self.sessions;
        self.machines[machine].sessions.insert(door, session);
        self.machines[machine].heard.insert(door, self.now);
        self.doors[door].at = Some((machine, session));
        let Some(core) = &mut self.machines[machine].core else { return };
        if self.flaw != Some(Flaw::AnyEpoch) {
            core.meet_epoch(&self.doors[door].epoch);
        }
        let start = core.start();
        let epoch = self.machines[machine].shared_epoch();
        self.do_outputs(machine);
        self.heard(door, &epoch, machine, start);
    }

    fn heard(&mut self, door: usize, epoch: &Rc<Epoch>, machine: usize, start: Start) {
        self.doors[door].heard = self.now;
        let forgets = self.flaw == Some(Flaw::EpochsGoBack);
        self.doors[door].learn(epoch, self.machines[machine].id, start, forgets);
    }

    /// Ends the session at the device's end; the server may hear of it.
    pub(super) fn hang_up(&mut self, door: usize) {
        if let Some((machine, session)) = self.doors[door].at.take()
            && !self.cut.contains(&(door, machine, Way::Up))
        {
            self.mail(machine, Mail::Gone { door, session });
        }
    }

    /// A server's nonce reaches a device.
    pub(super) fn asked(&mut self, door: usize, from: (usize, u64), nonce: u64, epoch: &Rc<Epoch>, start: Start) {
        let (machine, session) = from;
        if self.doors[door].at != Some(from) {
            return;
        }
        self.heard(door, epoch, machine, start);
        if !self.cut.contains(&(door, machine, Way::Up)) {
            let seen = self.doors[door].starts[self.machines[machine].id];
            let epoch = Rc::clone(&self.doors[door].epoch);
            self.mail(machine, Mail::Answer { door, session, nonce, epoch, seen });
        }
    }
}
