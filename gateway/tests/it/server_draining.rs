//! A server that sends its devices away does so in waves, and strands nobody.

use crate::installation::{Installation, quick};
use crate::memory_directory::State;
use crate::raw_device::{RawDevice, assert_says, hello};
use gateway::server::{Settings, Waves};
use gateway::wire::{DeviceId, Reason, ServerList};
use std::time::Duration;

const DEVICES: u32 = 6;

async fn devices(installation: &Installation) -> Vec<RawDevice> {
    let list = ServerList::new(1, 1, None, installation.entries());
    let mut devices = Vec::new();
    for number in 1..=DEVICES {
        devices.push(
            RawDevice::register(&installation.world, installation.address, hello(DeviceId(number), &list)).await.0,
        );
    }
    devices
}

fn told(state: &State) -> usize {
    let ends = state.devices.values().flat_map(|row| &row.ended);
    ends.filter(|(_, reason)| *reason == Reason::Draining).count()
}

#[tokio::test]
async fn everybody_is_told_and_who_comes_back_is_admitted() {
    let installation = Installation::start(quick()).await;
    let mut devices = devices(&installation).await;
    let waves = Waves { size: 4, pause: Duration::from_secs(3) };
    let farewells = async {
        for device in &mut devices {
            let goodbye = device.goodbye().await;
            assert_says(&goodbye, Reason::Draining);
            assert_eq!(goodbye.reconnect_spread_s, 3);
        }
    };
    let (count, ()) = tokio::join!(installation.handle.drain(waves), farewells);
    assert_eq!(count, DEVICES as usize);
    installation.world.until("all ends", |state| told(state) == DEVICES as usize).await;
    assert_eq!(installation.handle.connected(), 0);

    let list = ServerList::new(1, 1, None, installation.entries());
    let (mut back, _) = RawDevice::register(&installation.world, installation.address, hello(DeviceId(1), &list)).await;
    assert!(back.is_alive().await);
}

#[tokio::test]
async fn a_wave_leaves_the_others_alone_until_their_turn() {
    let installation = Installation::start(quick()).await;
    let mut devices = devices(&installation).await;
    let waves = Waves { size: 2, pause: Duration::from_secs(600) };
    let two_gone = installation.world.until("the first wave", |state| told(state) == 2);
    tokio::select! {
        _ = installation.handle.drain(waves) => panic!("there are more waves"),
        () = two_gone => {}
    }
    // Given up, it sends no more away.
    assert_eq!(installation.handle.connected(), DEVICES as usize - 2);
    let mut alive = 0;
    for device in &mut devices {
        device.say(gateway::wire::Message::Ping { nonce: 1 }).await;
        alive += usize::from(matches!(device.hear().await, Some(gateway::wire::Message::Pong { nonce: 1 })));
    }
    assert_eq!(alive, DEVICES as usize - 2);
}

#[tokio::test]
async fn the_advertised_spread_grows_with_the_devices() {
    let installation = Installation::start(Settings { capacity_per_s: 1, ..quick() }).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    let (mut spreads, mut devices) = (Vec::new(), Vec::new());
    for number in 1..=3 {
        let (device, registered) =
            RawDevice::register(&installation.world, installation.address, hello(DeviceId(number), &list)).await;
        spreads.push(registered.reconnect_spread_s);
        devices.push(device);
    }
    assert_eq!(spreads, [2, 4, 6]);
    // All leave together, so all are told the same, also the last of them.
    let farewells = async {
        for device in &mut devices {
            assert_eq!(device.goodbye().await.reconnect_spread_s, 6);
        }
    };
    tokio::join!(installation.stop(), farewells);
}
