//! More devices at once than the directory can admit: the surplus is told when to come back, each its own moment.

use crate::installation::{entries, quick, server_tls};
use crate::memory_directory::{MemoryDirectory, World};
use crate::raw_device::{RawDevice, hello};
use gateway::server::{
    self, Admission, Directory, EnrolDecision, Enrolment, Identity, Progress, Refusal, Registration, Renewal,
    SessionId, Settings,
};
use gateway::wire::{DeviceId, EventUpload, Message, PROTOCOL_VERSION, Reason, Role, ServerList};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Those of the installation.
const DEVICES: usize = 100;

/// A directory that admits only as the test lets it.
struct Gated {
    inner: Arc<MemoryDirectory>,
    gate: Semaphore,
}

impl Directory for Gated {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn devices(&self) -> usize {
        DEVICES
    }

    async fn enrol(&self, enrolment: &Enrolment) -> EnrolDecision {
        self.inner.enrol(enrolment).await
    }

    async fn admit(&self, registration: &Registration) -> Result<Admission, Refusal> {
        self.gate.acquire().await.unwrap().forget();
        self.inner.admit(registration).await
    }

    async fn may_register(&self, device: DeviceId, serial: &[u8]) -> Result<(), Refusal> {
        self.inner.may_register(device, serial).await
    }

    async fn wanted(&self, device: DeviceId) -> Option<ServerList> {
        self.inner.wanted(device).await
    }

    async fn progress(&self, session: SessionId, device: DeviceId, progress: Progress) -> bool {
        self.inner.progress(session, device, progress).await
    }

    async fn store_events(&self, session: SessionId, device: DeviceId, upload: Arc<EventUpload>) -> Option<u64> {
        self.inner.store_events(session, device, upload).await
    }

    async fn renew(&self, session: SessionId, renewal: &Renewal) -> Result<Vec<u8>, String> {
        self.inner.renew(session, renewal).await
    }

    async fn closed(&self, session: SessionId, device: DeviceId, reason: Reason) {
        self.inner.closed(session, device, reason).await;
    }
}

/// The role of the server, if it would register the device now.
async fn probed(world: &World, address: SocketAddr, device: DeviceId) -> Option<Role> {
    let mut connection = RawDevice::dial_as(world, address, device).await;
    connection.say(Message::Probe { protocol_version: PROTOCOL_VERSION, device }).await;
    match connection.hear().await {
        Some(Message::ProbeAnswer(answer)) => Some(answer.role),
        Some(Message::Busy { .. }) => None,
        other => panic!("this is no answer to a probe: {other:?}"),
    }
}

#[tokio::test]
async fn the_surplus_is_told_when_to_come_back() {
    let world = World::new("site");
    let directory = Arc::new(Gated { inner: world.server("server-1", Role::Active), gate: Semaphore::new(0) });
    let settings = Settings { capacity_per_s: 2, ..quick() };
    let room = settings.backlog();
    let listener = server::bind("127.0.0.1:0".parse().unwrap(), 64).unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (handle, _) =
        server::start(listener, server_tls(&world, "server-1"), directory.clone(), settings, stop.clone());
    let _stop = stop.drop_guard();

    let list = ServerList::new(1, 1, None, entries(&[address]));
    let mut devices = Vec::new();
    for number in 1..=room {
        let mut device = RawDevice::dial_as(&world, address, DeviceId(number)).await;
        device.say(Message::Hello(hello(DeviceId(number), &list))).await;
        assert!(device.is_alive().await, "it waits for its admission");
        devices.push(device);
    }
    let mut waits = Vec::new();
    for number in 1..=6 {
        let mut device = RawDevice::dial_as(&world, address, DeviceId(room + number)).await;
        device.say(Message::Hello(hello(DeviceId(room + number), &list))).await;
        let Some(Message::Busy { retry_after_s }) = device.hear().await else { panic!("there is no room for it") };
        assert_eq!(device.hear().await, None);
        waits.push(retry_after_s);
    }
    assert!(waits.iter().all(|wait| (1..=3).contains(wait)), "6 devices at 2 a second: {waits:?}");
    assert_eq!(probed(&world, address, DeviceId(room + 7)).await, None, "it would not be registered now");
    assert!(world.with(|state| state.devices.is_empty()), "the directory was asked about the surplus");

    assert_eq!(handle.tally().turned_away, 6);

    directory.gate.add_permits(1000);
    for device in &mut devices {
        assert!(matches!(device.hear().await, Some(Message::Registered(_))));
    }
    assert_eq!(handle.connected(), room as usize);
    assert_eq!(probed(&world, address, DeviceId(room + 7)).await, Some(Role::Active));
    let late = RawDevice::register(&world, address, hello(DeviceId(room + 1), &list)).await;
    assert_eq!(late.1.connection_sequence, 1);
    // At 2 a second all devices that there are need 50 s, not only those that are here by now.
    assert_eq!(late.1.reconnect_spread_s, 100);
}
