//! A service on a real store in a temporary folder, and devices that belong to it.

use crate::{
    Service,
    actor::Actor,
    clock::Clock,
    cluster::roles::RoleRecord,
    db::{
        Installation,
        fixture::{copy_database, open_store},
    },
    epoch::EpochToken,
    fleet::{Arrival, Report, store::ReportedList},
    identity::Identity,
    keys::Keys,
};
use gateway::{
    enrolment::{key_fingerprint, proof_of},
    provisioning::ProvisioningString,
    server::{EnrolDecision, Enrolment},
    wire::{self, DeviceId, Enrol, Enrolled},
};
use model::{DeviceInfo, DeviceServers, EntryInput, IpConfig, ProvisioningInput, Role, SerialConfig, ServerEntry};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use time::{Duration, OffsetDateTime};

pub(crate) const FIRST: u32 = 547_846_001;
const BINDING: [u8; 32] = [9; 32];

/// A service, its folder and its clock.
pub(crate) struct Room {
    pub(crate) service: Arc<Service>,
    pub(crate) folder: tempfile::TempDir,
    ahead_ms: Arc<AtomicI64>,
}

/// A device's key and what it says of itself.
pub(crate) struct Newcomer {
    pub(crate) id: u32,
    pub(crate) request: Vec<u8>,
    pub(crate) string: ProvisioningString,
}

impl Room {
    pub(crate) async fn active() -> Self {
        Self::of(Role::Active, "one").await
    }

    pub(crate) async fn of(role: Role, server_id: &str) -> Self {
        Self::on(tempfile::tempdir().unwrap(), role, server_id).await
    }

    /// A standby with this server's database.
    pub(crate) async fn standby(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_database(self.folder.path(), folder.path()).await;
        Self::on(folder, Role::Standby, "two").await
    }

    pub(crate) async fn on(folder: tempfile::TempDir, role: Role, server_id: &str) -> Self {
        let store = open_store(folder.path()).await;
        let installation = Installation {
            id: "site".to_owned(),
            epoch: 1,
            active_server: "one".to_owned(),
            created_at: "2026-01-01T00:00:00.000Z".to_owned(),
        };
        store.insert_installation(&installation).await.unwrap();
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let ahead = Arc::clone(&ahead_ms);
        // Every look at the clock is a millisecond later than the one before.
        let clock = Clock::of(move || {
            let start = OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap();
            start + Duration::milliseconds(ahead.fetch_add(1, Ordering::Relaxed))
        });
        let keys = Keys::create("site", server_id, OffsetDateTime::now_utc()).unwrap();
        let identity = Identity {
            installation_id: "site".to_owned(),
            server_id: server_id.to_owned(),
            server_name: format!("BioStar Server {server_id}"),
        };
        let role = RoleRecord::new(role, EpochToken::seal(&keys, 1, "one").unwrap());
        let service = Service::new(store, keys, identity, role, clock);
        service.advertise("192.0.2.1".parse().unwrap(), 51213);
        Self { service, folder, ahead_ms }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.ahead_ms.fetch_add(i64::try_from(by.whole_milliseconds()).unwrap(), Ordering::Relaxed);
    }

    /// A provisioning string as an operator would make it.
    pub(crate) async fn string(&self, uses: u32) -> ProvisioningString {
        let input = ProvisioningInput { uses, expires_in_seconds: 3600, addresses: Vec::new() };
        let made = self.service.create_provisioning_string(&admin(), input).await.unwrap();
        made.string.unwrap().parse().unwrap()
    }

    pub(crate) async fn newcomer(&self, id: u32) -> Newcomer {
        Newcomer { id, request: new_request(), string: self.string(1).await }
    }

    pub(crate) async fn enrol(&self, newcomer: &Newcomer) -> EnrolDecision {
        let enrolment = newcomer.enrolment();
        self.service.enrol_device(&enrolment, info(newcomer.id)).await.unwrap()
    }

    /// A device that waited, was accepted and took its certificate.
    pub(crate) async fn device(&self, id: u32) -> Enrolled {
        let newcomer = self.newcomer(id).await;
        assert_eq!(self.enrol(&newcomer).await, EnrolDecision::Waiting);
        self.service.accept_waiting(&admin(), &newcomer.key()).await.unwrap();
        let EnrolDecision::Accepted(enrolled) = self.enrol(&newcomer).await else { panic!("not accepted") };
        *enrolled
    }

    /// Registers the device; the answer is its session.
    pub(crate) async fn register(&self, device: u32, committed: ReportedList) -> u64 {
        let session = u64::from(device) << 16 | u64::try_from(self.ahead_ms.load(Ordering::Relaxed)).unwrap();
        self.service.register_session(&arrival(session, device, committed)).await.unwrap();
        session
    }

    pub(crate) async fn report(&self, device: u32, list: &ReportedList, report: &Report) {
        self.service.note_report(1, device, list, report).await.unwrap();
    }

    /// The device takes the wanted list through all states.
    pub(crate) async fn push(&self, device: u32) -> ReportedList {
        let list = self.wanted(device).await.expect("a list is wanted");
        for report in [Report::Staged, Report::Trial, Report::Committed] {
            self.report(device, &list, &report).await;
        }
        list
    }

    pub(crate) async fn wanted(&self, device: u32) -> Option<ReportedList> {
        self.service.wanted_list(device).await.unwrap().map(|list| reported(list.version()))
    }

    pub(crate) async fn edit(&self, device: u32, addresses: &[&str]) -> DeviceServers {
        let base = self.service.find_servers(device).await.unwrap().revision;
        self.service.replace_servers(&admin(), device, base, rows(addresses)).await.unwrap()
    }
}

impl Newcomer {
    pub(crate) fn key(&self) -> String {
        key_fingerprint(&self.request).unwrap().to_string()
    }

    pub(crate) fn enrolment(&self) -> Enrolment {
        Enrolment {
            enrol: Enrol {
                protocol_version: 1,
                info: wire_info(self.id),
                provisioning_id: self.string.id.clone(),
                proof: proof_of(&self.string.secret, &BINDING, &self.request).to_vec(),
                certificate_request: self.request.clone(),
            },
            fingerprint: key_fingerprint(&self.request).unwrap(),
            channel_binding: BINDING.to_vec(),
            peer: "198.51.100.7:40000".parse().unwrap(),
        }
    }
}

pub(crate) fn admin() -> Actor {
    Actor { login: "admin".to_owned(), peer: Some("198.51.100.1".to_owned()) }
}

pub(crate) fn arrival(session: u64, device: u32, committed: ReportedList) -> Arrival {
    Arrival {
        session,
        device,
        info: info(device),
        boot_id: 5,
        connection_sequence: 3,
        dialled: entry(1, "192.0.2.1"),
        committed,
        ring: None,
        epoch: None,
        starts: Vec::new(),
        move_failed: None,
        certificate_serial: "none".to_owned(),
        certificate_ends_unix_s: 2_000_000_000,
        peer: "198.51.100.7:40000".to_owned(),
    }
}

pub(crate) fn reported(version: wire::ListVersion) -> ReportedList {
    ReportedList { epoch: version.epoch, number: version.number, hash: version.hash.to_string() }
}

pub(crate) fn entry(priority: u8, address: &str) -> ServerEntry {
    ServerEntry { address: address.to_owned(), port: 51213, priority }
}

pub(crate) fn row(priority: &str, address: &str, port: &str) -> EntryInput {
    EntryInput { priority: priority.to_owned(), address: address.to_owned(), port: port.to_owned() }
}

/// Rows with priorities from 1 and the usual port.
pub(crate) fn rows(addresses: &[&str]) -> Vec<EntryInput> {
    addresses.iter().zip(1..).map(|(address, priority)| row(&priority.to_string(), address, "51213")).collect()
}

pub(crate) fn info(device: u32) -> DeviceInfo {
    DeviceInfo {
        device_type: 3,
        device_type_name: "BioLite Net".to_owned(),
        product_name: "BioLite Net".to_owned(),
        firmware_version: "2.3.2".to_owned(),
        kernel_version: "1.0.0".to_owned(),
        hardware_version: "1.0.0".to_owned(),
        ip_config: IpConfig { ip_addr: format!("10.0.0.{}", device % 250), ..IpConfig::default() },
        serial_config: SerialConfig::default(),
    }
}

fn wire_info(device: u32) -> wire::DeviceInfo {
    wire::DeviceInfo {
        device_id: DeviceId(device),
        device_type: 3,
        product_name: "BioLite Net".to_owned(),
        firmware_version: "2.3.2".to_owned(),
        kernel_version: "1.0.0".to_owned(),
        hardware_version: "1.0.0".to_owned(),
        ip_config: wire::IpConfig::default(),
        serial_config: wire::SerialConfig::default(),
    }
}

fn new_request() -> Vec<u8> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    rcgen::CertificateParams::default().serialize_request(&key).unwrap().der().to_vec()
}
