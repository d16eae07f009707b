//! Events over real sockets: kept through crashes, in order on every server, and no faster than a server stores them.

use crate::installation::{Installation, entries, quick};
use crate::memory_directory::State;
use crate::raw_device::{DEVICE, RawDevice, assert_says, hello};
use gateway::server::Settings;
use gateway::simulator::{FIRST_DEVICE, Fault, Fleet, FleetSettings, Happened, IDENTIFIED};
use gateway::wire::{
    Event, EventUpload, Hello, MAX_UPLOAD_EVENTS, Message, Reason, RingId, RingSpan, Role, SERVER_CONNECTED, ServerList,
};
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

const RING: RingId = RingId([7; 16]);

/// A fleet of one, accepted by a site.
struct EventDevice {
    fleet: Fleet,
    folder: TempDir,
    _stop: DropGuard,
}

impl EventDevice {
    /// A device whose list names these servers, the first first.
    async fn at(installations: &[&Installation]) -> Self {
        let installation = installations[0];
        let addresses: Vec<_> = installations.iter().map(|installation| installation.address).collect();
        installation.world.with(|state| state.first_list = Some(entries(&addresses)));
        let folder = TempDir::new().unwrap();
        let stop = CancellationToken::new();
        let settings = FleetSettings {
            state_dir: folder.path().to_owned(),
            count: 1,
            first_id: FIRST_DEVICE,
            provisioning: Some(installation.world.provisioning(vec![installation.place()])),
            config: gateway::device::Config::default(),
            starts_per_second: 100,
        };
        let fleet = Fleet::start(&settings, &stop).unwrap();
        installation.world.until("it waits", |state| state.waiting.len() == 1).await;
        installation.handle.wake_waiting(installation.world.decide(FIRST_DEVICE, true));
        let device = Self { fleet, folder, _stop: stop.drop_guard() };
        installation.world.until("connected", |state| is_on(state, "server-1")).await;
        device
    }

    async fn used(&self, count: u32, user: &str) {
        let happened = Happened { code: IDENTIFIED, user_id: user.to_owned(), count };
        self.fleet.log(FIRST_DEVICE, &happened).await.unwrap();
    }
}

fn is_on(state: &State, server: &str) -> bool {
    state.devices.get(&FIRST_DEVICE).and_then(|row| row.session.as_ref()).is_some_and(|(_, on)| on == server)
}

/// What a server holds of the uses of the door, as user and number, in order.
fn uses(state: &State, server: &str) -> Vec<String> {
    let Some(store) = state.devices.get(&FIRST_DEVICE).and_then(|row| row.events.get(server)) else {
        return Vec::new();
    };
    let events = store.held.values().flat_map(|ring| ring.values()).flatten();
    events
        .filter(|event| event.code == IDENTIFIED)
        .map(|event| format!("{}: {}", event.user_id, event.detail))
        .collect()
}

fn expected(parts: &[(&str, u32)]) -> Vec<String> {
    parts.iter().flat_map(|(user, count)| (1..=*count).map(move |n| format!("{user}: {n} of {count}"))).collect()
}

#[tokio::test]
async fn events_follow_the_device_to_the_server_that_lives() {
    let first = Installation::start(quick()).await;
    let second = Installation::start_in(&first.world, "server-2", Role::Standby, quick()).await;
    let world = first.world.clone();
    let device = EventDevice::at(&[&first, &second]).await;
    device.used(250, "ada").await;
    let all = expected(&[("ada", 250)]);
    world.until("the first has them", |state| uses(state, "server-1") == all).await;

    first.stop().await;
    device.used(30, "ben").await;
    let all = expected(&[("ada", 250), ("ben", 30)]);
    world.until("the second has all", |state| uses(state, "server-2") == all).await;
    assert_eq!(world.with(|state| uses(state, "server-1")), expected(&[("ada", 250)]));
    let codes = world.with(|state| {
        let rings = &state.devices[&FIRST_DEVICE].events["server-2"].held;
        assert_eq!(rings.len(), 1);
        rings.values().flat_map(|ring| ring.values().flatten().map(|event| event.code)).collect::<Vec<_>>()
    });
    assert!(codes.contains(&SERVER_CONNECTED), "it logs by itself too");
}

#[tokio::test]
async fn events_survive_power_cuts_and_are_not_sent_twice() {
    let installation = Installation::start(quick()).await;
    let device = EventDevice::at(&[&installation]).await;
    installation.world.with(|state| state.storage_down = true);
    device.used(120, "ada").await;
    device.fleet.inflict(FIRST_DEVICE, Fault::CutPower).await.unwrap();
    device.used(5, "ben").await;
    installation.world.with(|state| state.storage_down = false);
    let all = expected(&[("ada", 120), ("ben", 5)]);
    installation.world.until("all are there", |state| uses(state, "server-1") == all).await;

    for _ in 0..3 {
        let registered = |state: &State| state.devices[&FIRST_DEVICE].hellos.len();
        let before = installation.world.with(|state| registered(state));
        device.fleet.inflict(FIRST_DEVICE, Fault::CutPower).await.unwrap();
        installation.world.until("back", |state| registered(state) > before && is_on(state, "server-1")).await;
    }
    device.used(2, "cyd").await;
    let all = expected(&[("ada", 120), ("ben", 5), ("cyd", 2)]);
    installation.world.until("all are there", |state| uses(state, "server-1") == all).await;
    assert!(device.folder.path().join(FIRST_DEVICE.to_string()).join("events").is_dir());
}

#[tokio::test]
async fn a_slow_server_slows_the_device_and_loses_nothing() {
    let installation = Installation::start(Settings { evict_after: Duration::from_secs(60), ..quick() }).await;
    let device = EventDevice::at(&[&installation]).await;
    installation.world.with(|state| state.store_delay = Duration::from_millis(50));
    device.used(2000, "ada").await;
    let all = expected(&[("ada", 2000)]);
    installation.world.until("all are there", |state| uses(state, "server-1") == all).await;
    installation.world.with(|state| {
        let row = &state.devices[&FIRST_DEVICE];
        assert_eq!(row.hellos.len(), 1, "one session did it all");
        let uploads = &row.events["server-1"].uploads;
        let events = |upload: &EventUpload| match upload {
            EventUpload::Events { events, .. } => events.len(),
            EventUpload::Gap { .. } | EventUpload::NewRing { .. } => 0,
        };
        assert!(uploads.iter().map(events).max() <= Some(MAX_UPLOAD_EVENTS));
        assert_eq!(uploads.iter().map(events).sum::<usize>(), 2001, "each was sent once");
    });
}

fn upload(first_id: u64, count: usize) -> Message {
    let event = Event { time_unix_ms: 1, code: IDENTIFIED, user_id: "1".into(), detail: String::new() };
    Message::Upload(EventUpload::Events { ring: RING, first_id, events: vec![event; count] })
}

fn stored(watermark: u64) -> Option<Message> {
    Some(Message::EventsStored { ring: RING, watermark })
}

fn with_ring(installation: &Installation, newest: u64) -> Hello {
    let list = ServerList::new(1, 1, None, installation.entries());
    Hello { ring: Some(RingSpan { ring: RING, oldest: 1, newest, replaces: None }), ..hello(DEVICE, &list) }
}

#[tokio::test]
async fn only_what_goes_on_counts_and_the_next_session_is_told() {
    let installation = Installation::start(quick()).await;
    let (mut device, registered) =
        RawDevice::register(&installation.world, installation.address, with_ring(&installation, 40)).await;
    assert_eq!(registered.event_watermark, 0);
    for (message, watermark) in [
        (upload(2, 5), 0),
        (upload(1, 5), 5),
        (upload(1, 5), 5),
        (upload(4, 5), 8),
        (Message::Upload(EventUpload::Gap { ring: RING, first_id: 9, last_id: 20 }), 20),
        (upload(30, 1), 20),
        (upload(21, 1), 21),
    ] {
        device.say(message).await;
        assert_eq!(device.hear().await, stored(watermark));
    }
    let other = RingId([8; 16]);
    device.say(Message::Upload(EventUpload::NewRing { ring: other, replaces: RING })).await;
    assert_eq!(device.hear().await, Some(Message::EventsStored { ring: other, watermark: 0 }));
    drop(device);
    let (_device, registered) =
        RawDevice::register(&installation.world, installation.address, with_ring(&installation, 40)).await;
    assert_eq!(registered.event_watermark, 21);
}

#[tokio::test]
async fn what_cannot_be_written_is_not_acknowledged_until_it_is() {
    let installation = Installation::start(quick()).await;
    let (mut device, _) =
        RawDevice::register(&installation.world, installation.address, with_ring(&installation, 200)).await;
    installation.world.with(|state| state.storage_down = true);
    device.say(upload(1, 100)).await;
    device.say(upload(101, 100)).await;
    // A pong overtakes what is not acknowledged: the session lives.
    for _ in 0..3 {
        assert!(device.is_alive().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    installation.world.with(|state| state.storage_down = false);
    assert_eq!(device.hear().await, stored(100));
    assert_eq!(device.hear().await, stored(200));
}

#[tokio::test]
async fn a_device_that_does_not_wait_for_answers_is_shown_out() {
    let installation = Installation::start(quick()).await;
    let (mut device, _) =
        RawDevice::register(&installation.world, installation.address, with_ring(&installation, 300)).await;
    installation.world.with(|state| state.storage_down = true);
    for first in [1, 101, 201] {
        device.say(upload(first, 100)).await;
    }
    assert_says(&device.goodbye().await, Reason::UnexpectedMessage);
}
