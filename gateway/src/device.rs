//! The device's side, as rules: which server to dial and when, what keeps a session alive, and how a new list is tried.
//!
//! Pure: time is an argument (since any fixed moment, monotonic) and randomness a seed. Whoever drives a [`Device`]
//! hands it what happened with [`handle_input`](Device::handle_input), does what
//! [`poll_output`](Device::poll_output) wants, and calls [`handle_timeout`](Device::handle_timeout) when
//! [`poll_timeout`](Device::poll_timeout) says so. A device never stops dialling, and whatever happens to a list on
//! trial, the committed one is still there.

mod approach;
mod certificate_life;
mod chance;
mod config;
mod dialling;
mod event;
mod events;
mod failback;
mod lists;
mod moving;
mod probing;
mod renewal;
mod revoked;
mod rota;
mod session;
mod stored;

pub(crate) use approach::{Approach, Names, Remembered, Step};
pub use certificate_life::CertificateLife;
pub use config::Config;
pub use event::{Activity, AttemptId, Connected, Happening, Input, Output, WriteId};
pub use stored::{Lists, Stored, TrialMark};

use crate::wire::{
    DeviceInfo, EntryFailure, FailureKind, ListVersion, Message, MoveFailure, Reason, RingSpan, SERVER_DISCONNECTED,
    ServerEntry,
};
use chance::Chance;
use dialling::Attempt;
use failback::Damping;
use lists::{Pending, Trial};
use moving::Moving;
use probing::Probing;
use rota::{Rota, Start};
use session::Session;
use std::collections::VecDeque;
use std::time::Duration;

/// A text that travels is no longer than this, in characters; in bytes that stays below the wire's limit.
const TEXT_MAX: usize = 120;

/// One device, from its start to its next.
#[derive(Debug)]
pub struct Device {
    /// Its own numbers.
    base: Config,
    /// The same, with what the settings of the list in use say.
    config: Config,
    info: DeviceInfo,
    boot_id: u64,
    chance: Chance,
    stored: Stored,
    /// What its ring of events keeps.
    ring: RingSpan,
    /// Of the certificate that it shows.
    certificate: Option<CertificateLife>,
    /// Over the committed list, with the entries that once worked in reserve.
    rota: Rota,
    trial: Option<Trial>,
    phase: Phase,
    pending: Option<Pending>,
    probing: Probing,
    /// Set from the goodbye to one server until the registration by, or the failure of, the next.
    moving: Option<Moving>,
    /// To be told to the next server.
    move_failure: Option<MoveFailure>,
    /// Until then the device stays where an operator sent it.
    held_until: Option<Duration>,
    damping: Damping,
    attempts: u64,
    writes: u64,
    /// Since when there is no session.
    offline_since: Duration,
    /// Sessions in a row that ended before they were stable.
    short_sessions: u32,
    last_failure: Option<EntryFailure>,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Phase {
    Waiting(Duration),
    Dialling(Attempt),
    Connected(Box<Session>),
    Stopped,
}

impl Device {
    /// A device that was just switched on, with what its disk and its ring of events hold. `boot_id` is random and new
    /// at each start; everything random inside follows from `seed`.
    ///
    /// A trial that was under way is undone before anything is dialled.
    #[must_use]
    pub fn new(
        config: Config,
        info: DeviceInfo,
        (stored, ring): (Stored, RingSpan),
        boot_id: u64,
        seed: u64,
        now: Duration,
    ) -> Self {
        let rota = Rota::new(stored.lists.committed.entries(), stored.reserve());
        let mut device = Self {
            config: config.with(stored.lists.committed.settings()),
            base: config,
            info,
            boot_id,
            chance: Chance::new(seed),
            stored,
            ring,
            certificate: None,
            rota,
            trial: None,
            phase: Phase::Waiting(now),
            pending: None,
            probing: Probing::default(),
            moving: None,
            move_failure: None,
            held_until: None,
            damping: Damping::default(),
            attempts: 0,
            writes: 0,
            offline_since: now,
            short_sessions: 0,
            last_failure: None,
            outputs: VecDeque::new(),
        };
        device.undo_interrupted_trial();
        device.begin_committed_pass();
        device
    }

    /// Something happened.
    pub fn handle_input(&mut self, input: Input, now: Duration) {
        if matches!(self.phase, Phase::Stopped) {
            return;
        }
        match input {
            Input::Opened(attempt) => self.opened(attempt, now),
            Input::Heard(attempt) => self.heard(attempt, now),
            Input::Received(attempt, message) => self.received(attempt, *message, now),
            Input::Closed(attempt, kind, text) => self.closed(attempt, kind, &text, now),
            Input::Probed(attempt, result) => self.probed(attempt, *result, now),
            Input::Persisted(write) => self.persisted(write, now),
            Input::NotPersisted(write) => self.not_persisted(write),
            Input::RingChanged(span) => self.ring_changed(span, now),
            Input::EventsRead(span, first_id, events) => self.events_read(span, first_id, events, now),
            Input::CertificateRequested(attempt, request) => self.certificate_requested(attempt, request),
            Input::CertificateKept(attempt, kept) => self.certificate_kept(attempt, kept, now),
            Input::LinkUp => self.link_up(now),
            Input::Stop => self.stop(),
        }
    }

    /// Time has come to at least what [`poll_timeout`](Self::poll_timeout) named; earlier calls do nothing.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.trial_due().is_some_and(|due| now >= due) {
            return self.trial_timed_out(now);
        }
        match &self.phase {
            Phase::Waiting(until) if now >= *until => self.dial_next(now),
            Phase::Dialling(attempt) if now >= attempt.until => self.attempt_timed_out(now),
            Phase::Connected(_) if self.session_deadline().is_some_and(|due| now >= due) => self.session_due(now),
            Phase::Waiting(_) | Phase::Dialling(_) | Phase::Connected(_) | Phase::Stopped => {}
        }
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` once stopped.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let phase = match &self.phase {
            Phase::Waiting(until) => *until,
            Phase::Dialling(attempt) => attempt.until,
            Phase::Connected(_) => self.session_deadline()?,
            Phase::Stopped => return None,
        };
        Some(self.trial_due().map_or(phase, |due| phase.min(due)))
    }

    /// What it is doing.
    #[must_use]
    pub fn activity(&self) -> Activity {
        match &self.phase {
            Phase::Waiting(_) => Activity::Waiting,
            Phase::Dialling(attempt) => Activity::Dialling(attempt.entry.clone()),
            Phase::Connected(session) => Activity::Connected(session.server().clone()),
            Phase::Stopped => Activity::Stopped,
        }
    }

    /// The numbers it runs by now, those of its list's settings included.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it remembers, including what is about to be written.
    #[must_use]
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// The list it is trying.
    #[must_use]
    pub fn trial(&self) -> Option<ListVersion> {
        self.trial.as_ref().map(|trial| trial.list.version())
    }

    /// How the last attempt that failed did so.
    #[must_use]
    pub fn last_failure(&self) -> Option<&EntryFailure> {
        self.last_failure.as_ref()
    }

    /// The list in use decides who is dialled.
    fn rota(&mut self) -> &mut Rota {
        self.trial.as_mut().map_or(&mut self.rota, |trial| &mut trial.rota)
    }

    /// The committed list is the one in use.
    fn live_by_committed(&mut self) {
        self.config = self.base.with(self.stored.lists.committed.settings());
        self.rota = Rota::new(self.stored.lists.committed.entries(), self.stored.reserve());
    }

    /// From the top, or from the entry that has to be cleared of a suspicion or that an operator prefers.
    fn begin_committed_pass(&mut self) {
        let start = match self.stored.suspect.as_ref().or_else(|| self.preferred()) {
            Some(entry) => Start::Preferring(&entry.clone()),
            None => Start::Fresh { with_reserve: false },
        };
        self.rota.begin(start, &self.config);
    }

    /// While a commit is on its way to the disk it is too late to give up.
    fn trial_due(&self) -> Option<Duration> {
        self.trial.as_ref().filter(|_| self.pending.is_none()).map(|trial| trial.until)
    }

    /// When a session has something to do by itself.
    fn session_deadline(&self) -> Option<Duration> {
        let Phase::Connected(session) = &self.phase else { return None };
        self.watch_due().into_iter().chain(self.renewal_due()).chain([session.due()]).min()
    }

    fn stop(&mut self) {
        self.leave(Reason::ShuttingDown, "the device is switched off");
        self.phase = Phase::Stopped;
    }

    /// Ends the attempt or, with a word, the session.
    fn leave(&mut self, reason: Reason, text: &str) {
        let attempt = match &self.phase {
            Phase::Dialling(attempt) => attempt.id,
            Phase::Connected(session) => {
                let attempt = session.attempt;
                self.say_goodbye(attempt, reason, text);
                attempt
            }
            Phase::Waiting(_) | Phase::Stopped => return,
        };
        self.outputs.push_back(Output::HangUp(attempt));
        if matches!(self.phase, Phase::Connected(_)) {
            self.outputs.push_back(Output::Log(SERVER_DISCONNECTED, tidy_text(text)));
        }
    }

    fn persist(&mut self) -> WriteId {
        self.writes += 1;
        let write = WriteId(self.writes);
        self.outputs.push_back(Output::Persist(write, Box::new(self.stored.clone())));
        write
    }

    fn send(&mut self, attempt: AttemptId, message: Message) {
        self.outputs.push_back(Output::Send(attempt, Box::new(message)));
    }

    fn note(&mut self, happening: Happening) {
        self.outputs.push_back(Output::Note(happening));
    }
}

/// Texts from outside must not make a frame that a server refuses.
pub(crate) fn tidy_text(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_MAX).collect()
}

fn failure_of(entry: &ServerEntry, kind: FailureKind, text: &str) -> EntryFailure {
    EntryFailure { entry: entry.clone(), kind, text: tidy_text(text) }
}

#[cfg(test)]
mod tests;
