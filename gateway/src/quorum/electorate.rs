//! The devices that count, in numbered versions: one change at a time.

use super::{Quorum, Standing};
use crate::wire::{DeviceId, Role};
use std::collections::BTreeSet;
use std::time::Duration;

/// Names a version of the electorate; of two the higher is newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Number of the epoch in which it was made.
    pub epoch: u64,
    /// Counts from 1 in each epoch.
    pub number: u64,
}

/// The accepted devices whose committed list names both servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Electorate {
    /// Which version.
    pub version: Version,
    /// Whether a standby may promote itself by this version.
    pub automatic: bool,
    /// Who counts.
    pub members: BTreeSet<DeviceId>,
}

impl Electorate {
    /// Whether at least half are; of nobody, none are.
    pub(super) fn is_half(&self, is: impl Fn(DeviceId) -> bool) -> bool {
        !self.members.is_empty() && self.count(is) * 2 >= self.members.len()
    }

    /// Whether more than half are.
    pub(super) fn is_majority(&self, is: impl Fn(DeviceId) -> bool) -> bool {
        self.count(is) * 2 > self.members.len()
    }

    fn count(&self, is: impl Fn(DeviceId) -> bool) -> usize {
        self.members.iter().filter(|device| is(**device)).count()
    }
}

/// Why the electorate stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalRefused {
    /// Only the active server changes it.
    #[error("this server does not write now")]
    NotActive,
    /// The other server does not have the last change yet, has not rejoined since the last promotion, or may be holding
    /// most of those who are to count: it does not answer, and fewer than half of them are held here.
    #[error("the other server has not stored the last change yet, or does not answer")]
    Outstanding,
    /// Automatic promotion needs more devices.
    #[error("too few devices list both servers")]
    TooFew,
}

impl Quorum {
    /// Makes the next version of the electorate; the one before binds as well until the other server has stored it. Does
    /// nothing if nothing would change.
    ///
    /// # Errors
    ///
    /// [`ProposalRefused`].
    pub fn propose(
        &mut self,
        members: BTreeSet<DeviceId>,
        automatic: bool,
        now: Duration,
    ) -> Result<(), ProposalRefused> {
        if self.standing(now) != Standing::Writes {
            return Err(ProposalRefused::NotActive);
        }
        if self.stored.newest.members == members && self.stored.newest.automatic == automatic {
            return Ok(());
        }
        if self.stored.acknowledged.as_ref() != Some(&self.stored.newest) {
            return Err(ProposalRefused::Outstanding);
        }
        if automatic && members.len() < self.config.electors_min {
            return Err(ProposalRefused::TooFew);
        }
        let number = self.stored.newest.version.number + 1;
        let version = Version { epoch: self.stored.epoch.number, number };
        let proposed = Electorate { version, automatic, members };
        // The standby may have held them all the time, and would take over as soon as it hears that they count.
        if automatic && !self.holds_peer(now) && !self.holds_half(&proposed, now) {
            return Err(ProposalRefused::Outstanding);
        }
        self.stored.newest = proposed;
        self.persist();
        Ok(())
    }

    /// The active server's newest version was heard.
    pub(super) fn store_electorate(&mut self, electorate: &Electorate) {
        let of_epoch = electorate.version.epoch == self.stored.epoch.number;
        if self.stored.role == Role::Standby && of_epoch && electorate.version > self.stored.newest.version {
            self.stored.newest = electorate.clone();
            self.persist();
        }
    }

    /// The other server has this version on disk.
    pub(super) fn note_acknowledged(&mut self, version: Version) {
        let newest = &self.stored.newest;
        if newest.version == version && self.stored.acknowledged.as_ref() != Some(newest) {
            self.stored.acknowledged = Some(newest.clone());
            self.persist();
        }
    }
}
