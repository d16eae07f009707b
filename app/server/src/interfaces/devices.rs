//! What the sessions of devices ask and tell, handed to the rules.

mod words;

use crate::{
    Service,
    fleet::{Arrival, MoveFailed, Report, foreign_text, rows_of, store::ReportedList},
};
use gateway::{
    server::{
        Admission, Directory, EnrolDecision, Enrolment, Identity, Progress, Refusal, Registration, Renewal, SessionId,
    },
    wire::{DeviceId, EventUpload, Hello, ListVersion, Reason, Role, RollbackCause, ServerList},
};
use model::{self, Fault};
use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How soon a device comes back while the store does not answer.
const STORAGE_RETRY: Duration = Duration::from_secs(5);
/// How soon it is tried again to write down that a session has ended, at first and at most.
const END_RETRY: Duration = Duration::from_secs(1);
const END_RETRY_MAX: Duration = Duration::from_secs(30);
/// How old the number of devices may be.
const COUNT_AGE: Duration = Duration::from_secs(10);

/// Answers a gateway's questions from the service.
pub struct Link {
    service: Arc<Service>,
    /// How many devices there are, and when they were counted.
    devices: AtomicUsize,
    counted: Mutex<Option<Instant>>,
}

impl Link {
    /// Begins: sessions of an earlier run are past from now on, and events of a time as standby are in the database.
    pub async fn open(service: Arc<Service>) -> Result<Arc<Self>, Fault> {
        service.end_earlier_sessions().await?;
        service.adopt_own_local_database().await?;
        Ok(Arc::new(Self { service, devices: AtomicUsize::new(0), counted: Mutex::default() }))
    }

    /// Counts the devices again if the last time was a while ago.
    async fn count_devices(&self) {
        {
            let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            if counted.is_some_and(|at| at.elapsed() < COUNT_AGE) {
                return;
            }
            *counted = Some(Instant::now());
        }
        // Without the store the last number is as good as any.
        if let Ok(devices) = self.service.count_devices().await {
            self.devices.store(devices, Ordering::Relaxed);
        }
    }
}

impl Directory for Link {
    fn identity(&self) -> Identity {
        let identity = self.service.identity();
        let record = self.service.roles.now();
        Identity {
            installation_id: identity.installation_id.clone(),
            server_id: identity.server_id.clone(),
            server_name: identity.server_name.clone(),
            role: match record.role {
                model::Role::Active => Role::Active,
                model::Role::Standby => Role::Standby,
                model::Role::ReadOnly => Role::ReadOnly,
            },
            epoch: record.epoch.on_the_wire(),
            revoked_servers: self.service.revoked_servers.read(),
        }
    }

    fn devices(&self) -> usize {
        self.devices.load(Ordering::Relaxed)
    }

    async fn enrol(&self, enrolment: &Enrolment) -> EnrolDecision {
        let info = words::info_of(&enrolment.enrol.info);
        match self.service.enrol_device(enrolment, info).await {
            Ok(decision) => decision,
            // Logged where it was met.
            Err(_) => EnrolDecision::Refused(Refusal::Busy(STORAGE_RETRY)),
        }
    }

    async fn admit(&self, registration: &Registration) -> Result<Admission, Refusal> {
        self.count_devices().await;
        let arrival = arrival_of(registration);
        let admitted = self.service.register_session(&arrival).await;
        if admitted.is_ok() {
            self.service.metrics().session_opened();
            self.service.learn_from(arrival.device, &arrival.info, &arrival.committed);
        }
        admitted
    }

    async fn may_register(&self, device: DeviceId, certificate_serial: &[u8]) -> Result<(), Refusal> {
        self.service.may_come(device.0, &hex::encode(certificate_serial)).await
    }

    async fn wanted(&self, device: DeviceId) -> Option<ServerList> {
        // Without the store nothing is wanted; the device keeps what it has.
        self.service.wanted_list(device.0).await.unwrap_or_default()
    }

    async fn progress(&self, session: SessionId, device: DeviceId, progress: Progress) -> bool {
        if let Progress::Probed(_, rows) | Progress::Unproven(_, rows) = &progress
            && self.service.keep_probe(device.0, rows_of(rows)).await.is_err()
        {
            return false;
        }
        let (list, report) = report_of(&progress);
        let noted = self.service.note_report(session.0, device.0, &list, &report).await.is_ok();
        if noted {
            self.service.metrics().progressed(&progress);
        }
        noted
    }

    async fn store_events(&self, _: SessionId, device: DeviceId, upload: Arc<EventUpload>) -> Option<u64> {
        let begun = Instant::now();
        let watermark = self.service.store_events(device.0, upload.clone()).await;
        self.service.metrics().uploaded(&upload, watermark.is_some(), begun.elapsed());
        watermark
    }

    async fn renew(&self, _: SessionId, renewal: &Renewal) -> Result<Vec<u8>, String> {
        let shown = hex::encode(&renewal.certificate_serial);
        self.service.renew_certificate(renewal.device.0, &shown, &renewal.certificate_request).await
    }

    async fn closed(&self, session: SessionId, device: DeviceId, reason: Reason) {
        self.service.elector_gone(device.0, session.0);
        self.service.metrics().session_lost(words::reason_text(reason));
        let at = self.service.clock.now_text();
        let reason = words::reason_text(reason);
        if self.service.end_session(session.0, device.0, reason, &at).await.is_err() {
            tracing::warn!(device = device.0, "the end of a session is not on record yet");
            tokio::spawn(end_later(Arc::downgrade(&self.service), session.0, device.0, reason, at));
        }
    }
}

/// Until it is on record that a session has ended, the device would be shown as connected.
async fn end_later(service: Weak<Service>, session: u64, device: u32, reason: &'static str, at: String) {
    let mut pause = END_RETRY;
    loop {
        tokio::time::sleep(pause).await;
        // Whoever starts this server again ends all its sessions.
        let Some(service) = service.upgrade() else { return };
        if service.end_session(session, device, reason, &at).await.is_ok() {
            return;
        }
        pause = (pause * 2).min(END_RETRY_MAX);
    }
}

fn arrival_of(registration: &Registration) -> Arrival {
    let hello: &Hello = &registration.hello;
    Arrival {
        session: registration.session.0,
        device: hello.info.device_id.0,
        info: words::info_of(&hello.info),
        boot_id: hello.boot_id,
        connection_sequence: hello.connection_sequence,
        dialled: words::entry_of(&hello.dialled),
        committed: reported(&hello.committed),
        ring: hello.ring.map(|span| span.ring),
        epoch: hello.epoch.clone().map(Into::into),
        starts: hello.starts.clone(),
        certificate_serial: hex::encode(&registration.certificate_serial),
        certificate_ends_unix_s: registration.certificate_ends_unix_s,
        move_failed: hello.move_failure.as_ref().map(|failed| MoveFailed {
            to: words::entry_of(&failed.failure.entry),
            reason: words::failure_of(&failed.failure).reason,
        }),
        peer: registration.peer.to_string(),
    }
}

fn reported(version: &ListVersion) -> ReportedList {
    ReportedList { epoch: version.epoch, number: version.number, hash: version.hash.to_string() }
}

fn report_of(progress: &Progress) -> (ReportedList, Report) {
    match progress {
        Progress::Staged(version) => (reported(version), Report::Staged),
        Progress::Probed(version, _) => (reported(version), Report::Probed),
        Progress::Unproven(version, rows) => {
            let reason = "the device could reach no server of the list from where it is".to_owned();
            (reported(version), Report::GivenUp { reason, failures: words::failures_of(rows) })
        }
        Progress::Trial(version) => (reported(version), Report::Trial),
        Progress::Committed(version) => (reported(version), Report::Committed),
        Progress::StageRefused(version, text) => {
            let reason = format!("the device refused the list: {}", foreign_text(text));
            (reported(version), Report::GivenUp { reason, failures: Vec::new() })
        }
        Progress::RolledBack(rollback) => {
            let reason = words::cause_text(rollback.cause).to_owned();
            let failures = rollback.failures.iter().map(words::failure_of).collect();
            let report = match rollback.cause {
                RollbackCause::FormerFailed => Report::Undecided { reason, failures },
                RollbackCause::Unknown | RollbackCause::TimedOut | RollbackCause::Restarted => {
                    Report::GivenUp { reason, failures }
                }
            };
            (reported(&rollback.version), report)
        }
    }
}
