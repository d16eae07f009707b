//! One machine with one image of a server, and what its shell does.

use super::*;
use crate::quorum::{Letter, Mark, Standing};
use std::collections::{BTreeMap, VecDeque};

/// What survives a crash.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) stored: Stored,
    pub(super) starts: u64,
}

/// What reaches a machine.
#[derive(Debug)]
pub(super) enum Mail {
    Answer { unit: usize, session: u64, nonce: u64, epoch: Rc<Epoch>, seen: Option<Start> },
    Gone { unit: usize, session: u64 },
    Letter(Box<Letter>),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    pub(super) since: Duration,
    /// The machine's clock stands still as well.
    pub(super) frozen: bool,
    /// A write was let through, and is committed when the machine goes on.
    pub(super) writing: bool,
}

/// A committed write that waits for its proof.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) at: Duration,
    pub(super) epoch: Rc<Epoch>,
    pub(super) mark: Mark,
}

#[derive(Debug)]
pub(super) struct Machine {
    /// Which server it is an image of.
    pub(super) id: usize,
    /// There was another image of this server after this one was made.
    pub(super) image: bool,
    pub(super) disk: Disk,
    /// `None` while it is off.
    pub(super) core: Option<Quorum>,
    pub(super) boots: u64,
    pub(super) pause: Option<Pause>,
    pub(super) inbox: Vec<Mail>,
    /// How long its clock stood still.
    lag: Duration,
    /// By its clock, when that went on.
    pub(super) thawed: Option<Duration>,
    pub(super) sessions: BTreeMap<usize, u64>,
    /// When the device was heard.
    pub(super) heard: BTreeMap<usize, Duration>,
    pub(super) pending: Vec<Write>,
    /// The first mark of its epoch.
    pub(super) first: Option<(Rc<Epoch>, Mark)>,
    /// Its epoch when that was last handed out.
    shared: Rc<Epoch>,
    /// When it wrote lately.
    pub(super) wrote: VecDeque<Duration>,
}

impl Machine {
    pub(super) fn new(id: usize, disk: Disk) -> Self {
        Self {
            id,
            image: false,
            shared: Rc::new(disk.stored.epoch.clone()),
            disk,
            core: None,
            boots: 0,
            pause: None,
            inbox: Vec::new(),
            lag: Duration::ZERO,
            thawed: None,
            sessions: BTreeMap::new(),
            heard: BTreeMap::new(),
            pending: Vec::new(),
            first: None,
            wrote: VecDeque::new(),
        }
    }

    /// What its clock shows.
    pub(super) fn clock(&self, now: Duration) -> Duration {
        let now = self.pause.filter(|pause| pause.frozen).map_or(now, |pause| pause.since);
        now - self.lag
    }

    pub(super) fn runs(&self) -> bool {
        self.core.is_some() && self.pause.is_none()
    }

    pub(super) fn standing(&self, now: Duration) -> Option<Standing> {
        self.core.as_ref().filter(|_| self.pause.is_none()).map(|core| core.standing(self.clock(now)))
    }

    pub(super) fn writes(&self, now: Duration) -> bool {
        self.standing(now) == Some(Standing::Writes)
    }

    /// It has heard nothing of the device for too long, and ends the session.
    pub(super) fn evicts(&self, unit: usize, now: Duration) -> bool {
        self.runs() && self.heard.get(&unit).is_some_and(|heard| now > *heard + EVICTION)
    }

    pub(super) fn epoch(&self) -> &Epoch {
        &self.core.as_ref().map_or(&self.disk.stored, Quorum::stored).epoch
    }

    /// The same, for many to keep.
    pub(super) fn shared_epoch(&mut self) -> Rc<Epoch> {
        if *self.shared != *self.epoch() {
            self.shared = Rc::new(self.epoch().clone());
        }
        Rc::clone(&self.shared)
    }

    /// Its clock stood still less than a hold ago, as far as it can tell.
    pub(super) fn is_dazed(&self, now: Duration) -> bool {
        self.thawed.is_some_and(|at| self.clock(now) < at + Config::default().hold)
    }

    pub(super) fn start(&mut self, config: Config, incarnation: u64) {
        self.boots += 1;
        self.disk.starts += 1;
        let start = Start { number: self.disk.starts, incarnation };
        self.core = Some(Quorum::new(config, server_id(self.id), self.disk.stored.clone(), start));
    }

    pub(super) fn crash(&mut self) {
        self.boots += 1;
        self.core = None;
        self.pause = None;
        self.inbox.clear();
        self.sessions.clear();
        self.pending.clear();
    }

    /// Goes on after a pause; what lay in its buffers.
    pub(super) fn go_on(&mut self, now: Duration) -> (Vec<Mail>, bool) {
        let Some(pause) = self.pause.take() else { return (Vec::new(), false) };
        if pause.frozen {
            self.lag += now - pause.since;
            self.thawed = Some(self.clock(now));
        }
        (std::mem::take(&mut self.inbox), pause.writing)
    }
}
