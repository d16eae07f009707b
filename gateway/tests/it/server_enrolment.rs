//! A device enrols: it proves its provisioning string, waits, is accepted or rejected, and registers.

use crate::installation::{Installation, quick};
use crate::memory_directory::World;
use crate::raw_device::{DEVICE, RawDevice, assert_says, hello, info};
use gateway::enrolment::proof_of;
use gateway::provisioning::ProvisioningString;
use gateway::server::Settings;
use gateway::tls::Trust;
use gateway::wire::{ALPN, DeviceId, Enrol, Message, PROTOCOL_VERSION, Reason, Role};
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::PrivateKeyDer;

async fn dial(installation: &Installation, string: &ProvisioningString) -> RawDevice {
    let trust = Trust::Fingerprint(string.authority_fingerprint);
    RawDevice::dial_trusting(trust, installation.address, None, &[ALPN]).await.unwrap()
}

fn enrol(device: &RawDevice, key: &KeyPair, string: &ProvisioningString) -> Enrol {
    let certificate_request = CertificateParams::default().serialize_request(key).unwrap().der().to_vec();
    let proof = proof_of(&string.secret, &device.channel_binding(), &certificate_request).to_vec();
    let provisioning_id = string.id.clone();
    Enrol { protocol_version: PROTOCOL_VERSION, info: info(DEVICE), provisioning_id, proof, certificate_request }
}

async fn waiting(installation: &Installation) -> (RawDevice, KeyPair) {
    let string = installation.world.provisioning(vec![installation.place()]).to_string().parse().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut device = dial(installation, &string).await;
    device.say(Message::Enrol(enrol(&device, &key, &string))).await;
    assert_eq!(device.hear().await, Some(Message::EnrolWaiting { keep_alive_s: 10 }));
    (device, key)
}

#[tokio::test]
async fn it_waits_is_accepted_and_registers() {
    let installation = Installation::start(quick()).await;
    installation.world.with(|state| state.first_list = Some(installation.entries()));
    let (mut device, key) = waiting(&installation).await;
    assert!(device.is_alive().await);

    installation.handle.wake_waiting(installation.world.decide(DEVICE, true));
    let Some(Message::Enrolled(enrolled)) = device.hear().await else { panic!("not enrolled") };
    assert_eq!(device.hear().await, None);
    assert_eq!(enrolled.authority_certificate, installation.world.authority.certificate_der().to_vec());

    let identity = (enrolled.certificate.into(), PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    let mut device = RawDevice::dial(&installation.world, installation.address, Some(identity)).await.unwrap();
    device.say(Message::Hello(hello(DEVICE, &enrolled.list))).await;
    let Some(Message::Registered(registered)) = device.hear().await else { panic!("not registered") };
    assert_eq!((registered.server_id.as_str(), registered.role), ("server-1", Role::Active));
    assert_eq!(registered.installation_id, enrolled.installation_id);
    installation.world.until("a session", |state| state.devices[&DEVICE].session.is_some()).await;
    assert_eq!(installation.handle.connected(), 1);
}

#[tokio::test]
async fn it_is_rejected() {
    let installation = Installation::start(quick()).await;
    let (mut device, _) = waiting(&installation).await;
    installation.handle.wake_waiting(installation.world.decide(DEVICE, false));
    assert_says(&device.goodbye().await, Reason::Rejected);
}

#[tokio::test]
async fn a_lost_wake_up_only_delays_it() {
    let settings = Settings { waiting_recheck: std::time::Duration::from_millis(50), ..quick() };
    let installation = Installation::start(settings).await;
    let (mut device, _) = waiting(&installation).await;
    installation.world.decide(DEVICE, false);
    assert_says(&device.goodbye().await, Reason::Rejected);
}

#[tokio::test]
async fn a_second_connection_with_its_key_takes_over() {
    let installation = Installation::start(quick()).await;
    installation.world.with(|state| state.first_list = Some(installation.entries()));
    let (mut first, key) = waiting(&installation).await;
    let string = installation.world.provisioning(vec![installation.place()]);
    let mut second = dial(&installation, &string).await;
    second.say(Message::Enrol(enrol(&second, &key, &string))).await;
    assert_eq!(second.hear().await, Some(Message::EnrolWaiting { keep_alive_s: 10 }));
    assert_says(&first.goodbye().await, Reason::Replaced);
    installation.handle.wake_waiting(installation.world.decide(DEVICE, true));
    assert!(matches!(second.hear().await, Some(Message::Enrolled(_))));
}

#[tokio::test]
async fn a_proof_from_another_connection_or_secret_is_worth_nothing() {
    let installation = Installation::start(quick()).await;
    let string = installation.world.provisioning(vec![installation.place()]);
    let key = KeyPair::generate().unwrap();

    let overheard = dial(&installation, &string).await;
    let message = Message::Enrol(enrol(&overheard, &key, &string));
    let mut thief = dial(&installation, &string).await;
    thief.say(message).await;
    assert_says(&thief.goodbye().await, Reason::BadProvisioning);

    let guessed = ProvisioningString { secret: [0; 32], ..string };
    let mut guesser = dial(&installation, &guessed).await;
    guesser.say(Message::Enrol(enrol(&guesser, &key, &guessed))).await;
    assert_says(&guesser.goodbye().await, Reason::BadProvisioning);
}

#[tokio::test]
async fn without_a_certificate_nothing_but_enrolment_is_answered() {
    let installation = Installation::start(quick()).await;
    let list = installation.world.want(DeviceId(1), installation.entries());
    let mut device = RawDevice::dial(&installation.world, installation.address, None).await.unwrap();
    device.say(Message::Hello(hello(DeviceId(1), &list))).await;
    assert_says(&device.goodbye().await, Reason::NotEnrolled);
}

#[tokio::test]
async fn a_string_of_another_installation_does_not_even_connect() {
    let installation = Installation::start(quick()).await;
    let other = World::new("other");
    let string = other.provisioning(vec![installation.place()]);
    let trust = Trust::Fingerprint(string.authority_fingerprint);
    let failure = RawDevice::dial_trusting(trust, installation.address, None, &[ALPN]).await.err();
    assert_eq!(failure, Some(gateway::tls::TlsFailure::ForeignInstallation));
}
