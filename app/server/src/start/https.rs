//! The certificate that browsers see: one that was given, or one of the installation's authority, made anew in time.

use super::StartError;
use crate::{
    clock::Clock,
    config::HttpTls,
    keys::{Keys, KeysError},
};
use gateway::{authority::AuthorityError, wire::Address};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use time::{Duration, OffsetDateTime};

/// Browsers refuse certificates that live much longer than a year, whoever signed them.
const LIFE: Duration = Duration::days(365);
/// Made anew when less than this is left.
const RENEW_BEFORE: Duration = Duration::days(120);
/// The name of this machine; not there on every system.
const HOST_NAME_FILE: &str = "/proc/sys/kernel/hostname";

/// HTTPS with the certificate in the files.
///
/// # Errors
///
/// A file that is not there or not what it should be, and which.
pub(crate) fn given(files: &HttpTls) -> Result<Arc<ServerConfig>, StartError> {
    let unusable = |path: &Path, error: &dyn fmt::Display| StartError::HttpTls(path.to_owned(), error.to_string());
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(&files.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(&files.key, &error))?;
    let provider = aws_lc_rs::default_provider();
    let certified =
        CertifiedKey::from_der(chain, key, &provider).map_err(|error| unusable(&files.certificate, &error))?;
    config(provider, Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
        .map_err(|error| unusable(&files.certificate, &error))
}

/// HTTPS with certificates of the installation's authority for `hosts` and for this machine's own names.
///
/// # Errors
///
/// When no certificate can be made.
pub(crate) fn own(keys: Arc<Keys>, mut hosts: Vec<Address>, clock: Clock) -> Result<Arc<ServerConfig>, StartError> {
    hosts.extend(names_of_this_machine());
    hosts.sort_by_key(ToString::to_string);
    hosts.dedup();
    let provider = aws_lc_rs::default_provider();
    let own = OwnCertificate { keys, hosts, clock, provider: provider.clone(), current: Mutex::default() };
    own.renewed().map_err(KeysError::from)?;
    Ok(config(provider, Arc::new(own)).map_err(gateway::tls::TlsError::from)?)
}

fn config(
    provider: CryptoProvider,
    certificate: Arc<dyn ResolvesServerCert>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn names_of_this_machine() -> impl Iterator<Item = Address> {
    let host_name = std::fs::read_to_string(HOST_NAME_FILE).unwrap_or_default();
    let names = ["localhost".to_owned(), host_name].into_iter().filter_map(|name| name.trim().parse().ok());
    names.chain([Address::Ip(Ipv4Addr::LOCALHOST.into()), Address::Ip(IpAddr::V6(Ipv6Addr::LOCALHOST))])
}

/// A certificate of the installation's authority; its key is in memory alone.
struct OwnCertificate {
    keys: Arc<Keys>,
    hosts: Vec<Address>,
    clock: Clock,
    provider: CryptoProvider,
    /// With the end of its life.
    current: Mutex<Option<(Arc<CertifiedKey>, OffsetDateTime)>>,
}

impl OwnCertificate {
    /// The certificate; another one if the last is near its end.
    fn renewed(&self) -> Result<Arc<CertifiedKey>, AuthorityError> {
        let now = self.clock.now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((certified, _)) = current.as_ref().filter(|(_, until)| now < *until - RENEW_BEFORE) {
            return Ok(certified.clone());
        }
        let issued = self.keys.authority().issue_web(&self.hosts, now, LIFE)?;
        let unusable = |error: &dyn fmt::Display| AuthorityError::Signing(error.to_string());
        let chain = vec![CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).map_err(|e| unusable(&e))?];
        let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).map_err(|e| unusable(&e))?;
        let certified = CertifiedKey::from_der(chain, key, &self.provider).map_err(|e| unusable(&e))?;
        let certified = Arc::new(certified);
        *current = Some((certified.clone(), now + LIFE));
        Ok(certified)
    }
}

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let renewed = self.renewed();
        renewed.inspect_err(|error| tracing::error!(%error, "no certificate for HTTPS could be made")).ok()
    }
}

impl fmt::Debug for OwnCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCertificate").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn a_certificate_is_made_anew_before_it_ends() {
        let days = Arc::new(AtomicI64::new(0));
        let begin = OffsetDateTime::now_utc();
        let clock = Clock::of({
            let days = days.clone();
            move || begin + Duration::days(days.load(Ordering::Relaxed))
        });
        let keys = Arc::new(Keys::create("site", "one", begin).unwrap());
        let provider = aws_lc_rs::default_provider();
        let hosts = vec!["192.168.1.10".parse().unwrap()];
        let own = OwnCertificate { keys, hosts, clock, provider, current: Mutex::default() };
        let first = own.renewed().unwrap();
        days.store(244, Ordering::Relaxed);
        assert!(Arc::ptr_eq(&first, &own.renewed().unwrap()));
        days.store(246, Ordering::Relaxed);
        assert!(!Arc::ptr_eq(&first, &own.renewed().unwrap()));
    }

    #[test]
    fn this_machine_can_be_reached_by_its_own_names() {
        let names: Vec<String> = names_of_this_machine().map(|name| name.to_string()).collect();
        assert!(names.contains(&"localhost".to_owned()) && names.contains(&"::1".to_owned()), "{names:?}");
    }
}
