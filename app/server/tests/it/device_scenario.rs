//! A real device and real gateways: it enrols, tries its list at another server, goes home to the active one, and comes
//! back from a list that does not work.

use crate::{
    gateway_server::{GatewayServer, admin, rows},
    raw_device::info,
};
use gateway::{
    client::{self, ClientSettings, Status},
    device::Config,
    provisioning::ProvisioningString,
};
use model::{DeviceServers, PushState};
use std::{net::SocketAddr, path::Path, time::Duration};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

const DEVICE: u32 = 547_846_001;
const PATIENCE: Duration = Duration::from_secs(30);

/// A running device.
struct Running {
    status: watch::Receiver<Status>,
    _stop: DropGuard,
}

impl Running {
    fn start(state_dir: &Path, provisioning: Option<ProvisioningString>) -> Self {
        let (tell, status) = watch::channel(Status::Starting);
        let settings = ClientSettings {
            state_dir: state_dir.to_owned(),
            info: info(DEVICE),
            provisioning,
            config: Config { spread: Duration::from_millis(50), ..Config::default() },
            seed: Some(1),
            network: None,
            events: None,
            status: Some(tell),
        };
        let stop = CancellationToken::new();
        tokio::spawn(client::run(settings, stop.clone()));
        Self { status, _stop: stop.drop_guard() }
    }

    /// Waits until it is connected to that server.
    async fn is_on(&mut self, server: &str) {
        let on = |status: &Status| matches!(status, Status::Connected { server_id, .. } if server_id == server);
        let arrived = timeout(PATIENCE, self.status.wait_for(on)).await.map(|found| found.map(|_| ()));
        assert!(matches!(arrived, Ok(Ok(()))), "still {:?}", *self.status.borrow());
    }
}

/// Accepts the device as soon as it asks.
async fn accept(server: &GatewayServer) {
    let mut changes = server.service.changes().listen();
    while server.service.list_waiting().await.unwrap().is_empty() {
        timeout(PATIENCE, changes.recv()).await.expect("the device asks").unwrap();
    }
    server.service.accept_waiting_by_device_id(&admin(), DEVICE).await.unwrap();
}

fn state_of(servers: &DeviceServers) -> Option<PushState> {
    servers.push.as_ref().map(|push| push.state)
}

#[tokio::test]
async fn after_a_trial_at_a_standby_a_device_goes_to_the_active_one() {
    let one = GatewayServer::active().await;
    let state = tempfile::tempdir().unwrap();
    let mut device = Running::start(state.path(), Some(one.string().await));
    accept(&one).await;
    device.is_on("one").await;
    let two = one.standby().await;
    let list = rows(&[two.address, one.address]);
    one.service.replace_servers(&admin(), DEVICE, 1, list).await.unwrap();
    device.is_on("two").await;
    two.until(DEVICE, |servers| servers.committed.as_ref().is_some_and(|c| c.revision == 2)).await;
    two.forward_outcomes(&one).await;
    assert_eq!(state_of(&one.servers(DEVICE).await), Some(PushState::Committed));

    // The standby stands first in the list, but it is not the one to be at.
    device.is_on("one").await;
    let servers = one.until(DEVICE, |servers| servers.connected.is_some()).await;
    let connection = servers.connected.unwrap();
    assert_eq!((connection.priority, connection.port), (2, one.address.port()));
    assert_eq!(servers.committed.unwrap().hash, servers.hash);
}

#[tokio::test]
async fn after_a_dead_list_a_device_keeps_its_old_one_over_a_restart() {
    let one = GatewayServer::active().await;
    let state = tempfile::tempdir().unwrap();
    let device = Running::start(state.path(), Some(one.string().await));
    accept(&one).await;
    one.until(DEVICE, |servers| servers.connected.is_some()).await;
    let dead: SocketAddr = "127.0.0.1:1".parse().unwrap();
    one.service.replace_servers(&admin(), DEVICE, 1, rows(&[dead])).await.unwrap();
    let servers = one.until(DEVICE, |servers| state_of(servers) == Some(PushState::RolledBack)).await;
    let push = servers.push.unwrap();
    assert_eq!((push.failures[0].port, push.failures[0].reason.as_str()), (1, "refused"));
    assert_eq!((servers.revision, servers.entries[0].port), (3, one.address.port()));
    drop(device);
    one.until(DEVICE, |servers| servers.connected.is_none()).await;

    let mut device = Running::start(state.path(), None);
    device.is_on("one").await;
    let servers = one.until(DEVICE, |servers| servers.connected.is_some()).await;
    assert_eq!(servers.committed.unwrap().revision, 1);
}
