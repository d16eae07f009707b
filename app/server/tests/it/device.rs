//! One real device that follows its rules, only faster.

use crate::pair::{console, folder, until};
use gateway::{
    client::{self, ClientError, ClientSettings},
    device,
    wire::{DeviceId, DeviceInfo, IpConfig, SerialConfig},
};
use model::{Connection, EntryInput, ProvisioningInput, PushState};
use server::{Service, start::Running};
use std::{net::SocketAddr, path::Path, time::Duration};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const DEVICE: u32 = 547_846_001;

/// A device that follows its rules, only faster.
pub(crate) struct QuickDevice {
    _running: JoinHandle<Result<(), ClientError>>,
    _stop: DropGuard,
    state: TempDir,
}

impl QuickDevice {
    /// Enrols, is accepted and registers.
    pub(crate) async fn at(active: &Running) -> Self {
        Self::numbered(active, DEVICE).await
    }

    /// The same with another Device ID.
    pub(crate) async fn numbered(active: &Running, id: u32) -> Self {
        let input = ProvisioningInput { uses: 1, expires_in_seconds: 600, addresses: Vec::new() };
        let string = active.service().create_provisioning_string(&console(), input).await.unwrap().string.unwrap();
        let state = folder();
        let settings = ClientSettings {
            state_dir: state.path().to_owned(),
            info: info(id),
            provisioning: Some(string.parse().unwrap()),
            config: fast(),
            seed: Some(1),
            network: None,
            events: None,
            status: None,
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(client::run(settings, stop.clone()));
        until("the device asks", async || active.service().accept_waiting_by_device_id(&console(), id).await.is_ok())
            .await;
        until("the device is connected", async || connection_of(active.service(), id).await.is_some()).await;
        Self { _running: running, _stop: stop.drop_guard(), state }
    }

    /// The folder of its key and certificate.
    pub(crate) fn state(&self) -> &Path {
        self.state.path()
    }
}

/// The rules with waits that a test can afford.
pub(crate) fn fast() -> device::Config {
    device::Config {
        spread: Duration::ZERO,
        attempt_pause: Duration::from_millis(50),
        backoff_first: Duration::from_millis(200),
        backoff_max: Duration::from_millis(500),
        ..device::Config::default()
    }
}

fn info(id: u32) -> DeviceInfo {
    DeviceInfo {
        device_id: DeviceId(id),
        device_type: 3,
        product_name: "BioLite Net".to_owned(),
        firmware_version: "2.3.4".to_owned(),
        kernel_version: "1.2.0".to_owned(),
        hardware_version: "1.0.0".to_owned(),
        ip_config: IpConfig { ip_addr: "127.0.10.1".to_owned(), port: 51_211, ..IpConfig::default() },
        serial_config: SerialConfig { rs485_mode: 0, baud_rate: 115_200 },
    }
}

pub(crate) async fn connection(service: &Service) -> Option<Connection> {
    connection_of(service, DEVICE).await
}

async fn connection_of(service: &Service, id: u32) -> Option<Connection> {
    service.find_servers(id).await.ok()?.connected
}

/// Is the device shown as connected to that server?
pub(crate) async fn shown_at(service: &Service, server: &str) -> bool {
    connection(service).await.is_some_and(|connection| connection.server == server)
}

pub(crate) fn rows(addresses: &[SocketAddr]) -> Vec<EntryInput> {
    let row = |(address, priority): (&SocketAddr, u8)| EntryInput {
        priority: priority.to_string(),
        address: address.ip().to_string(),
        port: address.port().to_string(),
    };
    addresses.iter().zip(1..).map(row).collect()
}

/// Gives the device these servers and waits until it keeps them.
pub(crate) async fn list(active: &Running, addresses: &[SocketAddr]) {
    list_of(active, DEVICE, addresses).await;
}

/// The same for another device.
pub(crate) async fn list_of(active: &Running, id: u32, addresses: &[SocketAddr]) {
    let service = active.service();
    let base = service.find_servers(id).await.unwrap().revision;
    let revision = service.replace_servers(&console(), id, base, rows(addresses)).await.unwrap().revision;
    until("the device keeps its new list", async || {
        let servers = service.find_servers(id).await.unwrap();
        let state = servers.push.map(|push| (push.revision, push.state));
        assert!(!matches!(state, Some((_, PushState::RolledBack))), "{state:?}");
        state == Some((revision, PushState::Committed))
    })
    .await;
}
