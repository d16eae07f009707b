//! Bad bytes end the session they came in, with a reason, and nobody else's.

use crate::installation::{Installation, quick};
use crate::raw_device::{DEVICE, RawDevice, assert_says, hello};
use gateway::tls::Trust;
use gateway::wire::{DeviceId, Hello, MAX_FRAME_BYTES, Message, Reason, ServerList};

const OTHER: DeviceId = DeviceId(2);

async fn two(installation: &Installation) -> (RawDevice, RawDevice) {
    let list = ServerList::new(1, 1, None, installation.entries());
    let (one, _) = RawDevice::register(&installation.world, installation.address, hello(DEVICE, &list)).await;
    let (two, _) = RawDevice::register(&installation.world, installation.address, hello(OTHER, &list)).await;
    (one, two)
}

#[tokio::test]
async fn an_oversized_frame() {
    let installation = Installation::start(quick()).await;
    let (mut bad, mut good) = two(&installation).await;
    let length = u32::try_from(MAX_FRAME_BYTES + 1).unwrap();
    bad.say_bytes(&length.to_be_bytes()).await.unwrap();
    assert_says(&bad.goodbye().await, Reason::Oversized);
    assert!(good.is_alive().await);
}

#[tokio::test]
async fn a_malformed_frame() {
    let installation = Installation::start(quick()).await;
    let (mut bad, mut good) = two(&installation).await;
    bad.say_bytes(&[0, 0, 0, 3, 0xff, 0xff, 0xff]).await.unwrap();
    assert_says(&bad.goodbye().await, Reason::Malformed);
    assert!(good.is_alive().await);
}

#[tokio::test]
async fn a_truncated_frame() {
    let installation = Installation::start(quick()).await;
    let (mut bad, mut good) = two(&installation).await;
    bad.say_bytes(&[0, 0, 0, 9, 8]).await.unwrap();
    bad.hang_up().await;
    installation
        .world
        .until("the end", |state| state.devices[&DEVICE].ended.iter().any(|(_, reason)| *reason == Reason::Malformed))
        .await;
    assert!(good.is_alive().await);
}

#[tokio::test]
async fn a_frame_in_single_bytes_is_a_frame() {
    let installation = Installation::start(quick()).await;
    let (mut device, _other) = two(&installation).await;
    // Ping (field 8) with nonce 5.
    for byte in [0, 0, 0, 4, 0x42, 2, 8, 5] {
        device.say_bytes(&[byte]).await.unwrap();
    }
    assert_eq!(device.hear().await, Some(Message::Pong { nonce: 5 }));
}

#[tokio::test]
async fn an_unknown_message_is_answered_and_the_session_lives() {
    let installation = Installation::start(quick()).await;
    let (mut device, _other) = two(&installation).await;
    // Field 1000, length-delimited, empty.
    device.say_bytes(&[0, 0, 0, 3, 0xc2, 0x3e, 0]).await.unwrap();
    assert!(matches!(device.hear().await, Some(Message::Unsupported { .. })));
    assert!(device.is_alive().await);
}

#[tokio::test]
async fn another_version_or_protocol() {
    let installation = Installation::start(quick()).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    let mut newer = RawDevice::dial_as(&installation.world, installation.address, DEVICE).await;
    newer.say(Message::Hello(Hello { protocol_version: 2, ..hello(DEVICE, &list) })).await;
    assert_says(&newer.goodbye().await, Reason::UnsupportedVersion);

    let trust = Trust::Fingerprint(installation.world.authority.fingerprint());
    let mut silent = RawDevice::dial_trusting(trust, installation.address, None, &[]).await.unwrap();
    assert_says(&silent.goodbye().await, Reason::UnsupportedVersion);
}

#[tokio::test]
async fn a_message_out_of_place() {
    let installation = Installation::start(quick()).await;
    let (mut bad, mut good) = two(&installation).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    bad.say(Message::Hello(hello(DEVICE, &list))).await;
    assert_says(&bad.goodbye().await, Reason::UnexpectedMessage);
    assert!(good.is_alive().await);
}
