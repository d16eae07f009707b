//! What the authority signs, and what it refuses to sign.

use super::*;
use crate::tls::{Peer, peer_of};

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap()
}

fn request_with(key: &KeyPair) -> Vec<u8> {
    CertificateParams::new(vec!["any.example".to_owned()]).unwrap().serialize_request(key).unwrap().der().to_vec()
}

#[test]
fn an_authority_survives_its_files() {
    let made = Authority::create("site-a", now()).unwrap();
    let read = Authority::from_pem(made.certificate_pem(), &made.key_pem()).unwrap();
    assert_eq!(read.installation_id(), "site-a");
    assert_eq!(read.fingerprint(), made.fingerprint());
    let issued = read.issue_device(&request_with(&KeyPair::generate().unwrap()), DeviceId(7), now()).unwrap();
    let peer = peer_of(&CertificateDer::from(issued.der)).unwrap();
    assert_eq!(peer, Peer::Device { installation_id: "site-a".into(), id: DeviceId(7), serial: issued.serial });
}

#[test]
fn a_foreign_key_or_certificate_is_refused() {
    let one = Authority::create("one", now()).unwrap();
    let two = Authority::create("two", now()).unwrap();
    assert!(matches!(Authority::from_pem(one.certificate_pem(), &two.key_pem()), Err(AuthorityError::WrongKey)));
    let server = one.issue_server("server-1", now()).unwrap();
    assert!(matches!(
        Authority::from_pem(&server.certificate_pem, &server.key_pem),
        Err(AuthorityError::NotAnAuthority(_))
    ));
}

#[test]
fn a_server_is_named_by_its_certificate() {
    let authority = Authority::create("site", now()).unwrap();
    let issued = authority.issue_server("server-1", now()).unwrap();
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    let expected = Peer::Server { installation_id: "site".into(), id: "server-1".into(), serial: issued.serial };
    assert_eq!(peer_of(&der), Some(expected));
    assert_eq!(peer_of(authority.certificate_der()), None);
}

#[test]
fn a_server_keeps_its_key_to_itself() {
    let authority = Authority::create("site", now()).unwrap();
    let key = ServerKey::generate().unwrap();
    let signed = authority.issue_requested_server(&key.request().unwrap(), "server-2", now()).unwrap();
    let der = CertificateDer::from_pem_slice(signed.certificate_pem.as_bytes()).unwrap();
    let expected = Peer::Server { installation_id: "site".into(), id: "server-2".into(), serial: signed.serial };
    assert_eq!(peer_of(&der), Some(expected));
    assert!(has_key(&der, &KeyPair::from_pem(&key.pem()).unwrap()));
    assert!(matches!(authority.issue_requested_server(b"", "server-2", now()), Err(AuthorityError::BadRequest(_))));
    assert!(!format!("{key:?}").contains("PRIVATE"));
}

#[test]
fn a_certificate_for_pages_names_its_hosts_and_no_member() {
    let authority = Authority::create("site", now()).unwrap();
    let hosts = ["192.168.1.10", "2001:db8::10", "biostar.example"].map(|host| host.parse().unwrap());
    let issued = authority.issue_web(&hosts, now(), Duration::days(365)).unwrap();
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    assert_eq!(peer_of(&der), None);
    let parsed = webpki::EndEntityCert::try_from(&der).unwrap();
    for host in ["192.168.1.10", "2001:db8::10", "biostar.example"] {
        let name = rustls_pki_types::ServerName::try_from(host).unwrap();
        assert!(parsed.verify_is_valid_for_subject_name(&name).is_ok(), "{host}");
    }
    let other = rustls_pki_types::ServerName::try_from("192.168.1.11").unwrap();
    assert!(parsed.verify_is_valid_for_subject_name(&other).is_err());
}

#[test]
fn only_a_signed_request_for_a_p256_key_is_accepted() {
    let authority = Authority::create("site", now()).unwrap();
    let mut request = request_with(&KeyPair::generate().unwrap());
    let last = request.len() - 1;
    request[last] ^= 1;
    assert!(matches!(authority.issue_device(&request, DeviceId(1), now()), Err(AuthorityError::BadRequest(_))));
    let other_kind = request_with(&KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap());
    assert!(matches!(authority.issue_device(&other_kind, DeviceId(1), now()), Err(AuthorityError::BadRequest(_))));
    assert!(matches!(authority.issue_device(b"nothing", DeviceId(1), now()), Err(AuthorityError::BadRequest(_))));
}

#[test]
fn ids_that_would_break_the_uri_are_refused() {
    for id in ["", "a/b", "a b", "ä", &"x".repeat(65)] {
        assert!(matches!(Authority::create(id, now()), Err(AuthorityError::BadId(_))), "{id:?}");
    }
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let authority = Authority::create("site", now()).unwrap();
    assert!(!format!("{authority:?}").contains("PRIVATE"));
    assert!(!format!("{:?}", authority.issue_server("s", now()).unwrap()).contains("PRIVATE"));
}
