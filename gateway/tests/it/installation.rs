//! A running session server on a real socket, and the credentials that belong to its installation.

use crate::memory_directory::{MemoryDirectory, World};
use gateway::authority::Authority;
use gateway::server::{self, Handle, Settings};
use gateway::tls::{Clock, ServerCredentials, Tickets, server_config_with};
use gateway::wire::{ALPN, Address, DeviceId, Entries, Role};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) type Credentials = (CertificateDer<'static>, PrivateKeyDer<'static>);

pub(crate) struct Installation {
    pub(crate) world: Arc<World>,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Installation {
    /// A new installation with one active server.
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::start_in(&World::new("site"), "server-1", Role::Active, settings).await
    }

    /// One more server of an installation.
    pub(crate) async fn start_in(world: &Arc<World>, server_id: &str, role: Role, settings: Settings) -> Self {
        let tls = server_tls(world, server_id);
        let listener = server::bind("127.0.0.1:0".parse().unwrap(), 64).unwrap();
        let address = listener.local_addr().unwrap();
        let directory = world.server(server_id, role);
        let stop = CancellationToken::new();
        let (handle, task) = server::start(listener, tls, Arc::clone(&directory), settings, stop.clone());
        Self { world: Arc::clone(world), directory, address, handle, stop: stop.drop_guard(), task }
    }

    /// As a device is told it.
    pub(crate) fn place(&self) -> (Address, u16) {
        (Address::Ip(self.address.ip()), self.address.port())
    }

    /// A list of this server alone.
    pub(crate) fn entries(&self) -> Entries {
        entries(&[self.address])
    }

    /// Stops it as an operator would.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        tokio::time::timeout(Duration::from_secs(2), self.task).await.expect("the server stops in time").unwrap();
    }
}

/// What a server of the installation shows and asks for.
pub(crate) fn server_tls(world: &World, server_id: &str) -> Arc<ServerConfig> {
    let issued = world.authority.issue_server(server_id, OffsetDateTime::now_utc()).unwrap();
    let credentials =
        ServerCredentials::from_pem(world.authority.certificate_pem(), &issued.certificate_pem, &issued.key_pem)
            .unwrap();
    // Any secret that only the installation's servers share; here nobody else looks.
    let tickets = Tickets::of_installation(&world.authority.fingerprint(), Clock::system());
    server_config_with(&credentials, &[ALPN], tickets).unwrap()
}

/// These servers, the first first.
pub(crate) fn entries(addresses: &[SocketAddr]) -> Entries {
    let texts: Vec<_> = addresses.iter().map(|address| (address.ip().to_string(), address.port())).collect();
    let numbered = texts.iter().zip(1..).map(|((ip, port), priority)| (priority, ip.as_str(), i64::from(*port)));
    Entries::parse(numbered).unwrap()
}

/// A key and a certificate for a device, as if it had enrolled at that time.
pub(crate) fn device_credentials(authority: &Authority, device: DeviceId, at: OffsetDateTime) -> Credentials {
    let key = rcgen::KeyPair::generate().unwrap();
    let request = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
    let issued = authority.issue_device(request.der(), device, at).unwrap();
    (issued.der.into(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

/// The defaults, faster where a test would have to wait.
pub(crate) fn quick() -> Settings {
    Settings {
        stability: Duration::from_millis(200),
        report_retry: Duration::from_millis(100),
        evict_after: Duration::from_secs(5),
        ..Settings::default()
    }
}
