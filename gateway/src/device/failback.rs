//! Going back: which server is better than the one in use, and when the device goes there by itself.

use super::event::Happening;
use super::moving::Why;
use super::probing::Purpose;
use super::{Config, Device, Phase};
use crate::wire::{EntryProbe, Epoch, Failback, FailureKind, Role, ServerEntry};
use std::cmp::Reverse;
use std::time::Duration;

/// How a server compares; lower is better. An active server beats any other, of two active ones the later epoch, and
/// else the priority decides.
type Rank = (Reverse<Option<Epoch>>, u8);

/// What a device remembers of its own returns, over its sessions.
#[derive(Debug, Default)]
pub(super) struct Damping {
    /// Returns in a row that did not last.
    doublings: u32,
    /// When it last went back.
    returned_at: Option<Duration>,
    /// When it last left a server that was not active for one that was.
    recovered_at: Option<Duration>,
    /// Looks and journeys in a row that did not bring it to the active server.
    misses: u32,
    /// Its server said that another one is active now: that one is looked for until it is found.
    following: bool,
}

/// A session's view of the servers that may be better.
#[derive(Debug)]
pub(super) struct Watch {
    look_at: Duration,
    /// The server in use is not the active one, which the device looks for.
    recovering: bool,
    /// At the last look a server was too busy to answer: it may be that one.
    busy: bool,
    candidates: Vec<Candidate>,
    go_at: Option<Duration>,
}

#[derive(Debug)]
struct Candidate {
    entry: ServerEntry,
    /// How it ranked at its last answer.
    rank: Rank,
    since: Duration,
    successes: u32,
}

impl Damping {
    /// How long a better server must have been there.
    fn hold(&self, config: &Config) -> Duration {
        let doubled = config.hold_down.checked_mul(2_u32.saturating_pow(self.doublings));
        doubled.unwrap_or(config.hold_down_max).min(config.hold_down_max.max(config.hold_down))
    }

    pub(super) fn returned(&mut self, now: Duration) {
        self.returned_at = Some(now);
    }

    /// The server that the device went back to did not register it.
    pub(super) fn return_failed(&mut self) {
        self.doublings = self.doublings.saturating_add(1);
    }

    /// The active server did not register it: that was no move, which would have to be a hold-down away from the next.
    pub(super) fn recovery_failed(&mut self) {
        self.recovered_at = None;
    }

    /// How long until the active server is looked for again: it may be busy, with all those who look for it.
    fn missed(&mut self, config: &Config) -> Duration {
        let wait = config.look_again.saturating_mul(2_u32.saturating_pow(self.misses));
        self.misses = self.misses.saturating_add(1);
        wait.min(config.probe_interval)
    }

    /// A session was lost.
    pub(super) fn lost(&mut self, now: Duration, config: &Config) {
        self.following = false;
        if let Some(returned_at) = self.returned_at.take() {
            let lasted = now.saturating_sub(returned_at) >= config.steady_after;
            self.doublings = if lasted { 0 } else { self.doublings.saturating_add(1) };
        }
    }
}

impl Watch {
    pub(super) fn new(look_at: Duration, recovering: bool) -> Self {
        Self { look_at, recovering, busy: false, candidates: Vec::new(), go_at: None }
    }

    fn forget(&mut self, entry: &ServerEntry) {
        self.candidates.retain(|candidate| !candidate.entry.is_same_server(entry));
    }
}

impl Device {
    /// A session has begun, or what it is measured by is another.
    pub(super) fn watch_anew(&mut self, now: Duration) {
        let astray = self.is_astray();
        if !astray {
            (self.damping.misses, self.damping.following) = (0, false);
        }
        let recovering = astray && !self.is_held(now);
        let look_at = if !recovering {
            now + self.chance.about(self.config.probe_interval)
        } else if self.damping.misses == 0 {
            now
        } else {
            self.next_look(now)
        };
        if let Phase::Connected(session) = &mut self.phase {
            session.watch = Watch::new(look_at, recovering);
        }
    }

    /// The server in use has become another: devices do not all look around at once.
    pub(super) fn watch_changed_server(&mut self, now: Duration) {
        self.damping.misses = 0;
        self.damping.following = true;
        self.watch_anew(now);
        if let Phase::Connected(session) = &mut self.phase
            && session.watch.recovering
        {
            let spread = session.spread();
            session.watch.look_at = now + self.chance.share(spread);
        }
    }

    /// When there is something to look at or to do.
    pub(super) fn watch_due(&self) -> Option<Duration> {
        let Phase::Connected(session) = &self.phase else { return None };
        let (look_at, go_at) = (session.watch.look_at, session.watch.go_at);
        let look_at = self.held_until.map_or(look_at, |until| until.max(look_at));
        self.watches(look_at).then(|| go_at.map_or(look_at, |go_at| go_at.min(look_at)))
    }

    /// Whether this device goes anywhere by itself at that time.
    fn watches(&self, at: Duration) -> bool {
        let Phase::Connected(session) = &self.phase else { return false };
        if self.trial.is_some() || self.is_held(at) {
            return false;
        }
        match self.config.failback {
            Failback::Auto | Failback::Window(_) => true,
            Failback::Sticky => session.watch.recovering || self.is_astray(),
            Failback::Manual => session.watch.recovering,
        }
    }

    /// Connected to a server that is not the active one.
    fn is_astray(&self) -> bool {
        let Phase::Connected(session) = &self.phase else { return false };
        self.active_epoch(session.server().role, session.epoch()).is_none()
    }

    /// The server's epoch, if it is active and no other is known to have become so after it.
    fn active_epoch(&self, role: Role, epoch: &Epoch) -> Option<Epoch> {
        let current = self.stored.epoch.as_ref().is_none_or(|known| epoch >= known);
        (role == Role::Active && current).then(|| epoch.clone())
    }

    fn own_rank(&self) -> Option<Rank> {
        let Phase::Connected(session) = &self.phase else { return None };
        let server = session.server();
        // An entry outside the list is worth less than any in it.
        let listed = self.stored.lists.committed.entries().iter().find(|entry| entry.is_same_server(&server.entry));
        let priority = listed.map_or(u8::MAX, |entry| entry.priority);
        Some((Reverse(self.active_epoch(server.role, session.epoch())), priority))
    }

    /// Looks around, or goes.
    pub(super) fn watch_timeout(&mut self, now: Duration) {
        // Something else may be due while an operator wants the device where it is.
        if self.watch_due().is_none_or(|due| now < due) {
            return;
        }
        let Phase::Connected(session) = &self.phase else { return };
        if session.watch.go_at.is_some_and(|go_at| now >= go_at) {
            return self.go_back(now);
        }
        if now >= session.watch.look_at {
            self.look_around(now);
        }
    }

    fn look_around(&mut self, now: Duration) {
        let next = now + self.chance.about(self.config.probe_interval);
        let Some((own_active, own_priority)) = self.own_rank() else { return };
        let Phase::Connected(session) = &mut self.phase else { return };
        session.watch.look_at = next;
        let here = session.server().entry.clone();
        let entries = self.stored.lists.committed.entries().iter();
        let better: Vec<ServerEntry> = entries
            .filter(|entry| !entry.is_same_server(&here))
            .filter(|entry| own_active.0.is_none() || entry.priority < own_priority)
            .cloned()
            .collect();
        if self.probing.is_open(Purpose::Failback) {
            return;
        }
        session.watch.busy = false;
        for entry in &better {
            self.probe(entry, Purpose::Failback);
        }
        if better.is_empty() {
            self.looked_around(now);
        }
    }

    /// A server that may be better has answered, or not.
    pub(super) fn candidate_probed(&mut self, result: &EntryProbe, now: Duration) {
        let rank = result.outcome.as_ref().ok().map(|answer| {
            let active = self.active_epoch(answer.role, &answer.epoch);
            (Reverse(active), result.entry.priority)
        });
        let own = self.own_rank();
        let rank = rank.filter(|rank| own.as_ref().is_some_and(|own| rank < own));
        let Phase::Connected(session) = &mut self.phase else { return };
        let watch = &mut session.watch;
        watch.busy |= matches!(result.outcome, Err((FailureKind::Busy, _)));
        let known = watch.candidates.iter_mut().find(|known| known.entry.is_same_server(&result.entry));
        match (rank, known) {
            (Some(rank), Some(known)) => {
                known.rank = rank;
                known.successes += 1;
            }
            (Some(rank), None) => {
                let candidate = Candidate { entry: result.entry.clone(), rank, since: now, successes: 1 };
                watch.candidates.push(candidate);
            }
            (None, _) => watch.forget(&result.entry),
        }
        if !self.probing.is_open(Purpose::Failback) {
            self.looked_around(now);
        }
    }

    /// Every candidate has been looked at.
    fn looked_around(&mut self, now: Duration) {
        if let Some(entry) = self.recovery(now) {
            self.damping.recovered_at = Some(now);
            return self.depart(entry, Why::Recovery, "another server is the active one", now);
        }
        let hold = self.damping.hold(&self.config);
        let Phase::Connected(session) = &mut self.phase else { return };
        let watch = &mut session.watch;
        for candidate in &watch.candidates {
            let held = candidate.since + hold;
            if held > now {
                // So that the last probe falls on the end of the hold-down.
                watch.look_at = watch.look_at.min(held);
            }
        }
        if self.best_candidate(now).is_none() {
            return self.stay();
        }
        let Phase::Connected(session) = &self.phase else { return };
        if session.watch.go_at.is_none() {
            self.set_out(now);
        }
    }

    /// From a server that is not active, the active one, at once; but no more often than once in a hold-down, which is
    /// not doubled for this.
    fn recovery(&mut self, now: Duration) -> Option<ServerEntry> {
        let again_at = self.damping.recovered_at.map_or(now, |at| at + self.config.hold_down);
        let Phase::Connected(session) = &mut self.phase else { return None };
        let watch = &mut session.watch;
        if !watch.recovering {
            return None;
        }
        let active = watch.candidates.iter().filter(|candidate| candidate.rank.0.0.is_some());
        let best = active.min_by_key(|candidate| candidate.rank.clone()).map(|best| best.entry.clone());
        if best.is_some() && again_at > now {
            watch.look_at = watch.look_at.min(again_at);
            return None;
        }
        if best.is_none() && !watch.busy && !self.damping.following {
            // It is down, as far as can be seen from here: should it come back, the hold-down goes by.
            watch.recovering = false;
            return None;
        }
        let look_at = self.next_look(now);
        if let Phase::Connected(session) = &mut self.phase {
            session.watch.look_at = look_at;
        }
        best
    }

    /// When the active server is looked for again, should the device not be there by then.
    fn next_look(&mut self, now: Duration) -> Duration {
        let wait = self.damping.missed(&self.config);
        now + self.chance.about(wait)
    }

    /// Goes nowhere by itself for now.
    pub(super) fn stay(&mut self) {
        if let Phase::Connected(session) = &mut self.phase {
            session.watch.go_at = None;
        }
    }

    /// Chooses the moment: not all devices at once, and with a window only in it.
    fn set_out(&mut self, now: Duration) {
        let Phase::Connected(session) = &self.phase else { return };
        let (wait, room) = match self.config.failback {
            Failback::Window(window) => {
                let Some(unix_ms) = session.server_time_ms(now) else { return };
                let (wait, open) = window.next_ms(unix_ms);
                (Duration::from_millis(wait), Duration::from_millis(open))
            }
            Failback::Auto | Failback::Sticky | Failback::Manual => (Duration::ZERO, Duration::MAX),
        };
        let share = self.chance.share(self.config.failback_spread.min(room));
        if let Phase::Connected(session) = &mut self.phase {
            session.watch.go_at = Some(now + wait + share);
        }
    }

    /// The best of those that have been there for the whole hold-down.
    fn best_candidate(&self, now: Duration) -> Option<ServerEntry> {
        let hold = self.damping.hold(&self.config);
        let Phase::Connected(session) = &self.phase else { return None };
        let proven = session.watch.candidates.iter().filter(|candidate| {
            candidate.successes >= self.config.probe_successes && now.saturating_sub(candidate.since) >= hold
        });
        proven.min_by_key(|candidate| candidate.rank.clone()).map(|candidate| candidate.entry.clone())
    }

    fn go_back(&mut self, now: Duration) {
        let best = self.best_candidate(now);
        self.stay();
        if let Some(entry) = best {
            self.note(Happening::GoingBack(entry.clone()));
            self.depart(entry, Why::Failback, "the device goes back to a better server", now);
        }
    }
}
