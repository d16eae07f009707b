//! Who serves lets devices in whose certificate has come to its end: they still hand over their events, and renew it.

use super::{Peer, peer_of, validity_of};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::sync::Arc;
use std::time::Duration;

/// As the verifier inside, but a device's certificate may be over. Who serves has to ask [`validity_of`] and to see to
/// it that such a device gets no more than it should.
#[derive(Debug)]
pub(super) struct ExpiredDevicesToo(pub(super) Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for ExpiredDevicesToo {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let refused = match self.0.verify_client_cert(end_entity, intermediates, now) {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        let expired = matches!(
            refused,
            Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })
        );
        match (peer_of(end_entity), validity_of(end_entity)) {
            // All but the date holds if all held at its last moment.
            (Some(Peer::Device { .. }), Some((_, end))) if expired => {
                let end = UnixTime::since_unix_epoch(Duration::from_secs(end));
                if end < now { self.0.verify_client_cert(end_entity, intermediates, end) } else { Err(refused) }
            }
            (Some(Peer::Device { .. } | Peer::Server { .. }) | None, _) => Err(refused),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
