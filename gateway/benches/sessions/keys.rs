//! One installation's credentials: for the servers in a folder, for the devices in memory.

use crate::Failure;
use crate::tickets::{OneTicket, TicketSwitch};
use gateway::authority::Authority;
use gateway::tls::{Clock, ServerCredentials, Tickets, server_config_with};
use gateway::wire::{ALPN, DeviceId};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use time::OffsetDateTime;

/// The installation's id.
pub(crate) const INSTALLATION: &str = "bench";

/// Writes what a server needs into a folder.
pub(crate) fn save(authority: &Authority, folder: &Path) -> Result<(), Failure> {
    let issued = authority.issue_server("server-1", OffsetDateTime::now_utc())?;
    fs::write(folder.join("authority.crt"), authority.certificate_pem())?;
    fs::write(folder.join("server.crt"), issued.certificate_pem)?;
    fs::write(folder.join("server.key"), issued.key_pem)?;
    fs::write(folder.join("tickets.key"), rand::random::<[u8; 32]>())?;
    Ok(())
}

/// The same for both kinds of server: mutual TLS 1.3, and tickets that outlive the process.
pub(crate) fn load(folder: &Path) -> Result<Arc<ServerConfig>, Failure> {
    let text = |name: &str| fs::read_to_string(folder.join(name));
    let credentials = ServerCredentials::from_pem(&text("authority.crt")?, &text("server.crt")?, &text("server.key")?)?;
    let secret = <[u8; 32]>::try_from(fs::read(folder.join("tickets.key"))?).map_err(|_| "a ticket key of 32 bytes")?;
    Ok(server_config_with(&credentials, &[ALPN], Tickets::of_installation(&secret, Clock::system()))?)
}

/// How each device dials. They share a key, to be quickly made; each has its own certificate and ticket.
pub(crate) fn devices(
    authority: &Authority,
    count: u32,
    switch: &TicketSwitch,
) -> Result<Vec<Arc<ClientConfig>>, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pair = rcgen::KeyPair::generate()?;
    let request = rcgen::CertificateParams::default().serialize_request(&pair)?;
    let der = PrivateKeyDer::try_from(pair.serialize_der())?;
    let signing = aws_lc_rs::sign::any_ecdsa_type(&der)?;
    let now = OffsetDateTime::now_utc();
    let device = |id| {
        let certificate = authority.issue_device(request.der(), DeviceId(id), now)?.der.into();
        let certified = Arc::new(CertifiedKey::new(vec![certificate], Arc::clone(&signing)));
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Gullible))
            .with_client_cert_resolver(Arc::new(Mine(certified)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.enable_sni = false;
        config.resumption = Resumption::store(Arc::new(OneTicket::new(switch)));
        Ok(Arc::new(config))
    };
    (1..=count).map(device).collect()
}

#[derive(Debug)]
struct Mine(Arc<CertifiedKey>);

impl ResolvesClientCert for Mine {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Believes any server: what a device spends on checking must not slow down the server that is measured.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
