//! A server's rules and its device gateway on a real store and a real socket, without the web portal.

use gateway::{
    authority::{Authority, ServerKey},
    provisioning::ProvisioningString,
    server::{self as gateway_server, Settings},
    tls::server_config,
    wire::{ALPN, Address, Enrolled},
};
use model::{DeviceServers, EntryInput, ProvisioningInput, Role};
use rcgen::KeyPair;
use server::{
    Service,
    actor::Actor,
    changes::Change,
    clock::Clock,
    cluster::roles::RoleRecord,
    db::{DATABASE_FILE, Installation, Store},
    epoch::EpochToken,
    identity::Identity,
    interfaces::devices::Link,
    keys::Keys,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use time::OffsetDateTime;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct GatewayServer {
    pub(crate) service: Arc<Service>,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
    authority: Authority,
    _stop: DropGuard,
}

/// A device that was accepted: its key and what it was given.
pub(crate) struct Member {
    pub(crate) key: KeyPair,
    pub(crate) enrolled: Enrolled,
}

impl GatewayServer {
    /// The active server of a new installation.
    pub(crate) async fn active() -> Self {
        let authority = Authority::create("site", OffsetDateTime::now_utc()).unwrap();
        Self::start(authority, "one", None, tempfile::tempdir().unwrap()).await
    }

    /// A standby of the same installation, with a copy of the database as it is now.
    pub(crate) async fn standby(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for suffix in ["", "-wal"] {
            let name = format!("{DATABASE_FILE}{suffix}");
            std::fs::copy(self.folder.path().join(&name), folder.path().join(&name)).unwrap();
        }
        Self::start(self.authority(), "two", Some(self.service.known_epoch()), folder).await
    }

    /// A standby knows an epoch; the first server makes it.
    async fn start(
        authority: Authority,
        server_id: &str,
        known: Option<EpochToken>,
        folder: tempfile::TempDir,
    ) -> Self {
        let store = Store::open(folder.path()).await.unwrap();
        let installation = Installation {
            id: "site".to_owned(),
            epoch: 1,
            active_server: "one".to_owned(),
            created_at: "2026-01-01T00:00:00.000Z".to_owned(),
        };
        store.insert_installation(&installation).await.unwrap();
        let again = Authority::from_pem(authority.certificate_pem(), &authority.key_pem()).unwrap();
        let key = ServerKey::generate().unwrap();
        let signed =
            again.issue_requested_server(&key.request().unwrap(), server_id, OffsetDateTime::now_utc()).unwrap();
        let keys = Keys::of_newcomer(again, [7; 32], server_id, &key, signed.certificate_pem).unwrap();
        let tls = server_config(&keys.server_credentials().unwrap(), &[ALPN]).unwrap();
        let server = Identity {
            installation_id: "site".to_owned(),
            server_id: server_id.to_owned(),
            server_name: format!("BioStar Server {server_id}"),
        };
        let role = if known.is_some() { Role::Standby } else { Role::Active };
        let role = RoleRecord::new(role, known.unwrap_or_else(|| EpochToken::seal(&keys, 1, server_id).unwrap()));
        let service = Service::new(store, keys, server, role, Clock::system());
        let link = Link::open(Arc::clone(&service)).await.unwrap();
        let listener = gateway_server::bind("127.0.0.1:0".parse().unwrap(), 64).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let settings = Settings {
            stability: Duration::from_millis(200),
            trial_timeout: |_| Duration::from_secs(5),
            reconnect_spread_s: 0,
            ..Settings::default()
        };
        let (handle, _) = gateway_server::start(listener, tls, link, settings, stop.clone());
        service.attach_gateway(handle);
        service.advertise(Address::Ip(address.ip()), address.port());
        Self { service, address, folder, authority, _stop: stop.drop_guard() }
    }

    pub(crate) fn authority(&self) -> Authority {
        Authority::from_pem(self.authority.certificate_pem(), &self.authority.key_pem()).unwrap()
    }

    pub(crate) async fn string(&self) -> ProvisioningString {
        let input = ProvisioningInput { uses: 1, expires_in_seconds: 600, addresses: Vec::new() };
        let made = self.service.create_provisioning_string(&admin(), input).await.unwrap();
        made.string.unwrap().parse().unwrap()
    }

    /// What this server saw as standby reaches the active one, as the exchange between them would do it.
    pub(crate) async fn forward_outcomes(&self, active: &Self) {
        let mut changes = self.service.changes().listen();
        loop {
            let outcomes = Store::open(self.folder.path()).await.unwrap().list_unnoted_outcomes().await.unwrap();
            if !outcomes.is_empty() {
                return active.service.note_outcomes(outcomes).await.unwrap();
            }
            let change = timeout(PATIENCE, changes.recv()).await.expect("an outcome comes").unwrap();
            assert_ne!(change, Change::WaitingDevice);
        }
    }

    pub(crate) async fn servers(&self, device: u32) -> DeviceServers {
        self.service.find_servers(device).await.unwrap()
    }

    /// Waits until the device's servers look as expected.
    pub(crate) async fn until(&self, device: u32, expected: impl Fn(&DeviceServers) -> bool) -> DeviceServers {
        let mut changes = self.service.changes().listen();
        let mut last = None;
        let wait = async {
            loop {
                let servers = self.servers(device).await;
                if expected(&servers) {
                    return servers;
                }
                last = Some(servers);
                changes.recv().await.unwrap();
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(servers) => servers,
            Err(_) => panic!("still {last:?}"),
        }
    }
}

pub(crate) fn admin() -> Actor {
    Actor { login: "admin".to_owned(), peer: None }
}

/// Rows as an operator types them: priorities from 1.
pub(crate) fn rows(addresses: &[SocketAddr]) -> Vec<EntryInput> {
    let row = |(address, priority): (&SocketAddr, u8)| EntryInput {
        priority: priority.to_string(),
        address: address.ip().to_string(),
        port: address.port().to_string(),
    };
    addresses.iter().zip(1..).map(row).collect()
}
