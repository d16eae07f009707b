//! What may never be.

use super::machine::Machine;
use super::world::World;
use super::*;

impl World {
    /// An operator, not the fleet, made both of them active: of images that were not there, also with the other's word.
    fn was_decided(&self, lower: &Machine, since: &Epoch, higher: &Epoch) -> bool {
        self.decided.iter().any(|(epoch, asked)| since < epoch && epoch <= higher && (!asked || lower.image))
    }

    /// Two images of one of the servers ran at once, not longer ago than a hold lasts.
    fn was_twice(&self, at: Duration) -> bool {
        self.twice.is_some_and(|twice| at <= twice + secs(30))
    }

    pub(super) fn check(&mut self) {
        if self.runs_twice() {
            self.twice = Some(self.now);
        }
        for (unit, reached) in self.units.iter().zip(&mut self.reached) {
            if !Rc::ptr_eq(&unit.epoch, reached) {
                assert!(unit.epoch >= *reached, "a device's epoch went back");
                *reached = Rc::clone(&unit.epoch);
            }
        }
        let mut writers = self.machines.iter().filter(|machine| machine.writes(self.now));
        while let Some(one) = writers.next() {
            assert_eq!(one.epoch().server_id, server_id(one.id), "a server writes at another one's epoch");
            for other in writers.clone().filter(|other| other.id != one.id) {
                let (lower, higher) = if one.epoch() < other.epoch() { (one, other) } else { (other, one) };
                assert!(lower.epoch() < higher.epoch(), "two servers write in one epoch");
                let excused = self.was_twice(self.now)
                    || lower.is_dazed(self.now)
                    || self.was_decided(lower, lower.epoch(), higher.epoch());
                assert!(excused, "two servers write at {:?}: {:?} and {:?}", self.now, lower.epoch(), higher.epoch());
            }
        }
    }

    /// Of what has just become of a machine's disk.
    pub(super) fn persist(&mut self, machine: usize, stored: Stored) {
        let disk = &mut self.machines[machine].disk;
        assert!(stored.epoch >= disk.stored.epoch, "a server's epoch went back");
        assert!(stored.newest.version >= disk.stored.newest.version, "a server's electorate went back");
        disk.stored = stored;
    }

    /// Before a standby promotes itself: the other one has given way before, and had not taken the role up again as long as
    /// the devices were known to be here.
    pub(super) fn check_promotion(&self, machine: usize) {
        let this = &self.machines[machine];
        if self.was_twice(self.now - secs(60)) {
            return;
        }
        let rested = this.thawed.is_none_or(|at| this.clock(self.now) > at + secs(90));
        for other in self.machines.iter().filter(|other| other.id != this.id && other.thawed.is_none() && rested) {
            let lately = |at: &&Duration| **at + secs(60) > self.now && **at + secs(30) < self.now;
            let decided = self.was_decided(other, other.epoch(), this.epoch());
            let wrote = other.wrote.iter().find(lately).filter(|_| !decided);
            assert_eq!(wrote, None, "a standby promoted itself at {:?} beside a server that wrote", self.now);
        }
    }

    /// Answers the writes whose proof has come.
    pub(super) fn answer_writes(&mut self, machine: usize) {
        let pending = std::mem::take(&mut self.machines[machine].pending);
        let this = &self.machines[machine];
        let Some(core) = &this.core else { return };
        let hasty = self.flaw == Some(flaw::Flaw::SafeAtOnce);
        let (safe, mut pending): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|write| hasty || core.is_safe(&write.mark));
        for write in &safe {
            let overtaken = self.first_write.iter().find(|(epoch, at)| **epoch > write.epoch && **at <= write.at);
            if let Some((epoch, _)) = overtaken {
                let decided = self.was_decided(this, &write.epoch, epoch);
                assert!(
                    decided || self.was_twice(write.at),
                    "a write of {:?} was answered as safe after {epoch:?} had written",
                    write.epoch
                );
            }
        }
        self.safe += safe.len() as u64;
        // Whoever asked has not waited for ever.
        pending.retain(|write| write.at + secs(120) > self.now);
        self.machines[machine].pending = pending;
    }
}
