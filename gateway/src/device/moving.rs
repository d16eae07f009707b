//! Leaving one server for another while the first still answers: by order, or by the device's own choice.

use super::event::{AttemptId, Happening};
use super::probing::Purpose;
use super::rota::Start;
use super::{Device, Phase, tidy_text};
use crate::wire::{EntryFailure, EntryProbe, Failback, Message, MoveFailure, Reason, ServerEntry};
use std::time::Duration;

/// On the way from one server to another.
#[derive(Debug)]
pub(super) struct Moving {
    to: ServerEntry,
    from: ServerEntry,
    why: Why,
}

/// Why the device moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The order's number, and for how many seconds the device stays at least (0: for good).
    Ordered(u64, u32),
    /// A better server has been there for the hold-down.
    Failback,
    /// The server in use is not the active one.
    Recovery,
}

impl Device {
    /// A server sends the device to another.
    pub(super) fn ordered(&mut self, id: AttemptId, (request, to, ttl_s): (u64, ServerEntry, u32), now: Duration) {
        match self.may_move(&to) {
            Err(why) => self.answer_move(id, request, why),
            Ok(true) => {
                self.answer_move(id, request, String::new());
                self.stay_at(&to, ttl_s, now);
                self.stay();
                self.persist();
            }
            Ok(false) => self.probe(&to, Purpose::Move(request, ttl_s)),
        }
    }

    /// Whether it is there already; or why it does not go.
    fn may_move(&self, to: &ServerEntry) -> Result<bool, String> {
        if let Some(why) = self.outranked() {
            return Err(why);
        }
        if self.trial.is_some() || self.pending.is_some() {
            return Err("a server list is on trial".into());
        }
        if self.probing.is_moving() {
            return Err("another move is under way".into());
        }
        if !self.stored.lists.committed.entries().iter().any(|entry| entry.is_same_server(to)) {
            return Err("that server is not on the device's list".into());
        }
        let Phase::Connected(session) = &self.phase else { return Err("there is no session".into()) };
        Ok(session.server().entry.is_same_server(to))
    }

    /// It leaves only for a server that would register it.
    pub(super) fn move_probed(&mut self, request: u64, ttl_s: u32, result: &EntryProbe, now: Duration) {
        let Phase::Connected(session) = &self.phase else { return };
        let attempt = session.attempt;
        if let Err((_, text)) = &result.outcome {
            return self.answer_move(attempt, request, format!("the device cannot register there: {text}"));
        }
        if self.trial.is_some() || self.pending.is_some() {
            return self.answer_move(attempt, request, "a server list is on trial".into());
        }
        self.answer_move(attempt, request, String::new());
        let why = Why::Ordered(request, ttl_s);
        self.depart(result.entry.clone(), why, "an operator sends the device to another server", now);
    }

    fn answer_move(&mut self, attempt: AttemptId, request: u64, why_not: String) {
        let refused = tidy_text(&why_not);
        self.send(attempt, Message::MoveAnswer { request, refused });
    }

    /// Ends the session and dials the other server; the one it leaves comes next.
    pub(super) fn depart(&mut self, to: ServerEntry, why: Why, text: &str, now: Duration) {
        let Phase::Connected(session) = &self.phase else { return };
        let from = session.server().entry.clone();
        let stable = session.is_stable(now, &self.config);
        self.leave(Reason::Moving, text);
        self.note(Happening::Moving(to.clone()));
        self.session_over(now, stable);
        self.rota.begin(Start::Moving(&to), &self.config);
        self.moving = Some(Moving { to, from, why });
        self.phase = Phase::Waiting(now);
    }

    /// The attempt on this entry failed; `true` if the device was moving there and goes back at once.
    pub(super) fn move_failed(&mut self, failure: &EntryFailure) -> bool {
        let Some(moving) = self.moving.take_if(|moving| moving.to.is_same_server(&failure.entry)) else {
            return false;
        };
        self.rota.begin(Start::Preferring(&moving.from), &self.config);
        match moving.why {
            Why::Ordered(request, _) => {
                self.move_failure = Some(MoveFailure { request, failure: failure.clone() });
            }
            Why::Failback => self.damping.return_failed(),
            Why::Recovery => self.damping.recovery_failed(),
        }
        true
    }

    /// A server has registered the device: the one it moved to?
    pub(super) fn arrived(&mut self, entry: &ServerEntry, now: Duration) {
        self.move_failure = None;
        let Some(moving) = self.moving.take() else { return };
        if !moving.to.is_same_server(entry) {
            return;
        }
        match moving.why {
            Why::Ordered(_, ttl_s) => self.stay_at(entry, ttl_s, now),
            Why::Failback => self.damping.returned(now),
            Why::Recovery => {}
        }
    }

    fn stay_at(&mut self, entry: &ServerEntry, ttl_s: u32, now: Duration) {
        if ttl_s == 0 {
            self.held_until = None;
            self.stored.pinned = Some(entry.clone());
        } else {
            self.stored.pinned = None;
            self.held_until = Some(now + Duration::from_secs(ttl_s.into()));
        }
    }

    /// An operator wants the device where it is.
    pub(super) fn is_held(&self, now: Duration) -> bool {
        let Phase::Connected(session) = &self.phase else { return false };
        let here = &session.server().entry;
        let pinned = self.stored.pinned.as_ref().is_some_and(|pinned| pinned.is_same_server(here));
        pinned || self.held_until.is_some_and(|until| now < until)
    }

    /// Where a pass begins if nothing speaks against it.
    pub(super) fn preferred(&self) -> Option<&ServerEntry> {
        let manual = self.config.failback == Failback::Manual;
        self.stored.pinned.as_ref().or_else(|| self.stored.last_good.as_ref().filter(|_| manual))
    }
}
