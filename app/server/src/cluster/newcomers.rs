//! Servers that ask to join: what an operator has to confirm before any key leaves this server.
//!
//! They are kept in memory alone. A newcomer asks every second, so after a restart it is there again at once.

use super::join_messages::JoinReply;
use crate::{Service, actor::Actor, changes::Change, db::AuditEntry};
use model::{Fault, Missing, Newcomer};
use serde_json::json;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A newcomer that did not ask for so long has given up.
const SILENCE: Duration = Duration::from_secs(10);
/// More than this are no servers.
const WAITING_MAX: usize = 8;
/// What was decided is remembered for as long as the join string can be used.
const MEMORY: Duration = Duration::from_secs(15 * 60);

/// Who asks, and what became of it.
#[derive(Default)]
pub(crate) struct Newcomers(Mutex<Vec<Entry>>);

struct Entry {
    newcomer: Newcomer,
    join_string: String,
    first_heard: Instant,
    last_heard: Instant,
    state: State,
}

enum State {
    Waiting,
    Confirmed(Actor),
    Rejected,
    /// Let in; it is told again if the answer was lost.
    In(Box<JoinReply>),
}

/// What a newcomer that asks is to be told.
#[derive(Debug)]
pub(crate) enum Asked {
    /// For the first time.
    New,
    /// An operator has not decided.
    Waiting,
    /// Let it in, in this operator's name.
    Confirmed(Actor),
    /// An operator said no.
    Rejected,
    /// It was let in already.
    In(Box<JoinReply>),
    /// Too many wait.
    Crowded,
}

impl Newcomers {
    /// A newcomer that proved to know the join string's secret asks.
    pub(crate) fn ask(&self, newcomer: Newcomer, join_string: &str, now: Instant) -> Asked {
        let mut entries = self.lock();
        entries.retain(|entry| entry.is_worth_keeping(now));
        if let Some(entry) = entries.iter_mut().find(|entry| entry.newcomer.fingerprint == newcomer.fingerprint) {
            entry.last_heard = now;
            return match &entry.state {
                State::Waiting => Asked::Waiting,
                State::Confirmed(actor) => Asked::Confirmed(actor.clone()),
                State::Rejected => Asked::Rejected,
                State::In(reply) => Asked::In(reply.clone()),
            };
        }
        if entries.iter().filter(|entry| entry.is_undecided()).count() >= WAITING_MAX {
            return Asked::Crowded;
        }
        let join_string = join_string.to_owned();
        entries.push(Entry { newcomer, join_string, first_heard: now, last_heard: now, state: State::Waiting });
        Asked::New
    }

    /// Has it asked before, and is it remembered?
    pub(crate) fn knows(&self, fingerprint: &str) -> bool {
        self.lock().iter().any(|entry| entry.newcomer.fingerprint == fingerprint)
    }

    /// It is a server now.
    pub(crate) fn let_in(&self, fingerprint: &str, reply: JoinReply) {
        let mut entries = self.lock();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.newcomer.fingerprint == fingerprint) {
            entry.state = State::In(Box::new(reply));
        }
    }

    /// Forgets those that ask no more; `true` if one was shown.
    pub(crate) fn expire(&self, now: Instant) -> bool {
        let mut entries = self.lock();
        let shown = entries.iter().filter(|entry| entry.is_undecided()).count();
        entries.retain(|entry| entry.is_worth_keeping(now));
        shown != entries.iter().filter(|entry| entry.is_undecided()).count()
    }

    fn waiting(&self, now: Instant) -> Vec<Newcomer> {
        let entries = self.lock();
        let waiting = entries.iter().filter(|entry| entry.is_undecided() && entry.is_worth_keeping(now));
        waiting.map(|entry| entry.newcomer.clone()).collect()
    }

    /// Decides on the one that waits with this fingerprint; its join string, or `None` if nobody does.
    fn decide(&self, fingerprint: &str, state: State, now: Instant) -> Option<String> {
        let mut entries = self.lock();
        let entry = entries.iter_mut().find(|entry| {
            entry.newcomer.fingerprint == fingerprint && entry.is_undecided() && entry.is_worth_keeping(now)
        })?;
        entry.state = state;
        Some(entry.join_string.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // What is inside is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_undecided(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    fn is_worth_keeping(&self, now: Instant) -> bool {
        match self.state {
            State::Waiting | State::Confirmed(_) => now.duration_since(self.last_heard) < SILENCE,
            State::Rejected | State::In(_) => now.duration_since(self.first_heard) < MEMORY,
        }
    }
}

impl Service {
    /// The servers that ask to join and wait for an operator, in the order in which they came.
    #[must_use]
    pub fn list_newcomers(&self) -> Vec<Newcomer> {
        self.newcomers.waiting(Instant::now())
    }

    /// Lets the newcomer with this fingerprint in; the keys are handed over when it asks next, within a second.
    ///
    /// # Errors
    ///
    /// [`Fault::NotActive`], or [`Fault::NotFound`] if none waits with it.
    pub async fn confirm_newcomer(&self, actor: &Actor, fingerprint: &str) -> Result<(), Fault> {
        self.require_active().await?;
        let fingerprint = plain(fingerprint);
        let state = State::Confirmed(actor.clone());
        self.newcomers.decide(&fingerprint, state, Instant::now()).ok_or_else(|| no_such(&fingerprint))?;
        self.changed(Change::Server);
        Ok(())
    }

    /// Sends the newcomer with this fingerprint away and makes its join string worthless.
    ///
    /// # Errors
    ///
    /// [`Fault::NotActive`], [`Fault::NotFound`] if none waits with it, or when the database cannot be written.
    pub async fn reject_newcomer(&self, actor: &Actor, fingerprint: &str) -> Result<(), Fault> {
        self.require_active().await?;
        let fingerprint = plain(fingerprint);
        let join_string = self
            .newcomers
            .decide(&fingerprint, State::Rejected, Instant::now())
            .ok_or_else(|| no_such(&fingerprint))?;
        let audit = AuditEntry {
            at: self.clock.now_text(),
            operator: actor.login.clone(),
            peer: actor.peer.clone(),
            action: "server.reject",
            subject: format!("join string {join_string}"),
            before: None,
            after: Some(json!({ "fingerprint": fingerprint })),
        };
        self.store.use_up_join_string(&join_string, &audit).await?;
        self.changed(Change::Server);
        self.changed(Change::Database);
        Ok(())
    }
}

/// A fingerprint as it is stored, whatever groups and case it was typed in.
fn plain(fingerprint: &str) -> String {
    fingerprint.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect()
}

fn no_such(fingerprint: &str) -> Fault {
    Missing::Newcomer { fingerprint: fingerprint.to_owned() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newcomer(fingerprint: &str) -> Newcomer {
        Newcomer {
            fingerprint: fingerprint.to_owned(),
            name: None,
            peer: "192.168.1.20".to_owned(),
            first_seen: "2030-01-01T00:00:00.000Z".to_owned(),
        }
    }

    fn admin() -> Actor {
        Actor { login: "admin".to_owned(), peer: None }
    }

    #[test]
    fn nobody_is_let_in_before_somebody_said_so() {
        let newcomers = Newcomers::default();
        let start = Instant::now();
        assert!(matches!(newcomers.ask(newcomer("aa"), "string", start), Asked::New));
        assert!(matches!(newcomers.ask(newcomer("aa"), "string", start), Asked::Waiting));
        assert_eq!(newcomers.waiting(start), [newcomer("aa")]);
        assert_eq!(newcomers.decide("bb", State::Rejected, start), None);
        assert_eq!(newcomers.decide("aa", State::Confirmed(admin()), start), Some("string".to_owned()));
        assert_eq!(newcomers.decide("aa", State::Rejected, start), None, "decided once");
        assert!(matches!(newcomers.ask(newcomer("aa"), "string", start), Asked::Confirmed(actor) if actor == admin()));
        assert!(newcomers.waiting(start).is_empty());
        assert!(matches!(newcomers.ask(newcomer("bb"), "string", start), Asked::New), "the key counts, not the string");
    }

    #[test]
    fn who_falls_silent_is_forgotten_and_who_was_rejected_is_not() {
        let newcomers = Newcomers::default();
        let start = Instant::now();
        newcomers.ask(newcomer("aa"), "string", start);
        newcomers.ask(newcomer("bb"), "string", start);
        newcomers.decide("bb", State::Rejected, start);
        assert!(!newcomers.expire(start + SILENCE / 2));
        assert!(newcomers.waiting(start + SILENCE).is_empty());
        assert_eq!(newcomers.decide("aa", State::Confirmed(admin()), start + SILENCE), None);
        assert!(newcomers.expire(start + SILENCE));
        assert!(matches!(newcomers.ask(newcomer("bb"), "string", start + SILENCE), Asked::Rejected));
    }

    #[test]
    fn a_crowd_is_kept_out() {
        let newcomers = Newcomers::default();
        let start = Instant::now();
        for number in 0..WAITING_MAX {
            assert!(matches!(newcomers.ask(newcomer(&number.to_string()), "string", start), Asked::New));
        }
        assert!(matches!(newcomers.ask(newcomer("more"), "string", start), Asked::Crowded));
        assert!(matches!(newcomers.ask(newcomer("more"), "string", start + SILENCE), Asked::New));
    }

    #[test]
    fn a_fingerprint_may_be_typed_as_it_is_shown() {
        assert_eq!(plain("AB12 cd34\n"), "ab12cd34");
    }
}
