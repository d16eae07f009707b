//! Fleet quorum: a standby server takes over by itself when more than half of the devices are on it, and an active server
//! steps down when it holds fewer than half.
//!
//! The rules of one of the two servers as a state machine without socket, clock or randomness. The shell says what it sends
//! and what comes back, calls [`Quorum::handle_timeout`] about once a second, and does what [`Quorum::poll_output`] says, in
//! that order, before anything else leaves the server. Times are a monotonic clock's.
//!
//! # What holds
//!
//! - A server *holds* a device, or the other server, for 30 s from the **sending** of a nonce that came back. Bytes that lay
//!   in a buffer while the machine was paused prove nothing.
//! - The active server writes while it holds at least half of the electorate at its own epoch, or the other server. With a
//!   change of the electorate under way it needs half of both versions.
//! - The standby promotes itself when the active server was not held for 90 s and the same more than half of the electorate
//!   was held all the time, each device in one session. It writes once more than half have persisted the new epoch in
//!   sessions that are older than a hold.
//! - A device has one session. So whoever counts as persisted for the one has not answered the other for longer than a hold:
//!   both never write at once. The standby answers the active server only while it holds it itself, so a hold on the standby
//!   is over long before that one moves.
//! - Where a machine's monotonic clock stood still, its holds last as much longer: after that it may write for at most 30 s
//!   of its own time beside the other, and [`Quorum::is_safe`] is false for each of those writes, because their nonces come
//!   back at a later epoch, if at all.
//!
//! # What does not
//!
//! - An operator who promotes a server without the other's word decides alone: both may write until the other one has met the
//!   new epoch.
//! - Two images of one server that run at once: both may write until one witness has met both; the earlier start then gives
//!   way. The same if an image of the active server from before a change of the electorate is started.
//! - Devices that share one key, or lose what they persisted.

mod electorate;
mod holds;
mod letter;
mod promotion;
#[cfg(test)]
mod tests;

pub use electorate::{Electorate, ProposalRefused, Version};
pub use letter::Letter;
pub use promotion::Promotion;

use crate::wire::{DeviceId, Epoch, Role};
use holds::{Answered, Hold};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How long things last; the defaults are the ones that are safe together: the window has to be longer than two holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// A nonce that came back proves so much, from its sending: 30 s.
    pub hold: Duration,
    /// So long a standby waits before it promotes itself: 90 s.
    pub window: Duration,
    /// With fewer devices there is no automatic promotion: 3.
    pub electors_min: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { hold: Duration::from_secs(30), window: Duration::from_secs(90), electors_min: 3 }
    }
}

/// One start of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start {
    /// Counts the starts of one data folder, from 1.
    pub number: u64,
    /// Random.
    pub incarnation: u64,
}

impl Start {
    /// Whether whoever has seen `seen` of this server has seen a later start, or another one with this number.
    #[must_use]
    pub fn is_overtaken_by(&self, seen: &Self) -> bool {
        seen.number > self.number || (seen.number == self.number && seen.incarnation != self.incarnation)
    }
}

/// What is on disk, and counts only once it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The role.
    pub role: Role,
    /// The highest epoch known here.
    pub epoch: Epoch,
    /// This server promoted itself, and not enough devices have persisted its epoch yet.
    pub unproven: bool,
    /// The newest version of the electorate that is known here.
    pub newest: Electorate,
    /// The newest version that the other server has on disk; `None` on a standby, and before that.
    pub acknowledged: Option<Electorate>,
    /// The latest start of the other server that was ever heard of here.
    pub peer_start: Option<Start>,
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write this down, durably, before anything else is sent or answered.
    Persist(Box<Stored>),
    /// Seal an epoch of this number, make this server the active one, and say [`Quorum::promoted`].
    Promote {
        /// The epoch's number.
        number: u64,
    },
}

/// Whether this server writes, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is active.
    Writes,
    /// It was active before it was started, and nobody has said yet that no other server took over.
    Starting,
    /// It promoted itself, and fewer than half of the devices know so far.
    Unproven,
    /// It holds neither half of the devices nor the other server.
    Lone,
    /// A later start of it was seen.
    Outdated,
    /// Standby.
    Standby,
    /// Read-only for another reason.
    ReadOnly,
}

/// A moment between the nonces that a server sent at one epoch: see [`Quorum::is_safe`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    epoch: Epoch,
    sent: u64,
}

/// One server's side of the fleet quorum.
#[derive(Debug)]
pub struct Quorum {
    config: Config,
    server_id: String,
    start: Start,
    stored: Stored,
    /// Since this start somebody who would know has said that the role still stands.
    confirmed: bool,
    /// A later start of this server was seen.
    outdated: bool,
    /// How many nonces were sent.
    sent: u64,
    devices: BTreeMap<DeviceId, Hold>,
    peer: Hold,
    /// The other server's last nonce.
    peer_nonce: Option<u64>,
    /// Who has persisted the epoch of a promotion that is not proven.
    votes: BTreeSet<DeviceId>,
    outputs: VecDeque<Output>,
}

impl Quorum {
    /// The server `server_id` starts, with what it had on disk.
    #[must_use]
    pub fn new(config: Config, server_id: &str, stored: Stored, start: Start) -> Self {
        Self {
            config,
            server_id: server_id.to_owned(),
            start,
            stored,
            confirmed: false,
            outdated: false,
            sent: 0,
            devices: BTreeMap::new(),
            peer: Hold::default(),
            peer_nonce: None,
            votes: BTreeSet::new(),
            outputs: VecDeque::new(),
        }
    }

    /// What is on disk, or will be once the outputs are done.
    #[must_use]
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Which start of the server this is.
    #[must_use]
    pub fn start(&self) -> Start {
        self.start
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// To be called about once a second.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.confirm(now);
        if self.is_ready(now) {
            self.outputs.push_back(Output::Promote { number: self.stored.epoch.number + 1 });
        }
    }

    /// Whether this server writes at this moment. Ask at every write.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Standing {
        match self.stored.role {
            _ if self.outdated => Standing::Outdated,
            Role::Standby => Standing::Standby,
            Role::ReadOnly => Standing::ReadOnly,
            Role::Active if self.stored.unproven => Standing::Unproven,
            Role::Active if !self.confirmed => Standing::Starting,
            Role::Active if !self.holds_enough(now) => Standing::Lone,
            Role::Active => Standing::Writes,
        }
    }

    /// Whether a standby may take over by itself, or this server did and is not known to enough devices: then [`standing`](Self::standing) decides
    /// whether it writes.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.stored.unproven || self.binding().next().is_some()
    }

    /// Everybody who counts, in either version that binds.
    pub fn electors(&self) -> impl Iterator<Item = DeviceId> {
        let versions = [Some(&self.stored.newest), self.stored.acknowledged.as_ref()];
        versions
            .into_iter()
            .flatten()
            .flat_map(|version| version.members.iter().copied())
            .collect::<BTreeSet<_>>()
            .into_iter()
    }

    /// How many of the newest electorate are held now, at whatever epoch.
    #[must_use]
    pub fn held(&self, now: Duration) -> usize {
        let held = |device: &&DeviceId| {
            let answered = self.devices.get(*device).and_then(|hold| hold.answered);
            answered.is_some_and(|answer| answer.is_fresh(now, self.config.hold))
        };
        self.stored.newest.members.iter().filter(held).count()
    }

    /// Whether the other server is held now.
    #[must_use]
    pub fn hears_peer(&self, now: Duration) -> bool {
        self.holds_peer(now)
    }

    /// The nonces sent so far. Taken after a write was committed it says which nonces prove that write.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { epoch: self.stored.epoch.clone(), sent: self.sent }
    }

    /// Whether a write that was committed before `mark` is safe: after it, half of the electorate or the other server was at
    /// this server's epoch, so no other one had taken over. Without automatic promotion nobody takes over by itself, and
    /// every write is.
    #[must_use]
    pub fn is_safe(&self, mark: &Mark) -> bool {
        let proves = |hold: &Hold| hold.answered.is_some_and(|answer| answer.at_own_epoch && answer.order > mark.sent);
        let enough = |version: &Electorate| version.is_half(|device| self.devices.get(&device).is_some_and(proves));
        self.stored.role == Role::Active
            && self.stored.epoch == mark.epoch
            && !self.outdated
            && (proves(&self.peer) || self.binding().all(enough))
    }

    /// A nonce goes to a device, in a session that has this number here and no other.
    pub fn asked_device(&mut self, device: DeviceId, session: u64, nonce: u64, now: Duration) {
        self.sent += 1;
        self.devices.entry(device).or_default().asked(session, nonce, self.sent, now, self.config.hold);
    }

    /// The nonce came back, with the highest epoch that the device has persisted and the latest start of this server that
    /// it knows of. The epoch's seal is checked by the shell.
    pub fn device_answered(
        &mut self,
        device: DeviceId,
        session: u64,
        nonce: u64,
        known: (Option<&Epoch>, Option<Start>),
        now: Duration,
    ) {
        let (epoch, seen) = known;
        if let Some(epoch) = epoch {
            self.meet_epoch(epoch);
        }
        self.meet_start(seen);
        let at_own_epoch = epoch == Some(&self.stored.epoch);
        let Some(hold) = self.devices.get_mut(&device) else { return };
        hold.came_back(session, nonce, at_own_epoch, now, self.config.hold);
        self.count_vote(device, now);
        self.confirm(now);
    }

    /// The session ended.
    pub fn device_gone(&mut self, device: DeviceId, session: u64) {
        if self.devices.get(&device).is_some_and(|hold| hold.session == session) {
            self.devices.remove(&device);
        }
    }

    /// Somebody knows this epoch, which is genuine.
    pub fn meet_epoch(&mut self, epoch: &Epoch) {
        if *epoch <= self.stored.epoch {
            return;
        }
        if self.stored.role == Role::Active {
            self.stored.role = Role::ReadOnly;
        }
        self.adopt_epoch(epoch.clone());
        self.persist();
    }

    /// Somebody has seen this start of this server.
    fn meet_start(&mut self, seen: Option<Start>) {
        if seen.is_some_and(|seen| self.start.is_overtaken_by(&seen)) && !self.outdated {
            self.outdated = true;
            if self.stored.role == Role::Active {
                self.stored.role = Role::ReadOnly;
                self.persist();
            }
        }
    }

    /// Answers at the epoch before say nothing about this one.
    fn adopt_epoch(&mut self, epoch: Epoch) {
        self.stored.epoch = epoch;
        (self.stored.unproven, self.stored.acknowledged) = (false, None);
        self.votes.clear();
        for hold in self.devices.values_mut().chain([&mut self.peer]) {
            if let Some(answer) = &mut hold.answered {
                answer.at_own_epoch = false;
            }
        }
    }

    /// After a start: does the role still stand?
    fn confirm(&mut self, now: Duration) {
        if self.stored.role == Role::Active && !self.confirmed {
            let versions = [Some(&self.stored.newest), self.stored.acknowledged.as_ref()];
            let half = versions.into_iter().flatten().all(|version| self.holds_half(version, now));
            self.confirmed = half || self.holds_peer(now);
        }
    }

    /// The versions of the electorate by which the other server may count.
    fn binding(&self) -> impl Iterator<Item = &Electorate> {
        let versions = [Some(&self.stored.newest), self.stored.acknowledged.as_ref()];
        versions.into_iter().flatten().filter(|version| version.automatic)
    }

    fn holds_enough(&self, now: Duration) -> bool {
        self.holds_peer(now) || self.binding().all(|version| self.holds_half(version, now))
    }

    fn holds_half(&self, version: &Electorate, now: Duration) -> bool {
        let held = |answer: &Answered| answer.at_own_epoch && answer.is_fresh(now, self.config.hold);
        version.is_half(|device| self.devices.get(&device).and_then(|hold| hold.answered.as_ref()).is_some_and(held))
    }

    /// The other server answers, and knows of the same epoch.
    fn holds_peer(&self, now: Duration) -> bool {
        self.peer.answered.is_some_and(|answer| answer.at_own_epoch && answer.is_fresh(now, self.config.hold))
    }

    fn persist(&mut self) {
        self.outputs.push_back(Output::Persist(Box::new(self.stored.clone())));
    }
}
