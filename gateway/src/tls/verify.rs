//! A device's or server's check of the server it dialled: authority, role, installation and dates, not the name.

use super::clock::{Clock, Reading};
use super::{Peer, peer_of};
use crate::authority::fingerprint_of;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::io;
use std::sync::Arc;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// `id-kp-serverAuth`, 1.3.6.1.5.5.7.3.1, without tag and length.
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];

/// Whom a dialling side believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Servers of one installation.
    Authority {
        /// The installation's root.
        der: CertificateDer<'static>,
        /// The installation.
        installation_id: String,
    },
    /// Servers whose authority has this SHA-256; they send its certificate along.
    Fingerprint([u8; 32]),
}

/// Why a TLS handshake failed, as far as the dialling side can tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// The server's certificate comes from another authority or names another installation.
    #[error("the server belongs to another installation")]
    ForeignInstallation,
    /// The certificate is of this authority, but expired, not a server's, or otherwise not good.
    #[error("the server's certificate is not acceptable: {0}")]
    Certificate(String),
    /// The server ended the handshake; with a client certificate this usually means that it was refused.
    #[error("the server refused the connection: {0}")]
    RefusedByServer(String),
    /// Not TLS at all, no common version, or a damaged record.
    #[error("no TLS connection: {0}")]
    Protocol(String),
}

/// Reads the TLS failure out of what a stream reported, also after the handshake; `None` if it was the network's.
#[must_use]
pub fn failure_of(error: &io::Error) -> Option<TlsFailure> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(if let Error::InvalidCertificate(reason) = error {
        refusal_in(reason).cloned().unwrap_or_else(|| TlsFailure::Certificate(reason.to_string()))
    } else if let Error::AlertReceived(alert) = error {
        TlsFailure::RefusedByServer(format!("{alert:?}"))
    } else {
        TlsFailure::Protocol(error.to_string())
    })
}

/// What this module's own verifier said.
fn refusal_in(reason: &CertificateError) -> Option<&TlsFailure> {
    if let CertificateError::Other(OtherError(inner)) = reason { inner.downcast_ref() } else { None }
}

#[derive(Debug)]
pub(super) struct ServerVerifier {
    trust: Trust,
    clock: Clock,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerVerifier {
    /// Fails if the trusted authority's certificate is none.
    pub(super) fn new(trust: Trust, clock: Clock, provider: &CryptoProvider) -> Result<Self, Error> {
        if let Trust::Authority { der, .. } = &trust {
            webpki::anchor_from_trusted_cert(der).map_err(|_| Error::from(CertificateError::BadEncoding))?;
        }
        Ok(Self { trust, clock, algorithms: provider.signature_verification_algorithms })
    }

    fn verify(&self, leaf: &CertificateDer<'_>, sent: &[CertificateDer<'_>]) -> Result<(), TlsFailure> {
        let authority = match &self.trust {
            Trust::Authority { der, .. } => der,
            Trust::Fingerprint(pinned) => {
                sent.iter().find(|der| fingerprint_of(der) == *pinned).ok_or(TlsFailure::ForeignInstallation)?
            }
        };
        let reading = self.clock.read(not_before(authority));
        self.verify_chain(leaf, authority, reading)?;
        match (peer_of(leaf), &self.trust) {
            (Some(Peer::Server { installation_id: named, .. }), Trust::Authority { installation_id, .. })
                if named != *installation_id =>
            {
                Err(TlsFailure::ForeignInstallation)
            }
            (Some(Peer::Server { .. }), _) => Ok(()),
            (Some(Peer::Device { .. }) | None, _) => Err(TlsFailure::Certificate("it names no server".into())),
        }
    }

    fn verify_chain(
        &self,
        leaf: &CertificateDer<'_>,
        authority: &CertificateDer<'_>,
        reading: Reading,
    ) -> Result<(), TlsFailure> {
        let unusable = |e: webpki::Error| TlsFailure::Certificate(e.to_string());
        let anchor = webpki::anchor_from_trusted_cert(authority).map_err(unusable)?;
        let parsed = EndEntityCert::try_from(leaf).map_err(unusable)?;
        let check = |at: UnixTime| {
            let usage = KeyUsage::required(SERVER_AUTH);
            let anchors = std::slice::from_ref(&anchor);
            parsed.verify_for_usage(self.algorithms.all, anchors, &[], at, usage, None, None).map(drop)
        };
        match check(reading.at) {
            Err(webpki::Error::CertNotValidYet { not_before, .. }) if reading.unknown => check(not_before),
            result => result,
        }
        .map_err(|error| {
            if matches!(error, webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey) {
                TlsFailure::ForeignInstallation
            } else {
                unusable(error)
            }
        })
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates)
            .map(|()| ServerCertVerified::assertion())
            .map_err(|failure| CertificateError::Other(OtherError(Arc::new(failure))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Seconds since 1970 UTC at which a certificate's life starts; 0 if it cannot be read.
fn not_before(certificate: &CertificateDer<'_>) -> u64 {
    X509Certificate::from_der(certificate)
        .ok()
        .and_then(|(_, parsed)| u64::try_from(parsed.validity().not_before.timestamp()).ok())
        .unwrap_or(0)
}
