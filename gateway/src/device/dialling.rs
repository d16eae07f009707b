//! Attempts: from nothing to a connection with a hello, and what follows when they fail.

use super::event::{AttemptId, Happening, Output};
use super::revoked::REMOVED;
use super::rota::{Next, Start};
use super::{Device, Phase, failure_of};
use crate::wire::{EntryFailure, FailureKind, Goodbye, Hello, Message, PROTOCOL_VERSION, Reason, ServerEntry};
use std::time::Duration;

/// A connection that may become a session.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) id: AttemptId,
    pub(super) entry: ServerEntry,
    /// When its present step is over.
    pub(super) until: Duration,
    /// When all of it is.
    end: Duration,
    opened: bool,
}

impl Device {
    /// Dials whoever is next.
    pub(super) fn dial_next(&mut self, now: Duration) {
        let (entry, limit) = match self.rota().next(now) {
            Next::Dial(entry, limit) => (entry, limit),
            Next::Wait(until) => return self.phase = Phase::Waiting(until),
            Next::Over => return self.wait_after_failure(now),
        };
        self.attempts += 1;
        let id = AttemptId(self.attempts);
        let until = now + limit.min(self.config.connect_limit);
        self.outputs.push_back(Output::Dial(id, entry.clone()));
        self.phase = Phase::Dialling(Attempt { id, entry, until, end: now + limit, opened: false });
    }

    pub(super) fn opened(&mut self, id: AttemptId, now: Duration) {
        let Phase::Dialling(attempt) = &mut self.phase else { return };
        if attempt.id != id || attempt.opened {
            return;
        }
        attempt.opened = true;
        attempt.until = attempt.end.min(now + self.config.registration_limit);
        let dialled = attempt.entry.clone();
        let hello = self.hello(dialled);
        self.send(id, Message::Hello(hello));
    }

    fn hello(&self, dialled: ServerEntry) -> Hello {
        Hello {
            protocol_version: PROTOCOL_VERSION,
            capabilities: 0,
            info: self.info.clone(),
            boot_id: self.boot_id,
            connection_sequence: self.stored.connection_sequence,
            dialled,
            committed: self.stored.lists.committed.version(),
            trial: self.trial(),
            rollback: self.stored.rollback.clone(),
            epoch: self.stored.epoch.clone(),
            move_failure: self.move_failure.clone(),
            starts: self.stored.starts.clone(),
            ring: Some(self.ring),
        }
    }

    /// The first answers to a hello.
    pub(super) fn received_while_registering(&mut self, id: AttemptId, message: Message, now: Duration) {
        match message {
            Message::Registered(registered) if self.is_revoked(&registered.server_id) => {
                self.say_goodbye(id, Reason::Unknown, REMOVED);
                self.attempt_failed(FailureKind::ServerRevoked, REMOVED, now);
            }
            Message::Registered(registered) => self.register(registered, now),
            Message::Busy { retry_after_s } => self.turned_away_busy(retry_after_s, now),
            Message::Goodbye(goodbye) => {
                let kind = kind_of(goodbye.reason);
                self.attempt_failed(kind, &said(&goodbye), now);
            }
            Message::Ping { nonce } => self.send(id, Message::Pong { nonce }),
            Message::Pong { .. } => {}
            Message::Unknown => self.send(id, Message::Unsupported { message: 0 }),
            Message::Unsupported { .. } => {
                self.attempt_failed(FailureKind::NotAdmitted, "the server does not register devices", now);
            }
            Message::Enrol(_)
            | Message::EnrolWaiting { .. }
            | Message::Enrolled(_)
            | Message::Hello(_)
            | Message::Probe { .. }
            | Message::ProbeAnswer(_)
            | Message::ProbeList { .. }
            | Message::ProbeTable { .. }
            | Message::Move { .. }
            | Message::MoveAnswer { .. }
            | Message::AskEpoch { .. }
            | Message::EpochAnswer { .. }
            | Message::AskList { .. }
            | Message::ListAnswer { .. }
            | Message::RenewCertificate { .. }
            | Message::CertificateRenewed { .. }
            | Message::RenewalRefused { .. }
            | Message::ServerChanged { .. }
            | Message::RevokedServers(_)
            | Message::StageList(_)
            | Message::ListStaged(_)
            | Message::StageRefused { .. }
            | Message::StartTrial { .. }
            | Message::TrialStarted(_)
            | Message::ConfirmTrial(_)
            | Message::ListCommitted(_)
            | Message::RollbackNoted(_)
            | Message::Upload(_)
            | Message::EventsStored { .. } => {
                self.say_goodbye(id, Reason::UnexpectedMessage, "the answer to a hello is a registration");
                self.attempt_failed(FailureKind::Closed, "the server answered the hello with something else", now);
            }
        }
    }

    pub(super) fn attempt_timed_out(&mut self, now: Duration) {
        let Phase::Dialling(attempt) = &self.phase else { return };
        let text = if attempt.opened { "no answer to the hello in time" } else { "no connection in time" };
        self.attempt_failed(FailureKind::TimedOut, text, now);
    }

    /// The attempt under way ended without a session.
    pub(super) fn attempt_failed(&mut self, kind: FailureKind, text: &str, now: Duration) {
        let Some(failure) = self.give_attempt_up(kind, text) else { return };
        let config = self.config.clone();
        let passed_over = self.rota().failed(&failure.entry, kind, now, &config);
        self.attempt_over(&failure, passed_over, now);
    }

    fn turned_away_busy(&mut self, retry_after_s: u32, now: Duration) {
        let text = format!("the server is busy for {retry_after_s} s");
        let Some(failure) = self.give_attempt_up(FailureKind::Busy, &text) else { return };
        let config = self.config.clone();
        let wait = Duration::from_secs(retry_after_s.into());
        let passed_over = self.rota().busy(&failure.entry, wait, now, &config);
        self.attempt_over(&failure, passed_over, now);
    }

    fn give_attempt_up(&mut self, kind: FailureKind, text: &str) -> Option<EntryFailure> {
        let Phase::Dialling(attempt) = &self.phase else { return None };
        let failure = failure_of(&attempt.entry, kind, text);
        self.outputs.push_back(Output::HangUp(attempt.id));
        if let Some(trial) = &mut self.trial {
            trial.record(failure.clone());
        }
        self.last_failure = Some(failure.clone());
        self.note(Happening::AttemptFailed(failure.clone()));
        Some(failure)
    }

    fn attempt_over(&mut self, failure: &EntryFailure, passed_over: bool, now: Duration) {
        if self.move_failed(failure) {
            return self.wait(now, now);
        }
        if passed_over && self.trial.is_none() {
            self.clear_suspicion_if_failed(&failure.entry);
        }
        self.wait_after_failure(now);
    }

    /// A short pause inside a pass, a long one after it.
    pub(super) fn wait_after_failure(&mut self, now: Duration) {
        let pause = now + self.config.attempt_pause;
        let until = match self.rota().next(now) {
            Next::Dial(..) => pause,
            Next::Wait(until) => until.max(pause),
            Next::Over => now + self.back_off(now),
        };
        self.wait(until, now);
    }

    fn back_off(&mut self, now: Duration) -> Duration {
        let with_reserve = now.saturating_sub(self.offline_since) >= self.config.previous_list_after;
        let preferred = self.preferred().filter(|_| self.trial.is_none() && !with_reserve).cloned();
        let rota = self.trial.as_mut().map_or(&mut self.rota, |trial| &mut trial.rota);
        rota.begin(preferred.as_ref().map_or(Start::Fresh { with_reserve }, Start::Preferring), &self.config);
        rota.back_off(&mut self.chance, &self.config)
    }

    pub(super) fn wait(&mut self, until: Duration, now: Duration) {
        self.phase = Phase::Waiting(until);
        self.note(Happening::Waiting(until.saturating_sub(now)));
    }

    /// The network came back: whatever was waited for, other than a busy server, has lost its meaning.
    pub(super) fn link_up(&mut self, now: Duration) {
        if let Phase::Waiting(until) = self.phase {
            let soon = now + self.chance.share(self.config.spread);
            self.wait(until.min(soon), now);
        }
    }

    pub(super) fn say_goodbye(&mut self, attempt: AttemptId, reason: Reason, text: &str) {
        let goodbye = Goodbye { reason, text: text.to_owned(), reconnect_spread_s: 0 };
        self.send(attempt, Message::Goodbye(goodbye));
    }
}

/// What a goodbye says, for people.
pub(super) fn said(goodbye: &Goodbye) -> String {
    if goodbye.text.is_empty() { format!("{:?}", goodbye.reason) } else { goodbye.text.clone() }
}

/// What a goodbye means for the attempt or session it ends.
pub(super) fn kind_of(reason: Reason) -> FailureKind {
    match reason {
        Reason::NotEnrolled
        | Reason::Revoked
        | Reason::WrongIdentity
        | Reason::Rejected
        | Reason::BadProvisioning
        | Reason::Removed
        | Reason::UnsupportedVersion => FailureKind::NotAdmitted,
        Reason::Unknown
        | Reason::ShuttingDown
        | Reason::Draining
        | Reason::Malformed
        | Reason::Oversized
        | Reason::UnexpectedMessage
        | Reason::TimedOut
        | Reason::Replaced
        | Reason::TryingList
        | Reason::Moving
        | Reason::Storage => FailureKind::Closed,
    }
}
