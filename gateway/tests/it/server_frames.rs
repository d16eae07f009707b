//! Bad bytes end the session they came in, with a reason, and nobody else's.

use crate::raw_device::{DOOR, RawDevice, assert_says, hello};
use crate::site::{Site, quick};
use gateway::tls::Trust;
use gateway::wire::{DeviceId, Hello, MAX_FRAME_BYTES, Message, Reason, ServerList};

const OTHER: DeviceId = DeviceId(2);

async fn two(site: &Site) -> (RawDevice, RawDevice) {
    let list = ServerList::new(1, 1, None, site.entries());
    let (one, _) = RawDevice::register(&site.world, site.address, hello(DOOR, &list)).await;
    let (two, _) = RawDevice::register(&site.world, site.address, hello(OTHER, &list)).await;
    (one, two)
}

#[tokio::test]
async fn an_oversized_frame() {
    let site = Site::start(quick()).await;
    let (mut bad, mut good) = two(&site).await;
    let length = u32::try_from(MAX_FRAME_BYTES + 1).unwrap();
    bad.say_bytes(&length.to_be_bytes()).await.unwrap();
    assert_says(&bad.goodbye().await, Reason::Oversized);
    assert!(good.is_alive().await);
}

#[tokio::test]
async fn a_malformed_frame() {
    let site = Site::start(quick()).await;
    let (mut bad, mut good) = two(&site).await;
    bad.say_bytes(&[0, 0, 0, 3, 0xff, 0xff, 0xff]).await.unwrap();
    assert_says(&bad.goodbye().await, Reason::Malformed);
    assert!(good.is_alive().await);
}

#[tokio::test]
async fn a_truncated_frame() {
    let site = Site::start(quick()).await;
    let (mut bad, mut good) = two(&site).await;
    bad.say_bytes(&[0, 0, 0, 9, 8]).await.unwrap();
    bad.hang_up().await;
    site.world
        .until("the end", |state| state.devices[&DOOR].ended.iter().any(|(_, reason)| *reason == Reason::Malformed))
        .await;
    assert!(good.is_alive().await);
}

#[tokio::test]
async fn a_frame_in_single_bytes_is_a_frame() {
    let site = Site::start(quick()).await;
    let (mut device, _other) = two(&site).await;
    // Ping (field 8) with nonce 5.
    for byte in [0, 0, 0, 4, 0x42, 2, 8, 5] {
        device.say_bytes(&[byte]).await.unwrap();
    }
    assert_eq!(device.hear().await, Some(Message::Pong { nonce: 5 }));
}

#[tokio::test]
async fn an_unknown_message_is_answered_and_the_session_lives() {
    let site = Site::start(quick()).await;
    let (mut device, _other) = two(&site).await;
    // Field 1000, length-delimited, empty.
    device.say_bytes(&[0, 0, 0, 3, 0xc2, 0x3e, 0]).await.unwrap();
    assert!(matches!(device.hear().await, Some(Message::Unsupported { .. })));
    assert!(device.is_alive().await);
}

#[tokio::test]
async fn another_version_or_protocol() {
    let site = Site::start(quick()).await;
    let list = ServerList::new(1, 1, None, site.entries());
    let mut newer = RawDevice::dial_as(&site.world, site.address, DOOR).await;
    newer.say(Message::Hello(Hello { protocol_version: 2, ..hello(DOOR, &list) })).await;
    assert_says(&newer.goodbye().await, Reason::UnsupportedVersion);

    let trust = Trust::Fingerprint(site.world.authority.fingerprint());
    let mut silent = RawDevice::dial_trusting(trust, site.address, None, &[]).await.unwrap();
    assert_says(&silent.goodbye().await, Reason::UnsupportedVersion);
}

#[tokio::test]
async fn a_message_out_of_place() {
    let site = Site::start(quick()).await;
    let (mut bad, mut good) = two(&site).await;
    let list = ServerList::new(1, 1, None, site.entries());
    bad.say(Message::Hello(hello(DOOR, &list))).await;
    assert_says(&bad.goodbye().await, Reason::UnexpectedMessage);
    assert!(good.is_alive().await);
}
