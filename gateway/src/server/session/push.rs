//! A registered session's work on the device's server list: stage, start the trial, confirm, and report each step.
//!
//! The device is the truth. Whatever is lost here, a report or a whole session, the next hello tells again.

use crate::server::directory::Progress;
use crate::server::orders::{OrderId, OrderReply};
use crate::server::settings::Settings;
use crate::wire::{
    DeviceId, EntryProbe, EventUpload, Hello, ListHash, ListVersion, Message, Reason, Rollback, RollbackCause,
    ServerEntry, ServerList,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// One thing to do.
#[derive(Debug)]
pub(super) enum Act {
    Send(Box<Message>),
    AskWanted(DeviceId),
    Report(DeviceId, Progress),
    Store(DeviceId, Arc<EventUpload>),
    /// A certificate for this request, PKCS #10 in DER.
    Renew(DeviceId, Vec<u8>),
    Reply(OrderId, OrderReply),
    Leave(Reason, &'static str),
}

#[derive(Debug)]
pub(super) struct Push {
    device: DeviceId,
    committed: ListVersion,
    /// The entry that the session runs over.
    in_use: ServerEntry,
    step: Step,
    /// Not to be pushed again: the device went back from it or will not hold it.
    given_up: Option<ListHash>,
    /// Told to the directory in this session.
    told_committed: bool,
    ask_wanted: bool,
    /// In order; the first may be on its way.
    reports: VecDeque<Progress>,
    report_at: Duration,
    notes: VecDeque<Message>,
    answer_timeout: Duration,
    report_retry: Duration,
    probe_timeout: Duration,
    trial_timeout: fn(&ServerList) -> Duration,
}

/// How far this session has come with a list.
#[derive(Debug)]
enum Step {
    Idle,
    /// The session came through the list on trial and has to hold until then.
    Proving(ListVersion, Duration),
    Confirming(ListVersion, Patience),
    Staging(ServerList, Patience),
    Staged(ServerList),
    /// The device tries every entry from its own network.
    Probing(ServerList, Patience),
    /// One entry at least has passed.
    Probed(ServerList),
    Starting(ServerList, Patience),
    /// The device has said that it leaves for its trial.
    Left,
}

/// The wait for one answer.
#[derive(Clone, Copy, Debug)]
struct Patience {
    until: Duration,
    asked_twice: bool,
}

impl Push {
    pub(super) fn new(hello: &Hello, settings: &Settings, now: Duration) -> Self {
        Self {
            device: hello.info.device_id,
            committed: hello.committed,
            in_use: hello.dialled.clone(),
            step: hello.trial.map_or(Step::Idle, |trial| Step::Proving(trial, now + settings.stability)),
            given_up: hello.rollback.as_ref().filter(|rollback| proves(rollback)).map(|rollback| rollback.version.hash),
            told_committed: false,
            ask_wanted: true,
            reports: hello.rollback.clone().map(Progress::RolledBack).into_iter().collect(),
            report_at: now,
            notes: VecDeque::new(),
            answer_timeout: settings.answer_timeout,
            report_retry: settings.report_retry,
            probe_timeout: settings.probe_timeout,
            trial_timeout: settings.trial_timeout,
        }
    }

    /// `false` if a device never sends this to a server that registered it.
    pub(super) fn handle_message(&mut self, message: Message, now: Duration) -> bool {
        match message {
            Message::ListStaged(version) => {
                if let Step::Staging(list, _) = &self.step
                    && list.version() == version
                {
                    self.step = Step::Staged(list.clone());
                    self.report(Progress::Staged(version), now);
                }
            }
            Message::StageRefused { version, text } => {
                if self.under_way() == Some(version) {
                    self.give_up(version, Progress::StageRefused(version, text), now);
                }
            }
            Message::ProbeTable { request, rows } => self.probed(request, rows, now),
            Message::TrialStarted(version) => {
                if matches!(&self.step, Step::Starting(list, _) if list.version() == version) {
                    self.step = Step::Left;
                    self.report(Progress::Trial(version), now);
                }
            }
            Message::ListCommitted(version) => {
                if matches!(&self.step, Step::Confirming(trial, _) if *trial == version) {
                    self.committed = version;
                    self.step = Step::Idle;
                    self.told_committed = true;
                    self.report(Progress::Committed(version), now);
                }
            }
            Message::Unsupported { .. } => {
                if let Step::Probing(list, _) = &self.step {
                    // Firmware that knows lists but no probes: the trial itself has to do.
                    self.step = Step::Probed(list.clone());
                } else if let Some(version) = self.under_way() {
                    let text = "the device's firmware does not know server lists".into();
                    self.give_up(version, Progress::StageRefused(version, text), now);
                }
            }
            Message::Ping { .. } | Message::Pong { .. } | Message::Unknown => {}
            Message::Enrol(_)
            | Message::EnrolWaiting { .. }
            | Message::Enrolled(_)
            | Message::Hello(_)
            | Message::Registered(_)
            | Message::Busy { .. }
            | Message::Goodbye(_)
            | Message::StageList(_)
            | Message::StartTrial { .. }
            | Message::ConfirmTrial(_)
            | Message::RollbackNoted(_)
            | Message::Probe { .. }
            | Message::ProbeAnswer(_)
            | Message::ProbeList { .. }
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
            | Message::Upload(_)
            | Message::EventsStored { .. } => return false,
        }
        true
    }

    pub(super) fn handle_wake(&mut self) {
        self.ask_wanted = true;
    }

    pub(super) fn handle_wanted(&mut self, wanted: Option<ServerList>, now: Duration) {
        if !matches!(self.step, Step::Idle | Step::Staged(_) | Step::Probed(_)) {
            return;
        }
        let Some(list) = wanted else {
            self.step = Step::Idle;
            return;
        };
        let version = list.version();
        if matches!(&self.step, Step::Staged(list) | Step::Probed(list) if list.version() == version) {
            return;
        }
        self.step = Step::Idle;
        if version.hash == self.committed.hash {
            if !std::mem::replace(&mut self.told_committed, true) {
                self.report(Progress::Committed(self.committed), now);
            }
        } else if self.given_up != Some(version.hash) && is_newer(version, self.committed) {
            self.notes.push_back(Message::StageList(list.clone()));
            self.step = Step::Staging(list, self.patience(now));
        }
    }

    pub(super) fn handle_reported(&mut self, done: bool, now: Duration) {
        if !done {
            self.report_at = now + self.report_retry;
        } else if let Some(Progress::RolledBack(rollback)) = self.reports.pop_front() {
            self.notes.push_back(Message::RollbackNoted(rollback.version));
        }
    }

    /// The next thing to do now, `None` if there is none; `free` says that no question is open.
    pub(super) fn next(&mut self, now: Duration, free: bool) -> Option<Act> {
        if let Some(message) = self.notes.pop_front() {
            return Some(Act::Send(Box::new(message)));
        }
        if let Some(act) = self.next_by_time(now) {
            return Some(act);
        }
        if !free {
            return None;
        }
        if let Some(report) = self.reports.front() {
            if now < self.report_at {
                return None;
            }
            return Some(Act::Report(self.device, report.clone()));
        }
        match &self.step {
            Step::Left => Some(Act::Leave(Reason::TryingList, "come back through the new list")),
            Step::Idle | Step::Staged(_) | Step::Probed(_) if self.ask_wanted => {
                self.ask_wanted = false;
                Some(Act::AskWanted(self.device))
            }
            Step::Staged(list) => {
                let list = list.clone();
                let probe = probe_of(&list);
                let patience = Patience { until: now + self.probe_timeout, asked_twice: false };
                self.step = Step::Probing(list, patience);
                Some(Act::Send(Box::new(probe)))
            }
            Step::Probed(list) => {
                let list = list.clone();
                let start = self.start_trial(&list);
                self.step = Step::Starting(list, self.patience(now));
                Some(Act::Send(Box::new(start)))
            }
            Step::Idle
            | Step::Proving(..)
            | Step::Confirming(..)
            | Step::Staging(..)
            | Step::Probing(..)
            | Step::Starting(..) => None,
        }
    }

    /// A question about the list is open.
    pub(super) fn is_asking(&self) -> bool {
        matches!(
            self.step,
            Step::Confirming(..) | Step::Staging(..) | Step::Staged(_) | Step::Probing(..) | Step::Starting(..)
        )
    }

    /// When [`next`](Self::next) has something new to do by itself.
    pub(super) fn deadline(&self, free: bool) -> Option<Duration> {
        let step = match &self.step {
            Step::Proving(_, at) => Some(*at),
            Step::Confirming(_, patience)
            | Step::Staging(_, patience)
            | Step::Probing(_, patience)
            | Step::Starting(_, patience) => Some(patience.until),
            Step::Idle | Step::Staged(_) | Step::Probed(_) | Step::Left => None,
        };
        let report = (free && !self.reports.is_empty()).then_some(self.report_at);
        step.into_iter().chain(report).min()
    }

    /// Everything not yet on record.
    pub(super) fn take_reports(&mut self) -> Vec<Progress> {
        self.reports.drain(..).collect()
    }

    fn next_by_time(&mut self, now: Duration) -> Option<Act> {
        let again = self.patience(now);
        if let Step::Proving(trial, at) = self.step
            && now >= at
        {
            self.step = Step::Confirming(trial, again);
            return Some(Act::Send(Box::new(Message::ConfirmTrial(trial))));
        }
        let patience = match &mut self.step {
            Step::Confirming(_, patience)
            | Step::Staging(_, patience)
            | Step::Probing(_, patience)
            | Step::Starting(_, patience) => patience,
            Step::Idle | Step::Proving(..) | Step::Staged(_) | Step::Probed(_) | Step::Left => return None,
        };
        if now < patience.until {
            return None;
        }
        if patience.asked_twice {
            return Some(Act::Leave(Reason::TimedOut, "the device does not answer about its server list"));
        }
        *patience = Patience { asked_twice: true, ..again };
        let repeated = match &self.step {
            Step::Confirming(trial, _) => Message::ConfirmTrial(*trial),
            Step::Staging(list, _) => Message::StageList(list.clone()),
            Step::Probing(list, _) => probe_of(list),
            Step::Starting(list, _) => self.start_trial(list),
            Step::Idle | Step::Proving(..) | Step::Staged(_) | Step::Probed(_) | Step::Left => return None,
        };
        Some(Act::Send(Box::new(repeated)))
    }

    fn start_trial(&self, list: &ServerList) -> Message {
        let timeout = (self.trial_timeout)(list);
        let timeout_s = u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX);
        Message::StartTrial { version: list.version(), timeout_s }
    }

    fn patience(&self, now: Duration) -> Patience {
        Patience { until: now + self.answer_timeout, asked_twice: false }
    }

    /// The list that this session is bringing to the device.
    fn under_way(&self) -> Option<ListVersion> {
        match &self.step {
            Step::Staging(list, _)
            | Step::Staged(list)
            | Step::Probing(list, _)
            | Step::Probed(list)
            | Step::Starting(list, _) => Some(list.version()),
            Step::Idle | Step::Proving(..) | Step::Confirming(..) | Step::Left => None,
        }
    }

    /// The device's own table: no list is tried of which nothing works.
    fn probed(&mut self, request: u64, rows: Vec<EntryProbe>, now: Duration) {
        let Step::Probing(list, _) = &self.step else { return };
        let (list, version) = (list.clone(), list.version());
        if request != version.number {
            return;
        }
        if is_proven(&list, &rows, &self.in_use) {
            self.step = Step::Probed(list);
            self.report(Progress::Probed(version, rows), now);
        } else {
            self.give_up(version, Progress::Unproven(version, rows), now);
        }
    }

    fn give_up(&mut self, version: ListVersion, progress: Progress, now: Duration) {
        self.step = Step::Idle;
        self.given_up = Some(version.hash);
        self.report(progress, now);
    }

    fn report(&mut self, progress: Progress, now: Duration) {
        if self.reports.is_empty() {
            self.report_at = now;
        }
        self.reports.push_back(progress);
    }
}

fn probe_of(list: &ServerList) -> Message {
    Message::ProbeList { request: list.version().number, entries: list.entries().clone() }
}

/// Whether an entry of the list would register the device, or does already.
fn is_proven(list: &ServerList, rows: &[EntryProbe], in_use: &ServerEntry) -> bool {
    list.entries().iter().any(|entry| {
        let passed = rows.iter().any(|row| row.outcome.is_ok() && row.entry.is_same_server(entry));
        passed || entry.is_same_server(in_use)
    })
}

/// Whether a rollback says something about its list.
fn proves(rollback: &Rollback) -> bool {
    rollback.cause != RollbackCause::FormerFailed
}

fn is_newer(this: ListVersion, that: ListVersion) -> bool {
    (this.epoch, this.number) > (that.epoch, that.number)
}
