//! Certificates of devices that only the standby holds.

use crate::{
    device::{DEVICE, QuickDevice},
    pair::{Pair, until},
};
use gateway::{
    authority::ServerKey,
    tls::{Peer, peer_of},
};
use model::PeerState;
use rustls_pki_types::CertificateDer;
use std::fs;

fn serial_of(certificate: &CertificateDer<'_>) -> String {
    match peer_of(certificate) {
        Some(Peer::Device { serial, .. }) => hex::encode(serial),
        other => panic!("no device's: {other:?}"),
    }
}

#[tokio::test]
async fn a_standby_has_the_active_server_renew_a_certificate() {
    let Pair { one, two, one_data: _one, two_data: _two } = Pair::start().await;
    let device = QuickDevice::at(&one).await;
    let shown = serial_of(&fs::read(device.state().join("device.crt")).unwrap().into());
    let key = fs::read_to_string(device.state().join("device.key")).unwrap();
    let request = ServerKey::from_pem(&key).unwrap().request().unwrap();
    until("they know each other", async || {
        two.service().list_servers().await.unwrap().iter().all(|server| server.state != PeerState::Unreachable)
    })
    .await;
    let renewed = two.service().renew_certificate(DEVICE, &shown, &request).await.unwrap();
    assert_ne!(serial_of(&renewed.as_slice().into()), shown);
    assert_eq!(one.service().renew_certificate(DEVICE, &shown, &request).await.unwrap(), renewed, "one record of it");
    let stranger = ServerKey::generate().unwrap().request().unwrap();
    let refused = two.service().renew_certificate(DEVICE, &shown, &stranger).await.unwrap_err();
    assert!(refused.contains("another key"), "{refused}");
    one.stop().await;
    let refused = two.service().renew_certificate(DEVICE, &shown, &request).await.unwrap_err();
    assert!(refused.contains("BioStar Server #1, the active server"), "{refused}");
}
