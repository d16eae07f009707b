//! A directory in memory: the devices of one installation, as every server of it sees them.

use crate::event_store::EventStore;
use gateway::authority::{Authority, Issued};
use gateway::enrolment::proof_holds;
use gateway::epoch;
use gateway::provisioning::ProvisioningString;
use gateway::server::{
    Admission, Directory, EnrolDecision, Enrolment, Identity, KeyFingerprint, Progress, Refusal, Registration, Renewal,
    SessionId,
};
use gateway::wire::{
    Address, DeviceId, Enrolled, Entries, Epoch, EventUpload, Hello, ListVersion, Reason, Role, ServerList,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::watch;

/// What all servers of an installation know together.
pub(crate) struct World {
    pub(crate) authority: Authority,
    first_epoch: Epoch,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) devices: HashMap<DeviceId, Device>,
    pub(crate) waiting: BTreeMap<KeyFingerprint, Waiting>,
    /// By public id, with the secret.
    strings: HashMap<String, [u8; 32]>,
    /// What an accepted device starts with.
    pub(crate) first_list: Option<Entries>,
    /// Nothing can be put on record.
    pub(crate) storage_down: bool,
    /// Certificates are not renewed, and this is why.
    pub(crate) refuse_renewals: Option<String>,
    /// When enrolled devices get their certificate, instead of now.
    pub(crate) born: Option<OffsetDateTime>,
    /// How long it takes to put events on record.
    pub(crate) store_delay: Duration,
    /// Every admission is answered with this.
    pub(crate) turn_away: Option<Refusal>,
    /// The server that is busy.
    pub(crate) turn_away_at: Option<String>,
}

/// A device's row.
#[derive(Default)]
pub(crate) struct Device {
    pub(crate) session: Option<(SessionId, String)>,
    pub(crate) hellos: Vec<Hello>,
    pub(crate) sequence: u64,
    pub(crate) committed: Option<ListVersion>,
    pub(crate) wanted: Option<ServerList>,
    pub(crate) progress: Vec<Progress>,
    pub(crate) ended: Vec<(SessionId, Reason)>,
    pub(crate) revoked: bool,
    /// Serial numbers of the certificates it showed, and of those it got since.
    pub(crate) shown: Vec<Vec<u8>>,
    pub(crate) renewed: Vec<Vec<u8>>,
    /// What each server holds of its events.
    pub(crate) events: BTreeMap<String, EventStore>,
}

pub(crate) struct Waiting {
    pub(crate) device: DeviceId,
    accepted: Option<bool>,
    issued: Option<Issued>,
}

/// One server's view of the world.
pub(crate) struct MemoryDirectory {
    pub(crate) world: Arc<World>,
    identity: Mutex<Identity>,
}

impl World {
    pub(crate) fn new(installation_id: &str) -> Arc<Self> {
        let authority = Authority::create(installation_id, OffsetDateTime::now_utc()).unwrap();
        let first_epoch = epoch::seal(&authority, 1, "server-1").unwrap();
        Arc::new(Self { authority, first_epoch, state: Mutex::default(), changes: watch::Sender::new(0) })
    }

    /// A server of this installation; the first is usually the active one.
    pub(crate) fn server(self: &Arc<Self>, server_id: &str, role: Role) -> Arc<MemoryDirectory> {
        let identity = Identity {
            installation_id: self.authority.installation_id().to_owned(),
            server_id: server_id.to_owned(),
            server_name: format!("BioStar {server_id}"),
            role,
            epoch: self.first_epoch.clone(),
            revoked_servers: Arc::default(),
        };
        Arc::new(MemoryDirectory { world: Arc::clone(self), identity: Mutex::new(identity) })
    }

    /// The epoch that began when a server was promoted.
    pub(crate) fn epoch(&self, number: u64, server_id: &str) -> Epoch {
        epoch::seal(&self.authority, number, server_id).unwrap()
    }

    /// Looks at or changes the state.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.state());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Waits until something holds.
    ///
    /// Panics after 20 s.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&State) -> bool) {
        let mut changes = self.changes.subscribe();
        let waiting = async {
            while !holds(&self.state()) {
                changes.changed().await.unwrap();
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(20), waiting).await.is_ok(), "not in time: {what}");
    }

    /// A new provisioning string for these addresses.
    pub(crate) fn provisioning(&self, addresses: Vec<(Address, u16)>) -> ProvisioningString {
        let secret = rand::random();
        self.with(|state| {
            let id = format!("p-{}", state.strings.len() + 1);
            state.strings.insert(id.clone(), secret);
            let installation_id = self.authority.installation_id().to_owned();
            let authority_fingerprint = self.authority.fingerprint();
            ProvisioningString { id, installation_id, authority_fingerprint, addresses, secret }
        })
    }

    /// An operator decides about a waiting device; its key, to wake it by.
    pub(crate) fn decide(&self, device: DeviceId, accept: bool) -> KeyFingerprint {
        self.with(|state| {
            let (key, waiting) = state.waiting.iter_mut().find(|(_, waiting)| waiting.device == device).unwrap();
            waiting.accepted = Some(accept);
            *key
        })
    }

    /// The device shall hold these entries: a new revision on top of what it has and of what it was to have.
    pub(crate) fn want(&self, device: DeviceId, entries: Entries) -> ServerList {
        self.with(|state| {
            let row = state.devices.entry(device).or_default();
            let known = [row.wanted.as_ref().map(ServerList::version), row.committed];
            let number = known.into_iter().flatten().map(|version| version.number).max().unwrap_or(0) + 1;
            let list = ServerList::new(1, number, row.committed.map(|version| version.hash), entries);
            row.wanted = Some(list.clone());
            list
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn let_in(&self, server: &str) -> Result<(), Refusal> {
        if self.turn_away_at.as_deref() == Some(server) {
            return Err(Refusal::Goodbye(Reason::Storage, "not now".into()));
        }
        self.turn_away.clone().map_or(Ok(()), Err)
    }
}

impl MemoryDirectory {
    pub(crate) fn become_role(&self, role: Role, epoch: Epoch) {
        let mut identity = self.identity.lock().unwrap();
        identity.role = role;
        identity.epoch = epoch;
    }
}

impl Directory for MemoryDirectory {
    fn identity(&self) -> Identity {
        self.identity.lock().unwrap().clone()
    }

    async fn enrol(&self, enrolment: &Enrolment) -> EnrolDecision {
        let enrol = &enrolment.enrol;
        self.world.with(|state| {
            let proven = state.strings.get(&enrol.provisioning_id).is_some_and(|secret| {
                proof_holds(secret, &enrolment.channel_binding, &enrol.certificate_request, &enrol.proof)
            });
            if !proven {
                let text = "the provisioning string is not known here".to_owned();
                return EnrolDecision::Refused(Refusal::Goodbye(Reason::BadProvisioning, text));
            }
            let device = enrol.info.device_id;
            let new = || Waiting { device, accepted: None, issued: None };
            let waiting = state.waiting.entry(enrolment.fingerprint).or_insert_with(new);
            match waiting.accepted {
                None => return EnrolDecision::Waiting,
                Some(false) => {
                    return EnrolDecision::Refused(Refusal::Goodbye(Reason::Rejected, "rejected".into()));
                }
                Some(true) => {}
            }
            let authority = &self.world.authority;
            let born = state.born.unwrap_or_else(OffsetDateTime::now_utc);
            let issued = waiting
                .issued
                .get_or_insert_with(|| authority.issue_device(&enrol.certificate_request, device, born).unwrap());
            let list = ServerList::new(1, 1, None, state.first_list.clone().unwrap());
            let row = state.devices.entry(device).or_default();
            row.committed = Some(list.version());
            EnrolDecision::Accepted(Box::new(Enrolled {
                certificate: issued.der.clone(),
                authority_certificate: authority.certificate_der().to_vec(),
                installation_id: authority.installation_id().to_owned(),
                list,
                server_time_unix_ms: u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap() * 1000,
            }))
        })
    }

    async fn admit(&self, registration: &Registration) -> Result<Admission, Refusal> {
        let server = self.identity().server_id;
        self.world.with(|state| {
            state.let_in(&server)?;
            let hello = &registration.hello;
            let row = state.devices.entry(hello.info.device_id).or_default();
            if row.revoked {
                return Err(Refusal::Goodbye(Reason::Revoked, "the certificate was revoked".into()));
            }
            let held = row.events.entry(server.clone()).or_default();
            let event_watermark = hello.ring.map_or(0, |span| held.watermark(span.ring));
            row.session = Some((registration.session, server));
            row.sequence = row.sequence.max(hello.connection_sequence) + 1;
            row.committed = Some(hello.committed);
            row.hellos.push(hello.clone());
            row.shown.push(registration.certificate_serial.clone());
            Ok(Admission { connection_sequence: row.sequence, start: None, event_watermark })
        })
    }

    async fn may_register(&self, device: DeviceId, _: &[u8]) -> Result<(), Refusal> {
        let server = self.identity().server_id;
        self.world.with(|state| {
            state.let_in(&server)?;
            if state.devices.get(&device).is_some_and(|row| row.revoked) {
                return Err(Refusal::Goodbye(Reason::Revoked, "the certificate was revoked".into()));
            }
            Ok(())
        })
    }

    async fn wanted(&self, device: DeviceId) -> Option<ServerList> {
        self.world.with(|state| state.devices.get(&device).and_then(|row| row.wanted.clone()))
    }

    async fn progress(&self, _session: SessionId, device: DeviceId, progress: Progress) -> bool {
        self.world.with(|state| {
            if state.storage_down {
                return false;
            }
            let row = state.devices.entry(device).or_default();
            match &progress {
                Progress::Committed(version) => row.committed = Some(*version),
                Progress::RolledBack(_) | Progress::Unproven(..) => row.wanted = None,
                Progress::Staged(_) | Progress::StageRefused(..) | Progress::Probed(..) | Progress::Trial(_) => {}
            }
            row.progress.push(progress);
            true
        })
    }

    async fn store_events(&self, _session: SessionId, device: DeviceId, upload: Arc<EventUpload>) -> Option<u64> {
        let delay = self.world.with(|state| state.store_delay);
        tokio::time::sleep(delay).await;
        let server = self.identity().server_id;
        self.world.with(|state| {
            if state.storage_down {
                return None;
            }
            let row = state.devices.entry(device).or_default();
            Some(row.events.entry(server).or_default().store(&upload))
        })
    }

    async fn renew(&self, _session: SessionId, renewal: &Renewal) -> Result<Vec<u8>, String> {
        if let Some(why_not) = self.world.with(|state| state.refuse_renewals.clone()) {
            return Err(why_not);
        }
        let request = &renewal.certificate_request;
        let issued = self.world.authority.issue_device(request, renewal.device, OffsetDateTime::now_utc()).unwrap();
        self.world.with(|state| state.devices.entry(renewal.device).or_default().renewed.push(issued.serial));
        Ok(issued.der)
    }

    async fn closed(&self, session: SessionId, device: DeviceId, reason: Reason) {
        self.world.with(|state| {
            let row = state.devices.entry(device).or_default();
            row.session.take_if(|(current, _)| *current == session);
            row.ended.push((session, reason));
        });
    }
}
