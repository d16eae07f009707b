//! Certificates and requests of strangers, and the names in certificates.

use crate::{
    authority::{Authority, parse_request},
    tls::{Peer, peer_of, validity_of},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls_pki_types::CertificateDer;
use std::sync::LazyLock;

static KEY: LazyLock<Option<KeyPair>> = LazyLock::new(|| KeyPair::generate().ok());

/// DER of whatever kind: a certificate that names somebody, an authority's, or a request.
pub(super) fn certificates(bytes: &[u8]) {
    let der = CertificateDer::from(bytes);
    if let Some(peer) = peer_of(&der) {
        assert_valid(&peer);
    }
    let _ = validity_of(&der);
    let _ = parse_request(bytes);
    if let Some(key) = KEY.as_ref() {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(bytes));
        let stranger = Authority::from_pem(&pem, &key.serialize_pem());
        assert!(stranger.is_err(), "an authority whose key nobody has");
    }
}

/// The URI in an otherwise good certificate: a name has one spelling, and no other text is taken for it.
pub(super) fn certificate_names(bytes: &[u8]) {
    let (Ok(uri), Some(key)) = (std::str::from_utf8(bytes), KEY.as_ref()) else { return };
    let Ok(name) = uri.try_into() else { return };
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(name)];
    let Ok(certificate) = params.self_signed(key) else { return };
    let Some(peer) = peer_of(certificate.der()) else { return };
    assert_valid(&peer);
    let spelled = match &peer {
        Peer::Device { installation_id, id, .. } => format!("bln://{installation_id}/device/{}", id.0),
        Peer::Server { installation_id, id, .. } => format!("bln://{installation_id}/server/{id}"),
    };
    assert_eq!(spelled, uri, "a second spelling of the same name");
}

fn assert_valid(peer: &Peer) {
    let (installation_id, serial) = match peer {
        Peer::Device { installation_id, id, serial } => {
            assert_ne!(id.0, 0, "no device has this number");
            (installation_id, serial)
        }
        Peer::Server { installation_id, id, serial } => {
            assert!(crate::authority::is_id(id), "no id: {id:?}");
            (installation_id, serial)
        }
    };
    assert!(crate::authority::is_id(installation_id), "no id: {installation_id:?}");
    assert_ne!(serial.first(), Some(&0), "a serial number with a leading zero");
}
