//! Peace: everything works again, one image of each server is left, and operators do what the pages tell them.

use super::world::World;
use super::*;
use crate::quorum::Standing;

/// By then a server that is rightfully active writes, without anybody's help.
const RESUMED_WITHIN: Duration = Duration::from_secs(120);

impl World {
    /// Ends all trouble.
    pub(super) fn make_peace(&mut self) {
        self.heal();
        for machine in 0..self.machines.len() {
            self.go_on(machine);
        }
        for id in 0..2 {
            let images = (0..self.machines.len()).filter(|machine| self.machines[*machine].id == id);
            let kept = images.max_by_key(|machine| {
                let machine = &self.machines[*machine];
                (machine.standing(self.now) != Some(Standing::Outdated), machine.core.is_some(), machine.disk.starts)
            });
            self.route[id] = kept.unwrap_or(id);
            for machine in 0..self.machines.len() {
                if self.machines[machine].id == id && Some(machine) != kept {
                    self.crash(machine);
                }
            }
            self.start(self.route[id]);
        }
        (self.wanted.0, self.wanted.1) = ((0..self.units.len()).collect(), true);
    }

    /// Has a role that stands.
    fn rightful(&self) -> Option<usize> {
        let newest = self.route.iter().map(|machine| self.machines[*machine].epoch()).max();
        let newest = newest.max(self.units.iter().map(|unit| &*unit.epoch).max());
        self.route.into_iter().find(|machine| {
            let machine = &self.machines[*machine];
            let active = machine.core.as_ref().is_some_and(|core| core.stored().role == Role::Active);
            active && Some(machine.epoch()) == newest && machine.standing(self.now) != Some(Standing::Outdated)
        })
    }

    pub(super) fn writers(&self) -> Vec<usize> {
        (0..self.machines.len()).filter(|machine| self.machines[*machine].writes(self.now)).collect()
    }

    fn standings(&self) -> [Option<Standing>; 2] {
        self.route.map(|machine| self.machines[machine].standing(self.now))
    }

    /// In the end there is one active server, and a standby that would take over.
    pub(super) fn settle(&mut self) {
        self.make_peace();
        // An image may hear late that it is an old one; then an operator has to decide once more.
        for _ in 0..3 {
            self.resume();
            for _ in 0..40 {
                self.run(secs(5));
                self.tend();
            }
            if !self.writers().is_empty() {
                break;
            }
        }
        assert_eq!(self.writers().len(), 1, "not one active server: {:?}", self.standings());
        let standby = self.standings().contains(&Some(Standing::Standby));
        assert!(standby, "no standby: {:?}", self.standings());
        let writer = self.writers()[0];
        let stored = self.machines[writer].core.as_ref().map(Quorum::stored);
        let ready = stored
            .is_some_and(|stored| stored.newest.automatic && stored.acknowledged.as_ref() == Some(&stored.newest));
        assert!(ready, "automatic promotion was not switched on again: {stored:?}");
    }

    /// Whoever is rightfully active goes on by itself; if nobody is, an operator makes one so.
    fn resume(&mut self) {
        let until = self.now + RESUMED_WITHIN;
        while self.now < until && self.rightful().is_none_or(|rightful| self.writers() != [rightful]) {
            self.run(secs(5));
        }
        if let Some(rightful) = self.rightful() {
            assert_eq!(self.writers(), [rightful], "the active server does not go on: {:?}", self.standings());
        } else {
            self.decide(self.route[0]);
        }
    }
}
