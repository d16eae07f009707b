//! When a standby promotes itself, and what a change of role means.

use super::{Electorate, Quorum, Start, Version, holds::Hold};
use crate::wire::{DeviceId, Epoch, Role};
use std::time::Duration;

/// How a server became active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    /// By [`Output::Promote`](super::Output::Promote): it writes once more than half of the electorate have persisted its epoch.
    Automatic,
    /// By an operator: it writes at once.
    Manual,
}

impl Quorum {
    /// This server is active from now on, with an epoch that is on disk. Automatic promotion is off until the other server
    /// has rejoined and [`propose`](Self::propose) switches it on again.
    pub fn promoted(&mut self, epoch: Epoch, how: Promotion) {
        self.adopt_epoch(epoch);
        let version = Version { epoch: self.stored.epoch.number, number: 1 };
        let members = std::mem::take(&mut self.stored.newest.members);
        self.stored.newest = Electorate { version, automatic: false, members };
        self.stored.role = Role::Active;
        self.stored.unproven = how == Promotion::Automatic;
        self.confirmed = true;
        self.persist();
    }

    /// Somebody decided the role in the epoch that is known: an operator, or the other server that was asked.
    pub fn be(&mut self, role: Role) {
        if role == Role::Standby {
            // It listens for whoever is active now.
            self.peer.answered = None;
        }
        self.stored.role = role;
        self.persist();
    }

    /// The other server is another one from now on, of which nothing was heard yet.
    pub fn forget_peer(&mut self) {
        (self.peer, self.peer_nonce) = (Hold::default(), None);
        (self.stored.peer_start, self.stored.acknowledged) = (None, None);
        self.persist();
    }

    /// Somebody has decided that this image of the server goes on: `start` comes after all that were seen of it.
    pub fn go_on_as(&mut self, start: Start) {
        self.start = start;
        self.outdated = false;
    }

    /// Whether this standby has to promote itself.
    pub(super) fn is_ready(&self, now: Duration) -> bool {
        let electorate = &self.stored.newest;
        let may = self.stored.role == Role::Standby
            && !self.outdated
            && electorate.automatic
            && electorate.version.epoch == self.stored.epoch.number
            && electorate.members.len() >= self.config.electors_min;
        let long_ago = |since: Duration| since + self.config.window <= now;
        // Never before the active server was heard since the start.
        let lost = self.peer.answered.is_some_and(|answer| long_ago(answer.at + self.config.hold));
        may && lost && electorate.is_majority(|device| self.is_held_since(device, now, self.config.window))
    }

    /// Whether the device is held, in one session without a break, for at least `time`.
    fn is_held_since(&self, device: DeviceId, now: Duration, time: Duration) -> bool {
        let answer = self.devices.get(&device).and_then(|hold| hold.answered);
        answer.is_some_and(|answer| answer.is_fresh(now, self.config.hold) && answer.since + time <= now)
    }

    /// After a promotion: the device has persisted the epoch, and no answer that it gave the other server counts any more.
    pub(super) fn count_vote(&mut self, device: DeviceId, now: Duration) {
        let knows = |answer: super::Answered| answer.at_own_epoch;
        let votes = self.devices.get(&device).and_then(|hold| hold.answered).is_some_and(knows);
        if !self.stored.unproven || !votes || !self.is_held_since(device, now, self.config.hold) {
            return;
        }
        self.votes.insert(device);
        if self.stored.newest.is_majority(|device| self.votes.contains(&device)) {
            self.stored.unproven = false;
            self.confirmed = true;
            self.persist();
        }
    }
}
