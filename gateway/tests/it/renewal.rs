//! Certificates that come to their end: renewed over the session, whole after a power cut, and refused to who should have
//! none.

use crate::installation::{Credentials, Installation, entries, quick};
use crate::memory_directory::{State, World};
use crate::raw_device::{DEVICE, RawDevice, assert_says, hello};
use crate::running::{Running, committed, impatient};
use gateway::client::Status;
use gateway::device::Config;
use gateway::tls::{TlsFailure, failure_of};
use gateway::wire::{Event, EventUpload, Hello, Message, Reason, RingId, RingSpan, SERVER_CONNECTED, ServerList};
use rcgen::KeyPair;
use rustls_pki_types::PrivateKeyDer;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use time::OffsetDateTime;

const RING: RingId = RingId([7; 16]);

fn days_ago(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() - time::Duration::days(days)
}

/// Renews as soon as it may.
fn prompt() -> Config {
    Config { renewal_spread: Duration::ZERO, renewal_retry: Duration::from_millis(300), ..impatient() }
}

/// A device of this site whose certificate is so old.
async fn aged(installation: &Installation, folder: &Path, days: i64, config: Config) -> Running {
    installation.world.with(|state| {
        state.first_list = Some(installation.entries());
        state.born = Some(days_ago(days));
    });
    let mut device =
        Running::start_with(folder, Some(installation.world.provisioning(vec![installation.place()])), config);
    device.until("it waits", |status| *status == Status::Waiting).await;
    installation.handle.wake_waiting(installation.world.decide(DEVICE, true));
    device.until_on(installation.address).await;
    device
}

fn certificate(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("device.crt")).unwrap()
}

/// Waits until the device has another certificate than this.
async fn stored_anew(folder: &Path, old: &[u8]) {
    let storing = async {
        while certificate(folder) == old {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), storing).await.is_ok(), "not renewed in time");
}

/// The device shows a certificate that it got over a session.
fn shows_renewed(state: &State) -> bool {
    state.devices.get(&DEVICE).is_some_and(|row| row.shown.last().is_some_and(|shown| row.renewed.contains(shown)))
}

#[tokio::test]
async fn an_old_certificate_is_renewed_once_and_shown_next_session() {
    let installation = Installation::start(quick()).await;
    let world = &installation.world;
    let folder = TempDir::new().unwrap();
    world.with(|state| state.refuse_renewals = Some("not yet".into()));
    let device = aged(&installation, folder.path(), 2600, prompt()).await;
    let old = certificate(folder.path());
    world.with(|state| state.refuse_renewals = None);
    let key = fs::read(folder.path().join("device.key")).unwrap();
    stored_anew(folder.path(), &old).await;
    device.stop().await;
    assert!(!world.with(|state| shows_renewed(state)));

    let mut device = Running::start_with(folder.path(), None, prompt());
    device.until_on(installation.address).await;
    assert!(world.with(|state| shows_renewed(state)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.with(|state| state.devices[&DEVICE].renewed.len()), 1, "it asks no more");
    assert_eq!(fs::read(folder.path().join("device.key")).unwrap(), key);
    device.stop().await;
}

#[tokio::test]
async fn a_power_cut_leaves_the_old_certificate_or_the_new_one() {
    let installation = Installation::start(quick()).await;
    let folder = TempDir::new().unwrap();
    installation.world.with(|state| state.refuse_renewals = Some("not now".into()));
    aged(&installation, folder.path(), 2600, prompt()).await.cut_power().await;
    let old = certificate(folder.path());
    installation.world.with(|state| state.refuse_renewals = None);
    for step in 0..12 {
        fs::write(folder.path().join("device.crt"), &old).unwrap();
        let asked = installation.world.with(|state| state.devices[&DEVICE].renewed.len());
        let mut device = Running::start_with(folder.path(), None, prompt());
        device.until_on(installation.address).await;
        if step > 0 {
            installation.world.until("it asks", |state| state.devices[&DEVICE].renewed.len() > asked).await;
            tokio::time::sleep(Duration::from_micros(300 * step)).await;
        }
        device.cut_power().await;
        let mut device = Running::start_with(folder.path(), None, impatient());
        device.until_on(installation.address).await;
        let whole = certificate(folder.path());
        assert!(whole == old || installation.world.with(|state| shows_renewed(state)));
        device.cut_power().await;
    }
    fs::write(folder.path().join("device.crt"), &old).unwrap();
    let device = Running::start_with(folder.path(), None, prompt());
    stored_anew(folder.path(), &old).await;
    device.stop().await;
}

#[tokio::test]
async fn a_refusal_is_asked_again() {
    let installation = Installation::start(quick()).await;
    let folder = TempDir::new().unwrap();
    installation.world.with(|state| state.refuse_renewals = Some("not\nnow".into()));
    let device = aged(&installation, folder.path(), 2600, prompt()).await;
    let old = certificate(folder.path());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(certificate(folder.path()), old);
    installation.world.with(|state| state.refuse_renewals = None);
    stored_anew(folder.path(), &old).await;
    device.stop().await;
}

#[tokio::test]
async fn a_device_that_was_away_too_long_renews_and_gets_its_list() {
    let installation = Installation::start(quick()).await;
    let folder = TempDir::new().unwrap();
    let nobody = "127.0.0.1:9".parse().unwrap();
    let mut device = aged(&installation, folder.path(), 3700, prompt()).await;
    let list = installation.world.want(DEVICE, entries(&[installation.address, nobody]));
    installation.handle.wake(DEVICE);
    installation.world.until("it comes back with a new certificate", shows_renewed).await;
    committed(&installation.world, &list).await;
    device.until_on(installation.address).await;
    device.stop().await;
}

/// A device's key, and its certificate as if it had enrolled so many days ago.
fn identity(world: &World, days: i64) -> (KeyPair, Credentials) {
    let key = KeyPair::generate().unwrap();
    let issued = world.authority.issue_device(&request(&key), DEVICE, days_ago(days)).unwrap();
    let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    (key, (issued.der.into(), der))
}

fn request(key: &KeyPair) -> Vec<u8> {
    rcgen::CertificateParams::default().serialize_request(key).unwrap().der().to_vec()
}

async fn registered(installation: &Installation, identity: Credentials, hello: Hello) -> RawDevice {
    let mut line = RawDevice::dial(&installation.world, installation.address, Some(identity)).await.unwrap();
    line.say(Message::Hello(hello)).await;
    let answer = line.hear().await;
    assert!(matches!(answer, Some(Message::Registered(_))), "{answer:?}");
    line
}

async fn renew(line: &mut RawDevice, request: Vec<u8>) -> Result<Vec<u8>, String> {
    line.say(Message::RenewCertificate { request }).await;
    match line.hear().await {
        Some(Message::CertificateRenewed { certificate }) => Ok(certificate),
        Some(Message::RenewalRefused { text }) => Err(text),
        other => panic!("no answer to a renewal: {other:?}"),
    }
}

#[tokio::test]
async fn only_an_old_certificate_with_the_sessions_key_is_renewed() {
    let installation = Installation::start(quick()).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    let (key, old) = identity(&installation.world, 2600);
    let mut line = registered(&installation, old, hello(DEVICE, &list)).await;
    assert!(renew(&mut line, request(&KeyPair::generate().unwrap())).await.unwrap_err().contains("another key"));
    assert!(renew(&mut line, b"no request".to_vec()).await.is_err());
    assert!(renew(&mut line, request(&key)).await.is_ok());

    let (key, young) = identity(&installation.world, 100);
    let mut line = registered(&installation, young, hello(DEVICE, &list)).await;
    assert!(renew(&mut line, request(&key)).await.unwrap_err().contains("half"));
    assert!(line.is_alive().await);
    assert_eq!(installation.world.with(|state| state.devices[&DEVICE].renewed.len()), 1);
}

#[tokio::test]
async fn an_expired_certificate_is_good_for_events_and_renewal_alone() {
    let installation = Installation::start(quick()).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    installation.world.want(DEVICE, entries(&[installation.address, "127.0.0.1:9".parse().unwrap()]));
    let (key, over) = identity(&installation.world, 3700);
    let ring = Some(RingSpan { ring: RING, oldest: 1, newest: 1, replaces: None });
    let mut line = registered(&installation, over, Hello { ring, ..hello(DEVICE, &list) }).await;
    installation.handle.wake(DEVICE);
    let entry = list.entries().as_slice()[0].clone();
    let order = installation.handle.move_to(DEVICE, entry, 0).await;
    assert!(order.unwrap_err().to_string().contains("expired"));
    let event = Event { time_unix_ms: 1, code: SERVER_CONNECTED, user_id: String::new(), detail: String::new() };
    line.say(Message::Upload(EventUpload::Events { ring: RING, first_id: 1, events: vec![event] })).await;
    assert_eq!(line.hear().await, Some(Message::EventsStored { ring: RING, watermark: 1 }));
    assert!(renew(&mut line, request(&key)).await.is_ok());
    assert!(line.is_alive().await);
}

#[tokio::test]
async fn revoked_and_foreign_certificates_are_refused_though_expired() {
    let installation = Installation::start(quick()).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    installation.world.with(|state| state.devices.entry(DEVICE).or_default().revoked = true);
    let (_, over) = identity(&installation.world, 3700);
    let mut line = RawDevice::dial(&installation.world, installation.address, Some(over)).await.unwrap();
    line.say(Message::Hello(hello(DEVICE, &list))).await;
    assert_says(&line.goodbye().await, Reason::Revoked);

    let (_, foreign) = identity(&World::new("site"), 3700);
    let refused = match RawDevice::dial(&installation.world, installation.address, Some(foreign)).await {
        Ok(mut line) => failure_of(&line.next().await.unwrap_err()),
        Err(failure) => Some(failure),
    };
    assert!(matches!(refused, Some(TlsFailure::RefusedByServer(_))), "{refused:?}");
}
