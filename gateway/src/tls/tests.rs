//! Handshakes in memory: who is believed, who is not, and what the dialling side can tell about it.

use super::*;
use crate::authority::Authority;
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConnection, HandshakeKind, ServerConnection};
use std::io;
use time::{Duration, OffsetDateTime};

const ALPN: &[&[u8]] = &[b"test/1"];

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn authority(installation: &str) -> Authority {
    Authority::create(installation, now()).unwrap()
}

fn credentials(authority: &Authority, at: OffsetDateTime) -> ServerCredentials {
    let issued = authority.issue_server("server-1", at).unwrap();
    ServerCredentials::from_pem(authority.certificate_pem(), &issued.certificate_pem, &issued.key_pem).unwrap()
}

fn device(authority: &Authority, at: OffsetDateTime) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let issued = authority.issue_device(request.der(), DeviceId(547_846_001), at).unwrap();
    (issued.der.into(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

fn trust(authority: &Authority) -> Trust {
    Trust::Authority {
        der: authority.certificate_der().clone(),
        installation_id: authority.installation_id().to_owned(),
    }
}

type Session = (ClientConnection, ServerConnection);

/// Runs a handshake to its end; the errors of (client, server).
fn shake(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> Result<Session, (Option<TlsFailure>, bool)> {
    let mut client = ClientConnection::new(client, server_name()).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    let (mut client_error, mut server_failed) = (None, false);
    for _ in 0..6 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server_failed |= server.process_new_packets().is_err();
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut bytes.as_slice()).unwrap();
        if let Err(error) = client.process_new_packets() {
            client_error = client_error.or_else(|| failure_of(&io::Error::new(io::ErrorKind::InvalidData, error)));
        }
    }
    if client_error.is_some() || server_failed { Err((client_error, server_failed)) } else { Ok((client, server)) }
}

#[test]
fn a_device_and_its_server_meet() {
    let ours = authority("site");
    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    let client = client_config(trust(&ours), Some(device(&ours, now())), Clock::system(), ALPN).unwrap();
    let (_, session) = shake(client, server).unwrap();
    let certificate = session.peer_certificates().unwrap().first().unwrap();
    assert!(matches!(peer_of(certificate), Some(Peer::Device { id: DeviceId(547_846_001), .. })));
}

#[test]
fn a_pinned_fingerprint_is_enough_to_enrol() {
    let ours = authority("site");
    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    let pinned = client_config(Trust::Fingerprint(ours.fingerprint()), None, Clock::system(), ALPN).unwrap();
    let (_, session) = shake(pinned, server.clone()).unwrap();
    assert!(session.peer_certificates().is_none());
    let other = client_config(Trust::Fingerprint([0; 32]), None, Clock::system(), ALPN).unwrap();
    assert_eq!(shake(other, server).unwrap_err().0, Some(TlsFailure::ForeignInstallation));
}

#[test]
fn a_foreign_server_is_told_apart() {
    let (ours, theirs) = (authority("site"), authority("other"));
    // Another authority that carries our installation's name is foreign all the same.
    for foreign in [theirs, authority("site")] {
        let server = server_config(&credentials(&foreign, now()), ALPN).unwrap();
        let client = client_config(trust(&ours), None, Clock::system(), ALPN).unwrap();
        assert_eq!(shake(client, server).unwrap_err().0, Some(TlsFailure::ForeignInstallation));
    }
    let renamed = Trust::Authority { der: ours.certificate_der().clone(), installation_id: "renamed".into() };
    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    let client = client_config(renamed, None, Clock::system(), ALPN).unwrap();
    assert_eq!(shake(client, server).unwrap_err().0, Some(TlsFailure::ForeignInstallation));
}

#[test]
fn a_device_cannot_pose_as_a_server() {
    let ours = authority("site");
    let (certificate_der, key_der) = device(&ours, now());
    let posing = ServerCredentials { authority_der: ours.certificate_der().clone(), certificate_der, key_der };
    let client = client_config(trust(&ours), None, Clock::system(), ALPN).unwrap();
    let (failure, _) = shake(client, server_config(&posing, ALPN).unwrap()).unwrap_err();
    assert!(matches!(failure, Some(TlsFailure::Certificate(_))), "{failure:?}");
}

#[test]
fn expired_certificates_are_refused_but_a_devices_own() {
    let ours = authority("site");
    let long_ago = now() - Duration::days(11 * 365);
    let client = client_config(trust(&ours), None, Clock::system(), ALPN).unwrap();
    let (failure, _) = shake(client, server_config(&credentials(&ours, long_ago), ALPN).unwrap()).unwrap_err();
    assert!(matches!(failure, Some(TlsFailure::Certificate(_))), "{failure:?}");

    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    let client = client_config(trust(&ours), Some(device(&ours, long_ago)), Clock::system(), ALPN).unwrap();
    let (_, session) = shake(client, server.clone()).unwrap();
    let shown = session.peer_certificates().and_then(|chain| chain.first()).unwrap();
    let (_, ends) = validity_of(shown).unwrap();
    assert!(i64::try_from(ends).unwrap() < now().unix_timestamp(), "who serves sees that it is over");

    let theirs = credentials(&ours, long_ago);
    for identity in [device(&authority("site"), long_ago), (theirs.certificate_der, theirs.key_der)] {
        let client = client_config(trust(&ours), Some(identity), Clock::system(), ALPN).unwrap();
        let (failure, server_failed) = shake(client, server.clone()).unwrap_err();
        assert!(server_failed && matches!(failure, Some(TlsFailure::RefusedByServer(_))), "{failure:?}");
    }
}

#[test]
fn a_foreign_device_is_refused_by_the_server() {
    let (ours, theirs) = (authority("site"), authority("site"));
    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    let client = client_config(trust(&ours), Some(device(&theirs, now())), Clock::system(), ALPN).unwrap();
    let (failure, server_failed) = shake(client, server).unwrap_err();
    assert!(server_failed && matches!(failure, Some(TlsFailure::RefusedByServer(_))), "{failure:?}");
}

#[test]
fn a_device_without_a_clock_goes_by_what_servers_told_it() {
    let ours = authority("site");
    let reset = Clock::new(|| 0);
    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    shake(client_config(trust(&ours), None, reset.clone(), ALPN).unwrap(), server.clone()).unwrap();
    // A certificate younger than the last server time is fine, for nobody knows how late it is.
    let soon = server_config(&credentials(&ours, now() + Duration::days(30)), ALPN).unwrap();
    shake(client_config(trust(&ours), None, reset.clone(), ALPN).unwrap(), soon.clone()).unwrap();
    let (failure, _) = shake(client_config(trust(&ours), None, Clock::system(), ALPN).unwrap(), soon).unwrap_err();
    assert!(matches!(failure, Some(TlsFailure::Certificate(_))));
    // An expired one is not, once a server has told that its time is over.
    let later = now() + Duration::days(11 * 365);
    reset.at_least(u64::try_from(later.unix_timestamp()).unwrap() * 1000);
    let (failure, _) = shake(client_config(trust(&ours), None, reset, ALPN).unwrap(), server).unwrap_err();
    assert!(matches!(failure, Some(TlsFailure::Certificate(_))));
}

#[test]
fn both_ends_share_a_channel_binding() {
    let ours = authority("site");
    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    let client = client_config(trust(&ours), None, Clock::system(), ALPN).unwrap();
    let first = shake(client.clone(), server.clone()).unwrap();
    let second = shake(client, server).unwrap();
    let at_server = |session: &Session| crate::enrolment::channel_binding(&session.1).unwrap();
    let at_client = |session: &Session| crate::enrolment::channel_binding(&session.0).unwrap();
    assert_eq!(at_server(&first), at_client(&first));
    assert_ne!(at_server(&first), at_server(&second));
}

#[test]
fn names_that_are_no_peer_are_none() {
    let key = KeyPair::generate().unwrap();
    let devices = ["0", "x", "07", "+7"].map(|id| format!("bln://site/device/{id}"));
    let others = ["bln://site/door/1", "bln://site/server/a/b", "https://x"].map(str::to_owned);
    for uri in devices.into_iter().chain(others) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![rcgen::SanType::URI(uri.as_str().try_into().unwrap())];
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(peer_of(certificate.der()), None, "{uri}");
    }
}

#[test]
fn a_resumed_session_still_names_its_device() {
    let ours = authority("site");
    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    let client = client_config(trust(&ours), Some(device(&ours, now())), Clock::system(), ALPN).unwrap();
    shake(client.clone(), server.clone()).unwrap();
    let (_, again) = shake(client, server).unwrap();
    assert_eq!(again.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    let certificate = again.peer_certificates().unwrap().first().unwrap();
    assert!(matches!(peer_of(certificate), Some(Peer::Device { id: DeviceId(547_846_001), .. })));
}

#[test]
fn a_ticket_of_another_server_is_only_a_full_handshake() {
    let ours = authority("site");
    let client = client_config(trust(&ours), Some(device(&ours, now())), Clock::system(), ALPN).unwrap();
    for _ in 0..2 {
        let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
        let (_, session) = shake(client.clone(), server).unwrap();
        assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
    let foreign = server_config(&credentials(&authority("site"), now()), ALPN).unwrap();
    assert_eq!(shake(client, foreign).unwrap_err().0, Some(TlsFailure::ForeignInstallation));
}

#[test]
fn a_certificate_is_good_within_its_dates() {
    let ours = authority("site");
    let (certificate, _) = device(&ours, now());
    let years = |n: i64| u64::try_from((now() + Duration::days(365 * n)).unix_timestamp()).unwrap();
    let (begins, ends) = validity_of(&certificate).unwrap();
    assert!((years(-1)..years(0)).contains(&begins) && (years(9)..years(11)).contains(&ends));
    assert_eq!(validity_of(&CertificateDer::from(vec![0; 9])), None);
}

#[test]
fn a_session_resumes_on_another_server_and_keeps_its_device() {
    let ours = authority("site");
    let server = |secret: u8| {
        let tickets = Tickets::of_installation(&[secret; 32], Clock::system());
        server_config_with(&credentials(&ours, now()), ALPN, tickets).unwrap()
    };
    let client = client_config(trust(&ours), Some(device(&ours, now())), Clock::system(), ALPN).unwrap();
    let kinds = [(1, HandshakeKind::Full), (1, HandshakeKind::Resumed), (2, HandshakeKind::Full)];
    for (secret, kind) in kinds {
        let (_, session) = shake(client.clone(), server(secret)).unwrap();
        assert_eq!(session.handshake_kind(), Some(kind), "secret {secret}");
        let certificate = session.peer_certificates().unwrap().first().unwrap();
        assert!(matches!(peer_of(certificate), Some(Peer::Device { id: DeviceId(547_846_001), .. })));
    }
}

#[test]
fn the_cheapest_suite_is_agreed_on_whatever_the_device_prefers() {
    let ours = authority("site");
    let server = server_config(&credentials(&ours, now()), ALPN).unwrap();
    let client = client_config(trust(&ours), Some(device(&ours, now())), Clock::system(), ALPN).unwrap();
    let mut provider = client.crypto_provider().as_ref().clone();
    provider.cipher_suites.reverse();
    let verifier = verify::ServerVerifier::new(trust(&ours), Clock::system(), &provider).unwrap();
    let mut reversed = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    reversed.alpn_protocols = client.alpn_protocols.clone();
    for config in [client, Arc::new(reversed)] {
        let (session, _) = shake(config, server.clone()).unwrap();
        let suite = session.negotiated_cipher_suite().unwrap().suite();
        assert_eq!(suite, rustls::CipherSuite::TLS13_AES_128_GCM_SHA256);
    }
}
