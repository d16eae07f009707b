//! Enrolment: how a device proves over a TLS session that it knows its provisioning string's secret.
//!
//! The proof covers the session's exporter value, so it is worth nothing on any other connection, and the certificate
//! request, so nobody in between can put in a key of his own.

use crate::authority::{AuthorityError, parse_request};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use rcgen::PublicKeyData as _;
use rustls::ConnectionCommon;

/// The TLS exporter label of the channel binding; its context is absent.
pub const CHANNEL_BINDING_LABEL: &[u8] = b"EXPORTER-bln-enrol";

/// SHA-256 of the public key in a device's certificate request: names a device that waits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyFingerprint(pub [u8; 32]);

impl std::fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for KeyFingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyFingerprint({})", &self.to_string()[..12])
    }
}

/// 32 bytes that only the two ends of this one TLS session know.
///
/// # Errors
///
/// The handshake has not ended.
pub fn channel_binding<Side>(connection: &ConnectionCommon<Side>) -> Result<[u8; 32], rustls::Error> {
    connection.export_keying_material([0; 32], CHANNEL_BINDING_LABEL, None)
}

/// HMAC-SHA256 under the provisioning string's secret over the channel binding followed by the request's DER.
#[must_use]
pub fn proof_of(secret: &[u8; 32], binding: &[u8], request: &[u8]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    context.update(binding);
    context.update(request);
    let mut proof = [0; 32];
    proof.copy_from_slice(context.sign().as_ref());
    proof
}

/// Whether a proof is [`proof_of`] the same; takes the same time whatever the proof.
#[must_use]
pub fn proof_holds(secret: &[u8; 32], binding: &[u8], request: &[u8], proof: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(&proof_of(secret, binding, request), proof).is_ok()
}

/// SHA-256 of the public key (SubjectPublicKeyInfo, DER) in a certificate request; names the device while it waits.
///
/// # Errors
///
/// The request cannot be read, is not signed by its own key, or has a key that is not ECDSA P-256.
pub fn key_fingerprint(request: &[u8]) -> Result<KeyFingerprint, AuthorityError> {
    let key = parse_request(request)?.public_key.subject_public_key_info();
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &key).as_ref());
    Ok(KeyFingerprint(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_for_its_own_session_and_request_alone() {
        let proof = proof_of(&[1; 32], &[2; 32], b"request");
        assert!(proof_holds(&[1; 32], &[2; 32], b"request", &proof));
        assert!(!proof_holds(&[9; 32], &[2; 32], b"request", &proof));
        assert!(!proof_holds(&[1; 32], &[9; 32], b"request", &proof));
        assert!(!proof_holds(&[1; 32], &[2; 32], b"another", &proof));
        assert!(!proof_holds(&[1; 32], &[2; 32], b"request", &proof[..31]));
        assert!(!proof_holds(&[1; 32], &[2; 32], b"request", b""));
    }

    #[test]
    fn one_key_has_one_fingerprint() {
        let key = rcgen::KeyPair::generate().unwrap();
        let request = |name: &str| {
            rcgen::CertificateParams::new(vec![name.to_owned()])
                .unwrap()
                .serialize_request(&key)
                .unwrap()
                .der()
                .to_vec()
        };
        assert_eq!(key_fingerprint(&request("a")).unwrap(), key_fingerprint(&request("b")).unwrap());
        assert!(key_fingerprint(b"").is_err());
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_are_no_request(bytes: Vec<u8>) {
            proptest::prop_assert!(key_fingerprint(&bytes).is_err());
        }
    }
}
