//! Server lists: staged, tried, kept or given up, and never without the committed one.

use super::event::{AttemptId, Happening, WriteId};
use super::rota::{Rota, Start};
use super::stored::{Lists, TrialMark};
use super::{Device, Phase, failure_of, tidy_text};
use crate::wire::{
    EntryFailure, FailureKind, ListVersion, Message, Reason, Rollback, RollbackCause, ServerEntry, ServerList,
};
use std::time::Duration;

/// A list in use that nobody has confirmed.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) list: ServerList,
    used_before: ServerEntry,
    pub(super) rota: Rota,
    pub(super) until: Duration,
    /// The last failure of each entry.
    failures: Vec<EntryFailure>,
}

/// A change that counts only once it is on disk.
#[derive(Debug)]
pub(super) struct Pending {
    write: WriteId,
    attempt: AttemptId,
    /// What is still on disk if the write fails.
    before: Lists,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Stage(ListVersion),
    StartTrial(Box<ServerList>, TrialMark, Duration),
    Commit(ListVersion),
}

impl Trial {
    pub(super) fn record(&mut self, failure: EntryFailure) {
        self.failures.retain(|known| !known.entry.is_same_server(&failure.entry));
        self.failures.push(failure);
    }

    /// How each entry fared, in the list's order.
    fn failures(&self) -> Vec<EntryFailure> {
        let fared = |entry: &ServerEntry| {
            let known = self.failures.iter().find(|failure| failure.entry.is_same_server(entry));
            known.cloned().unwrap_or_else(|| failure_of(entry, FailureKind::NotTried, "its turn did not come"))
        };
        self.list.entries().iter().map(fared).collect()
    }
}

impl Device {
    /// A restart ends a trial before anything else happens.
    pub(super) fn undo_interrupted_trial(&mut self) {
        let Some(mark) = self.stored.lists.trial.take() else { return };
        let rollback = Rollback { version: mark.version, cause: RollbackCause::Restarted, failures: Vec::new() };
        self.stored.rollback = Some(rollback.clone());
        self.stored.suspect = Some(mark.used_before);
        self.persist();
        self.note(Happening::RolledBack(rollback));
    }

    pub(super) fn stage(&mut self, attempt: AttemptId, list: ServerList) {
        let version = list.version();
        if self.pending.is_some() {
            return;
        }
        if let Err(why) = self.may_stage(version) {
            return self.refuse_list(attempt, version, why);
        }
        if self.stored.lists.staged.as_ref().is_some_and(|staged| staged.version() == version) {
            return self.send(attempt, Message::ListStaged(version));
        }
        self.change(attempt, Change::Stage(version), |lists| lists.staged = Some(list));
    }

    fn may_stage(&self, version: ListVersion) -> Result<(), String> {
        let committed = self.stored.lists.committed.version();
        if let Some(why) = self.outranked() {
            return Err(why);
        }
        if self.trial.is_some() {
            return Err("another list is on trial".into());
        }
        if self.stored.quarantined.contains(&version.hash) {
            return Err("this list was tried and given up before".into());
        }
        if (version.epoch, version.number) <= (committed.epoch, committed.number) {
            let number = committed.number;
            return Err(format!("the list is not newer than the committed one, number {number}"));
        }
        Ok(())
    }

    /// Commands from a server of a lower epoch are not obeyed.
    pub(super) fn outranked(&self) -> Option<String> {
        let Phase::Connected(session) = &self.phase else { return Some("there is no session".into()) };
        let highest = self.stored.epoch.as_ref().filter(|known| *known > session.epoch())?;
        let (theirs, known) = (session.epoch().number, highest.number);
        Some(format!("the server is of epoch {theirs}, the device has seen epoch {known} of {}", highest.server_id))
    }

    pub(super) fn start_trial(&mut self, attempt: AttemptId, version: ListVersion, timeout_s: u32) {
        if self.pending.is_some() {
            return;
        }
        if let Err(why) = self.may_stage(version) {
            return self.refuse_list(attempt, version, why);
        }
        let Phase::Connected(session) = &self.phase else { return };
        let Some(list) = self.stored.lists.staged.clone().filter(|staged| staged.version() == version) else {
            return self.refuse_list(attempt, version, "that list is not staged".into());
        };
        let mark = TrialMark { version, used_before: session.server().entry.clone() };
        let limit = Duration::from_secs(timeout_s.into()).min(self.config.trial_max);
        let on_disk = mark.clone();
        self.change(attempt, Change::StartTrial(Box::new(list), mark, limit), |lists| lists.trial = Some(on_disk));
    }

    pub(super) fn confirm(&mut self, attempt: AttemptId, version: ListVersion) {
        if self.stored.lists.committed.version() == version {
            return self.send(attempt, Message::ListCommitted(version));
        }
        if let Some(why) = self.outranked() {
            return self.note(Happening::Refused(version, why));
        }
        let Some(trial) = self.trial.as_ref().filter(|trial| trial.list.version() == version) else {
            return self.note(Happening::Refused(version, "that list is not on trial".into()));
        };
        if self.pending.is_some() {
            return;
        }
        let list = trial.list.clone();
        self.change(attempt, Change::Commit(version), |lists| {
            lists.previous = Some(std::mem::replace(&mut lists.committed, list));
            lists.staged = None;
            lists.trial = None;
        });
    }

    pub(super) fn rollback_noted(&mut self, version: ListVersion) {
        let reported = self.stored.rollback.as_ref().is_some_and(|rollback| rollback.version == version);
        // What only a server of the past has on record, nobody else would ever learn.
        if reported && self.outranked().is_none() {
            self.stored.rollback = None;
            self.persist();
        }
    }

    /// To disk first, then to [`persisted`](Self::persisted).
    fn change(&mut self, attempt: AttemptId, change: Change, apply: impl FnOnce(&mut Lists)) {
        let before = self.stored.lists.clone();
        apply(&mut self.stored.lists);
        let write = self.persist();
        self.pending = Some(Pending { write, attempt, before, change });
    }

    pub(super) fn persisted(&mut self, write: WriteId, now: Duration) {
        let Some(pending) = self.pending.take_if(|pending| pending.write == write) else { return };
        let attempt = pending.attempt;
        match pending.change {
            Change::Stage(version) => {
                self.send(attempt, Message::ListStaged(version));
                self.note(Happening::Staged(version));
            }
            Change::StartTrial(list, mark, limit) => {
                self.send(attempt, Message::TrialStarted(mark.version));
                self.leave(Reason::TryingList, "the device tries the new list");
                self.begin_trial(*list, mark.used_before, now, limit);
            }
            Change::Commit(version) => {
                self.trial = None;
                if let Phase::Connected(session) = &self.phase {
                    self.stored.last_good = Some(session.server().entry.clone());
                }
                self.stored.pinned = None;
                self.persist();
                self.live_by_committed();
                self.begin_committed_pass();
                self.watch_anew(now);
                self.ask_for_names(now);
                self.send(attempt, Message::ListCommitted(version));
                self.note(Happening::Committed(version));
            }
        }
    }

    pub(super) fn not_persisted(&mut self, write: WriteId) {
        self.note(Happening::NotPersisted);
        let Some(pending) = self.pending.take_if(|pending| pending.write == write) else { return };
        self.stored.lists = pending.before;
        match pending.change {
            Change::Stage(version) | Change::StartTrial(_, TrialMark { version, .. }, _) => {
                self.refuse_list(pending.attempt, version, "the device could not store it".into());
            }
            // Nobody is told that the list is kept, so it is given up when its time is over.
            Change::Commit(_) => {}
        }
    }

    fn begin_trial(&mut self, list: ServerList, used_before: ServerEntry, now: Duration, limit: Duration) {
        self.note(Happening::TrialStarted(list.version()));
        self.config = self.base.with(list.settings());
        let mut rota = Rota::new(list.entries(), Vec::new());
        rota.begin(Start::Fresh { with_reserve: false }, &self.config);
        self.trial = Some(Trial { list, used_before, rota, until: now + limit, failures: Vec::new() });
        self.session_over(now, false);
        self.phase = Phase::Waiting(now);
    }

    /// Back to the committed list, first to the entry that was in use.
    pub(super) fn trial_timed_out(&mut self, now: Duration) {
        let Some(mut trial) = self.trial.take() else { return };
        let open = match &self.phase {
            Phase::Dialling(attempt) => {
                Some((attempt.entry.clone(), FailureKind::TimedOut, "the trial ended during this attempt"))
            }
            Phase::Connected(session) => {
                let entry = session.server().entry.clone();
                Some((entry, FailureKind::Closed, "registered, but nobody confirmed the list in time"))
            }
            Phase::Waiting(_) | Phase::Stopped => None,
        };
        if let Some((entry, kind, text)) = open {
            trial.record(failure_of(&entry, kind, text));
        }
        self.leave(Reason::TryingList, "the new list was not confirmed in time");
        let version = trial.list.version();
        let rollback = Rollback { version, cause: RollbackCause::TimedOut, failures: trial.failures() };
        self.stored.lists.trial = None;
        self.stored.rollback = Some(rollback.clone());
        self.stored.suspect = Some(trial.used_before);
        self.persist();
        self.note(Happening::RolledBack(rollback));
        self.live_by_committed();
        self.session_over(now, false);
        self.begin_committed_pass();
        self.phase = Phase::Waiting(now);
    }

    /// Registered without a trial: was it the entry in use before the last one?
    pub(super) fn settle_suspicion(&mut self, registered: &ServerEntry) {
        let Some(suspect) = self.stored.suspect.clone() else { return };
        if !suspect.is_same_server(registered) {
            return self.clear_suspicion_if_failed(&suspect);
        }
        self.stored.suspect = None;
        if let Some(rollback) = &self.stored.rollback {
            let hash = rollback.version.hash;
            self.stored.quarantine(hash);
            self.note(Happening::Quarantined(hash));
        }
    }

    /// The entry in use before the trial fails as well: the trial proved nothing, and its list may be tried again.
    pub(super) fn clear_suspicion_if_failed(&mut self, entry: &ServerEntry) {
        let Some(suspect) = self.stored.suspect.take_if(|suspect| suspect.is_same_server(entry)) else { return };
        let last = self.last_failure.as_ref().filter(|failure| failure.entry.is_same_server(&suspect));
        let (kind, text) = last.map_or((FailureKind::Unknown, ""), |failure| (failure.kind, &failure.text));
        let text = format!("the server in use before the trial failed too: {text}");
        let failure = failure_of(&suspect, kind, &text);
        if let Some(rollback) = &mut self.stored.rollback {
            rollback.cause = RollbackCause::FormerFailed;
            rollback.failures.push(failure);
        }
        self.persist();
    }

    fn refuse_list(&mut self, attempt: AttemptId, version: ListVersion, text: String) {
        let text = tidy_text(&text);
        self.note(Happening::Refused(version, text.clone()));
        self.send(attempt, Message::StageRefused { version, text });
    }
}
