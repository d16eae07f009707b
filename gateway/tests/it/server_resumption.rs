//! A TLS session that began at one server resumes at any other of the installation, and proves no less.

use crate::installation::{Installation, device_credentials, entries, quick};
use crate::memory_directory::World;
use crate::raw_device::{DEVICE, RawDevice, assert_says, hello};
use gateway::server::Settings;
use gateway::tls::{Clock, Trust, client_config};
use gateway::wire::{ALPN, DeviceId, Message, Reason, Role, ServerList};
use rustls::{ClientConfig, HandshakeKind};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// One device's side of TLS, which remembers its tickets.
fn device_tls(world: &World) -> Arc<ClientConfig> {
    let der = world.authority.certificate_der().clone();
    let trust = Trust::Authority { der, installation_id: world.authority.installation_id().to_owned() };
    let identity = device_credentials(&world.authority, DEVICE, OffsetDateTime::now_utc());
    client_config(trust, Some(identity), Clock::system(), &[ALPN]).unwrap()
}

/// Dials, sends a hello, and hears the answer.
async fn ask(tls: &Arc<ClientConfig>, installation: &Installation, device: DeviceId) -> (RawDevice, Message) {
    let mut line = RawDevice::dial_with(tls.clone(), installation.address).await.unwrap();
    let list = ServerList::new(1, 1, None, installation.entries());
    line.say(Message::Hello(hello(device, &list))).await;
    let answer = line.hear().await.unwrap();
    (line, answer)
}

async fn two_servers() -> (Installation, Installation) {
    let world = World::new("site");
    let first = Installation::start_in(&world, "server-1", Role::Active, quick()).await;
    (first, Installation::start_in(&world, "server-2", Role::Standby, quick()).await)
}

#[tokio::test]
async fn a_session_begun_at_one_server_resumes_at_the_other() {
    let (first, second) = two_servers().await;
    let tls = device_tls(&first.world);
    let (line, answer) = ask(&tls, &first, DEVICE).await;
    assert_eq!(line.handshake_kind(), Some(HandshakeKind::Full));
    assert!(matches!(answer, Message::Registered(_)));
    for installation in [&second, &first, &second] {
        let (mut line, answer) = ask(&tls, installation, DEVICE).await;
        assert_eq!(line.handshake_kind(), Some(HandshakeKind::Resumed));
        assert!(matches!(answer, Message::Registered(_)));
        assert!(line.is_alive().await);
    }
}

#[tokio::test]
async fn a_resumed_session_is_still_that_device_alone() {
    let (first, second) = two_servers().await;
    let tls = device_tls(&first.world);
    ask(&tls, &first, DEVICE).await;
    let mut line = RawDevice::dial_with(tls, second.address).await.unwrap();
    assert_eq!(line.handshake_kind(), Some(HandshakeKind::Resumed));
    let list = ServerList::new(1, 1, None, second.entries());
    line.say(Message::Hello(hello(DeviceId(2), &list))).await;
    assert_says(&line.goodbye().await, Reason::WrongIdentity);
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_on_resumption_too() {
    let (first, second) = two_servers().await;
    let tls = device_tls(&first.world);
    ask(&tls, &first, DEVICE).await;
    first.world.with(|state| state.devices.entry(DEVICE).or_default().revoked = true);
    let (line, answer) = ask(&tls, &second, DEVICE).await;
    assert_eq!(line.handshake_kind(), Some(HandshakeKind::Resumed));
    assert!(matches!(answer, Message::Goodbye(goodbye) if goodbye.reason == Reason::Revoked));
}

#[tokio::test]
async fn a_ticket_of_another_installation_is_worth_nothing() {
    let (ours, theirs) = (Installation::start(quick()).await, Installation::start(quick()).await);
    let tls = device_tls(&ours.world);
    ask(&tls, &ours, DEVICE).await;
    // The handshake is a full one, and in it each finds the other foreign.
    assert!(RawDevice::dial_with(tls, theirs.address).await.is_err());
}

#[tokio::test]
async fn a_session_resumed_with_an_expired_certificate_gets_no_list() {
    let world = World::new("site");
    let settings = Settings { handshake_timeout: Duration::from_secs(20), ..quick() };
    let installation = Installation::start_in(&world, "server-1", Role::Active, settings).await;
    // Certificates live for 3652 days; this one has a few seconds left, more if the machine is slow.
    for left_s in [3, 10, 30] {
        let at = OffsetDateTime::now_utc() - time::Duration::days(3652) + time::Duration::seconds(left_s);
        let der = world.authority.certificate_der().clone();
        let trust = Trust::Authority { der, installation_id: world.authority.installation_id().to_owned() };
        let identity = device_credentials(&world.authority, DEVICE, at);
        let tls = client_config(trust, Some(identity), Clock::system(), &[ALPN]).unwrap();
        let mut line = RawDevice::dial_with(tls.clone(), installation.address).await.unwrap();
        let list = ServerList::new(1, 1, None, installation.entries());
        line.say(Message::Hello(hello(DEVICE, &list))).await;
        if !matches!(line.next().await, Ok(Some(Message::Registered(_)))) {
            continue;
        }
        let expiry = at + time::Duration::days(3652) + time::Duration::seconds(1);
        tokio::time::sleep((expiry - OffsetDateTime::now_utc()).try_into().unwrap_or_default()).await;
        let (mut line, answer) = ask(&tls, &installation, DEVICE).await;
        assert_eq!(line.handshake_kind(), Some(HandshakeKind::Resumed));
        assert!(matches!(answer, Message::Registered(_)), "{answer:?}");
        world.want(DEVICE, entries(&[installation.address, "127.0.0.1:9".parse().unwrap()]));
        installation.handle.wake(DEVICE);
        assert!(line.is_alive().await, "it is told nothing of its list");
        return;
    }
    panic!("no handshake ended within 30 s");
}
