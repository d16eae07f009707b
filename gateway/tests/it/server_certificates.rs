//! Certificates that are foreign, too young, or somebody else's register nothing.

use crate::installation::{Credentials, Installation, device_credentials, quick};
use crate::memory_directory::World;
use crate::raw_device::{DEVICE, RawDevice, assert_says, hello};
use gateway::authority::Authority;
use gateway::tls::{ServerCredentials, TlsFailure, failure_of};
use gateway::wire::{DeviceId, Message, Reason, ServerList};
use time::{Duration, OffsetDateTime};

/// What a device meets whose certificate the server does not take: in TLS 1.3 it learns so after its own handshake.
async fn refusal(installation: &Installation, identity: Credentials) -> TlsFailure {
    let mut device = match RawDevice::dial(&installation.world, installation.address, Some(identity)).await {
        Ok(device) => device,
        Err(failure) => return failure,
    };
    match device.next().await {
        Err(error) => failure_of(&error).unwrap(),
        Ok(message) => panic!("the server talks: {message:?}"),
    }
}

/// What a server would show to another one.
fn server_credentials(authority: &Authority, at: OffsetDateTime) -> Credentials {
    let issued = authority.issue_server("server-2", at).unwrap();
    let credentials =
        ServerCredentials::from_pem(authority.certificate_pem(), &issued.certificate_pem, &issued.key_pem).unwrap();
    (credentials.certificate_der, credentials.key_der)
}

#[tokio::test]
async fn a_foreign_certificate() {
    let installation = Installation::start(quick()).await;
    for foreign in [World::new("other"), World::new("site")] {
        let identity = device_credentials(&foreign.authority, DEVICE, OffsetDateTime::now_utc());
        assert!(matches!(refusal(&installation, identity).await, TlsFailure::RefusedByServer(_)));
    }
    assert_eq!(installation.handle.connected(), 0);
}

#[tokio::test]
async fn a_certificate_of_tomorrow_or_a_server_that_is_over() {
    let installation = Installation::start(quick()).await;
    let tomorrow = OffsetDateTime::now_utc() + Duration::days(1);
    let identity = device_credentials(&installation.world.authority, DEVICE, tomorrow);
    assert!(matches!(refusal(&installation, identity).await, TlsFailure::RefusedByServer(_)));
    let long_ago = OffsetDateTime::now_utc() - Duration::days(11 * 365);
    let identity = server_credentials(&installation.world.authority, long_ago);
    assert!(matches!(refusal(&installation, identity).await, TlsFailure::RefusedByServer(_)));
}

#[tokio::test]
async fn another_devices_certificate() {
    let installation = Installation::start(quick()).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    let mut device = RawDevice::dial_as(&installation.world, installation.address, DeviceId(2)).await;
    device.say(Message::Hello(hello(DEVICE, &list))).await;
    assert_says(&device.goodbye().await, Reason::WrongIdentity);
    assert!(installation.world.with(|state| state.devices.is_empty()));
}

#[tokio::test]
async fn a_servers_certificate() {
    let installation = Installation::start(quick()).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    let identity = server_credentials(&installation.world.authority, OffsetDateTime::now_utc());
    let mut device = RawDevice::dial(&installation.world, installation.address, Some(identity)).await.unwrap();
    device.say(Message::Hello(hello(DEVICE, &list))).await;
    assert_says(&device.goodbye().await, Reason::WrongIdentity);
}

#[tokio::test]
async fn a_device_tells_a_foreign_server_apart() {
    let (ours, theirs) = (Installation::start(quick()).await, Installation::start(quick()).await);
    let failure = RawDevice::dial(&ours.world, theirs.address, None).await.err();
    assert_eq!(failure, Some(TlsFailure::ForeignInstallation));
}
