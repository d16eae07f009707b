//! TLS of an installation: who may be at the other end, whatever address was dialled.
//!
//! TLS 1.3 only, one crypto library, nothing process-wide. A server proves itself by a certificate of the installation's
//! authority that names it as a server of that installation; the dialled name plays no part, because addresses move.
//! The same configurations serve devices and, under another ALPN name, servers among themselves.

mod clock;
mod expired;
mod tickets;
mod verify;

pub use clock::Clock;
pub use tickets::Tickets;
pub use verify::{TlsFailure, Trust, failure_of};

use crate::authority::is_id;
use crate::wire::DeviceId;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedCipherSuite};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::sync::Arc;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

/// Session tickets that who dials keeps; each is good for one connection.
const TICKETS_KEPT: usize = 8;

/// What a server shows to whoever connects.
#[derive(Debug)]
pub struct ServerCredentials {
    /// The installation's root; sent along, since devices that enrol know only its hash.
    pub authority_der: CertificateDer<'static>,
    /// This server's certificate.
    pub certificate_der: CertificateDer<'static>,
    /// Its private key.
    pub key_der: PrivateKeyDer<'static>,
}

/// Who a certificate of the installation names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A door reader.
    Device {
        /// The installation.
        installation_id: String,
        /// The device.
        id: DeviceId,
        /// The certificate's serial number, big-endian, without leading zeros.
        serial: Vec<u8>,
    },
    /// A server.
    Server {
        /// The installation.
        installation_id: String,
        /// The server.
        id: String,
        /// The certificate's serial number, big-endian, without leading zeros.
        serial: Vec<u8>,
    },
}

/// Why a configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file holds no certificate or key.
    #[error("the {0} cannot be read: {1}")]
    Pem(&'static str, rustls_pki_types::pem::Error),
    /// Certificate and key do not fit, or the authority's certificate is none.
    #[error("certificate, key and authority do not make a TLS configuration: {0}")]
    Rustls(#[from] rustls::Error),
    /// The authority's certificate is none.
    #[error("the authority's certificate cannot verify anybody: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

impl ServerCredentials {
    /// Reads the three PEM texts.
    ///
    /// # Errors
    ///
    /// One of them is not what it should be.
    pub fn from_pem(authority_pem: &str, certificate_pem: &str, key_pem: &str) -> Result<Self, TlsError> {
        Ok(Self {
            authority_der: certificate(authority_pem).map_err(|e| TlsError::Pem("authority's certificate", e))?,
            certificate_der: certificate(certificate_pem).map_err(|e| TlsError::Pem("server's certificate", e))?,
            key_der: PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
                .map_err(|e| TlsError::Pem("server's private key", e))?,
        })
    }
}

/// Who serves: client certificates are optional, those that come must be good and of this authority; only a device's may
/// be over, see [`validity_of`]. A session resumes on this server alone, until it ends.
///
/// # Errors
///
/// Credentials that do not fit together.
pub fn server_config(credentials: &ServerCredentials, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
    server_config_with(credentials, alpn, Tickets::of_this_process())
}

/// The same, with sessions that resume wherever tickets of the same secret are used.
///
/// A resumed session keeps the certificate of its first handshake, which nobody verifies again: who serves has to ask
/// [`validity_of`] and look for its revocation, as it does for a new one.
///
/// # Errors
///
/// Credentials that do not fit together.
pub fn server_config_with(
    credentials: &ServerCredentials,
    alpn: &[&[u8]],
    tickets: Tickets,
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(credentials.authority_der.clone())?;
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).allow_unauthenticated().build()?;
    let chain = vec![credentials.certificate_der.clone(), credentials.authority_der.clone()];
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(expired::ExpiredDevicesToo(clients)))
        .with_single_cert(chain, credentials.key_der.clone_key())?;
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.ticketer = Arc::new(tickets);
    config.send_tls13_tickets = 1;
    config.ignore_client_order = true;
    Ok(Arc::new(config))
}

/// Who dials: with a certificate of its own, or none while it enrols. Pass [`server_name`] as the name to connect to.
///
/// # Errors
///
/// Certificate and key do not fit.
pub fn client_config(
    trust: Trust,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    clock: Clock,
    alpn: &[&[u8]],
) -> Result<Arc<ClientConfig>, TlsError> {
    let verifier = verify::ServerVerifier::new(trust, clock, &provider())?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.enable_sni = false;
    // All servers go by one name, so one name's tickets are all.
    config.resumption = Resumption::in_memory_sessions(TICKETS_KEPT);
    Ok(Arc::new(config))
}

/// The name under which all servers of the installation share their session tickets; never sent, never checked.
#[must_use]
pub fn server_name() -> ServerName<'static> {
    ServerName::from(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
}

/// Reads who a certificate names; says nothing about whether it is genuine. `None` if it is no device or server.
#[must_use]
pub fn peer_of(certificate: &CertificateDer<'_>) -> Option<Peer> {
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    let mut uris = parsed.valid_uri_names().filter_map(|uri| uri.strip_prefix("bln://"));
    let (path, None) = (uris.next()?, uris.next()) else { return None };
    let mut parts = path.split('/');
    let (Some(installation), Some(kind), Some(id), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let serial = parsed.serial().iter().copied().skip_while(|byte| *byte == 0).collect();
    let installation_id = is_id(installation).then(|| installation.to_owned())?;
    match kind {
        "device" => {
            let number: u32 = id.parse().ok().filter(|number| *number != 0)?;
            // One number has one spelling.
            (number.to_string() == id).then_some(())?;
            Some(Peer::Device { installation_id, id: DeviceId(number), serial })
        }
        "server" => Some(Peer::Server { installation_id, id: is_id(id).then(|| id.to_owned())?, serial }),
        _ => None,
    }
}

/// From when to when a certificate is good, seconds since 1970 UTC; `None` if it cannot be read.
#[must_use]
pub fn validity_of(certificate: &CertificateDer<'_>) -> Option<(u64, u64)> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let seconds = |at: ASN1Time| u64::try_from(at.timestamp()).ok();
    let validity = parsed.validity();
    Some((seconds(validity.not_before)?, seconds(validity.not_after)?))
}

/// Whether a text bears the signature (ECDSA P-256, DER) of the authority with this certificate.
pub(crate) fn is_signed(authority: &CertificateDer<'_>, text: &[u8], signature: &[u8]) -> bool {
    webpki::EndEntityCert::try_from(authority).is_ok_and(|certificate| {
        certificate.verify_signature(webpki::aws_lc_rs::ECDSA_P256_SHA256, text, signature).is_ok()
    })
}

/// A certificate's public key, SubjectPublicKeyInfo in DER.
pub(crate) fn public_key_of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    Some(parsed.subject_public_key_info().as_ref().to_vec())
}

/// Whether a certificate was made by this authority for a client, whatever its dates.
pub(crate) fn is_client_of(certificate: &CertificateDer<'_>, authority: &CertificateDer<'_>) -> bool {
    let Some((_, end)) = validity_of(certificate) else { return false };
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(end));
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone().into_owned()).is_ok()
        && WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .is_ok_and(|verifier| verifier.verify_client_cert(certificate, &[], at).is_ok())
}

fn certificate(pem: &str) -> Result<CertificateDer<'static>, rustls_pki_types::pem::Error> {
    CertificateDer::from_pem_slice(pem.as_bytes())
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: std::sync::LazyLock<Arc<CryptoProvider>> = std::sync::LazyLock::new(|| {
        Arc::new(CryptoProvider { cipher_suites: suites(), ..aws_lc_rs::default_provider() })
    });
    PROVIDER.clone()
}

/// All of TLS 1.3, the one first that costs least at the strength of the keys: a good part of a handshake is hashing,
/// and most processors hash SHA-256 far faster than SHA-384.
fn suites() -> Vec<SupportedCipherSuite> {
    use aws_lc_rs::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256};
    vec![TLS13_AES_128_GCM_SHA256, TLS13_CHACHA20_POLY1305_SHA256, TLS13_AES_256_GCM_SHA384]
}

#[cfg(test)]
mod tests;
