//! Who holds a session: the newest, as long as it is heard, until somebody ends it with a reason.

use crate::installation::{Installation, quick};
use crate::memory_directory::State;
use crate::raw_device::{DEVICE, RawDevice, assert_says, hello};
use gateway::server::{Refusal, Settings};
use gateway::wire::{DeviceId, Goodbye, Hello, Message, Reason, ServerList};
use std::time::Duration;

fn list(installation: &Installation) -> ServerList {
    ServerList::new(1, 1, None, installation.entries())
}

fn is_connected(state: &State) -> bool {
    state.devices.get(&DEVICE).is_some_and(|row| row.session.is_some())
}

fn has_ended(state: &State, reason: Reason) -> bool {
    state.devices[&DEVICE].ended.iter().any(|(_, why)| *why == reason)
}

#[tokio::test]
async fn the_newest_session_wins_and_the_late_close_is_harmless() {
    let installation = Installation::start(quick()).await;
    let hello = hello(DEVICE, &list(&installation));
    let (mut old, first) = RawDevice::register(&installation.world, installation.address, hello.clone()).await;
    let (mut new, second) = RawDevice::register(&installation.world, installation.address, hello).await;
    assert!(second.connection_sequence > first.connection_sequence);
    assert_says(&old.goodbye().await, Reason::Replaced);
    drop(old);
    installation.world.until("the old one's end", |state| has_ended(state, Reason::Replaced)).await;
    assert!(installation.world.with(|state| is_connected(state)));
    assert_eq!(installation.handle.connected(), 1);
    assert!(new.is_alive().await);
}

#[tokio::test]
async fn a_higher_sequence_of_the_device_is_taken_up() {
    let installation = Installation::start(quick()).await;
    let hello = Hello { connection_sequence: 41, ..hello(DEVICE, &list(&installation)) };
    let (_device, registered) = RawDevice::register(&installation.world, installation.address, hello).await;
    assert_eq!(registered.connection_sequence, 42);
}

#[tokio::test]
async fn silence_evicts() {
    let settings = Settings { evict_after: Duration::from_millis(300), ..quick() };
    let installation = Installation::start(settings).await;
    let (mut device, _) =
        RawDevice::register(&installation.world, installation.address, hello(DEVICE, &list(&installation))).await;
    assert_says(&device.goodbye().await, Reason::TimedOut);
    installation.world.until("the end", |state| !is_connected(state) && has_ended(state, Reason::TimedOut)).await;
    assert_eq!(installation.handle.connected(), 0);
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_shown_out() {
    let settings = Settings {
        first_message_timeout: Duration::from_millis(200),
        handshake_timeout: Duration::from_millis(200),
        handshakes_max: 1,
        ..quick()
    };
    let installation = Installation::start(settings).await;
    // One that never shakes hands holds the only permit, but not for long.
    let mute = tokio::net::TcpStream::connect(installation.address).await.unwrap();
    let mut device = RawDevice::dial_as(&installation.world, installation.address, DEVICE).await;
    assert_says(&device.goodbye().await, Reason::TimedOut);
    drop(mute);
}

#[tokio::test]
async fn a_lost_connection_is_put_on_record() {
    let installation = Installation::start(quick()).await;
    let (device, _) =
        RawDevice::register(&installation.world, installation.address, hello(DEVICE, &list(&installation))).await;
    drop(device);
    installation.world.until("the end", |state| !is_connected(state) && has_ended(state, Reason::Unknown)).await;
}

#[tokio::test]
async fn a_device_that_leaves_is_believed() {
    let installation = Installation::start(quick()).await;
    let (mut device, _) =
        RawDevice::register(&installation.world, installation.address, hello(DEVICE, &list(&installation))).await;
    let goodbye = Goodbye { reason: Reason::ShuttingDown, text: "restart".into(), reconnect_spread_s: 0 };
    device.say(Message::Goodbye(goodbye)).await;
    assert_eq!(device.hear().await, None);
    installation.world.until("the end", |state| has_ended(state, Reason::ShuttingDown)).await;
}

#[tokio::test]
async fn a_device_is_turned_away_with_the_reason() {
    let installation = Installation::start(quick()).await;
    let hello = hello(DEVICE, &list(&installation));
    installation.world.with(|state| state.turn_away = Some(Refusal::Busy(Duration::from_secs(7))));
    let mut device = RawDevice::dial_as(&installation.world, installation.address, DEVICE).await;
    device.say(Message::Hello(hello.clone())).await;
    assert_eq!(device.hear().await, Some(Message::Busy { retry_after_s: 7 }));
    assert_eq!(device.hear().await, None);

    installation.world.with(|state| {
        state.turn_away = None;
        state.devices.entry(DEVICE).or_default().revoked = true;
    });
    let mut device = RawDevice::dial_as(&installation.world, installation.address, DEVICE).await;
    device.say(Message::Hello(hello)).await;
    assert_says(&device.goodbye().await, Reason::Revoked);
    assert_eq!(installation.handle.connected(), 0);
}

#[tokio::test]
async fn an_operator_ends_a_session() {
    let installation = Installation::start(quick()).await;
    let (mut device, _) =
        RawDevice::register(&installation.world, installation.address, hello(DEVICE, &list(&installation))).await;
    installation.handle.close(DeviceId(9), Reason::Removed, "somebody else");
    assert!(device.is_alive().await);
    installation.handle.close(DEVICE, Reason::Removed, "removed by an operator");
    let goodbye = device.goodbye().await;
    assert_eq!((goodbye.reason, goodbye.text.as_str()), (Reason::Removed, "removed by an operator"));
}

#[tokio::test]
async fn a_stopping_server_says_goodbye_to_everybody_and_ends() {
    let installation = Installation::start(quick()).await;
    let mut devices = Vec::new();
    for number in 1..=5 {
        let hello = hello(DeviceId(number), &list(&installation));
        devices.push(RawDevice::register(&installation.world, installation.address, hello).await.0);
    }
    let (world, address) = (installation.world.clone(), installation.address);
    let farewells = async {
        for device in &mut devices {
            let goodbye = device.goodbye().await;
            assert_eq!((goodbye.reason, goodbye.reconnect_spread_s), (Reason::ShuttingDown, 2));
        }
    };
    tokio::join!(installation.stop(), farewells);
    assert!(world.with(|state| state.devices.values().all(|row| row.session.is_none())));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stopping_server_does_not_wait_for_a_dead_device() {
    let installation = Installation::start(quick()).await;
    let (device, _) =
        RawDevice::register(&installation.world, installation.address, hello(DEVICE, &list(&installation))).await;
    // The device neither reads nor closes.
    installation.stop().await;
    drop(device);
}

#[tokio::test]
async fn a_storm_is_served_with_few_handshakes_at_once() {
    let installation = Installation::start(Settings { handshakes_max: 2, ..quick() }).await;
    let list = list(&installation);
    let storm = (1..=60).map(|number| {
        let (world, address, hello) =
            (installation.world.clone(), installation.address, hello(DeviceId(number), &list));
        tokio::spawn(async move { RawDevice::register(&world, address, hello).await })
    });
    let mut devices = Vec::new();
    for registered in storm.collect::<Vec<_>>() {
        devices.push(registered.await.unwrap().0);
    }
    assert_eq!(installation.handle.connected(), 60);
    drop(devices);
    installation.world.until("all ends", |state| state.devices.values().all(|row| row.session.is_none())).await;
    assert_eq!(installation.handle.connected(), 0);
}
