//! What the scenario knows beside the servers: what was answered, by whom, in which epoch.

use server::epoch::EpochToken;
use std::collections::{BTreeMap, BTreeSet};

/// An edit that was answered.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// As the audit trail names it.
    pub(super) action: &'static str,
    /// Stands in the subject or in the new value, and nowhere else.
    pub(super) mark: String,
    /// By whom.
    pub(super) server: usize,
    /// In this epoch.
    pub(super) epoch: EpochToken,
    pub(super) step: usize,
    /// A disk on which it was is gone, so it may be lost.
    pub(super) excused: bool,
}

/// A join string.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) text: String,
    /// The server that made it.
    pub(super) by: usize,
    /// In this epoch.
    pub(super) epoch: EpochToken,
    pub(super) used: bool,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) edits: Vec<Edit>,
    /// Every epoch that an operator began.
    pub(super) granted: Vec<EpochToken>,
    /// The highest epoch that each server was seen to know.
    pub(super) met: [Option<EpochToken>; 2],
    pub(super) removed: BTreeSet<u32>,
    /// What happened at each device, in order: who was there.
    pub(super) events: BTreeMap<u32, Vec<String>>,
    pub(super) strings: Vec<Issued>,
}

impl Model {
    /// Those that a server has answered in an epoch of its own, and that it must have as long as that lasts.
    pub(super) fn edits_in(&self, server: usize, epoch: &EpochToken) -> Vec<Edit> {
        let of_epoch = |edit: &&Edit| edit.server == server && edit.epoch == *epoch && !edit.excused;
        self.edits.iter().filter(of_epoch).cloned().collect()
    }

    /// The disk of a server is what it was at a step; the other one holds some of what came after it.
    pub(super) fn set_back(&mut self, server: usize, step: usize, held: impl Fn(&Edit) -> bool) {
        self.met[server] = None;
        self.excuse(step, |edit| edit.server == server && !held(edit));
        self.strings.retain(|string| string.by != server);
    }

    /// What came after a step may be lost.
    pub(super) fn excuse(&mut self, step: usize, which: impl Fn(&Edit) -> bool) {
        for edit in self.edits.iter_mut().filter(|edit| edit.step > step && which(edit)) {
            edit.excused = true;
        }
    }
}
