//! The installation's certificate authority: the root that devices pin, and the certificates it signs.

use crate::wire::{Address, DeviceId};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType,
    SerialNumber, SigningKey as _,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::{Duration, OffsetDateTime};

/// How long certificates of devices and servers are good.
const LEAF_LIFE: Duration = Duration::days(3652);
/// The authority outlives whatever it signs in its first twenty years.
const AUTHORITY_LIFE: Duration = Duration::days(3 * 3652);
/// Clocks of an installation may differ by this much.
const CLOCK_SKEW: Duration = Duration::hours(1);
/// The longest id of an installation, a server or a provisioning string.
pub(crate) const MAX_ID_BYTES: usize = 64;

/// The installation's root certificate and its key.
pub struct Authority {
    installation_id: String,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A device's new certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Its serial number, big-endian, without leading zeros.
    pub serial: Vec<u8>,
}

/// A server's new certificate with its key.
#[derive(Clone)]
pub struct IssuedServer {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key, PKCS #8; secret.
    pub key_pem: String,
    /// Its serial number, big-endian, without leading zeros.
    pub serial: Vec<u8>,
}

/// A server's certificate for a key that the authority has not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedServer {
    /// The certificate.
    pub certificate_pem: String,
    /// Its serial number, big-endian, without leading zeros.
    pub serial: Vec<u8>,
}

/// A new server's key, made before any authority knows the server.
pub struct ServerKey(KeyPair);

/// Why a certificate or the authority itself could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Ids stand in certificates and file names.
    #[error("{0:?} is no id: use 1 to {MAX_ID_BYTES} letters, digits, dots, hyphens or underscores")]
    BadId(String),
    /// The certificate in the file is not one of ours.
    #[error("this is not the certificate of an installation's authority: {0}")]
    NotAnAuthority(String),
    /// Certificate and key do not belong together.
    #[error("the authority's key does not belong to its certificate")]
    WrongKey,
    /// The request cannot be read, is not signed by its own key, or has a key of another kind.
    #[error("the certificate request is not acceptable: {0}")]
    BadRequest(String),
    /// The crypto library failed.
    #[error("the certificate could not be made: {0}")]
    Signing(String),
}

impl Authority {
    /// Makes a new key and a self-signed certificate for a new installation; `now` is the start of its life.
    ///
    /// # Errors
    ///
    /// A bad id, or no randomness.
    pub fn create(installation_id: &str, now: OffsetDateTime) -> Result<Self, AuthorityError> {
        let uri = installation_uri(installation_id)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(signing)?;
        let mut params =
            member_params(&format!("BioStar 2 installation {installation_id}"), &uri, now, AUTHORITY_LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(signing)?;
        Ok(Self {
            installation_id: installation_id.to_owned(),
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Reads what [`certificate_pem`](Self::certificate_pem) and [`key_pem`](Self::key_pem) wrote.
    ///
    /// # Errors
    ///
    /// Not an authority's certificate, or not its key.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|e| AuthorityError::NotAnAuthority(e.to_string()))?;
        let installation_id = installation_of(&certificate)
            .ok_or_else(|| AuthorityError::NotAnAuthority("it names no installation".into()))?;
        let key = KeyPair::from_pem(key_pem).map_err(|_| AuthorityError::WrongKey)?;
        if !has_key(&certificate, &key) {
            return Err(AuthorityError::WrongKey);
        }
        let issuer =
            Issuer::from_ca_cert_der(&certificate, key).map_err(|e| AuthorityError::NotAnAuthority(e.to_string()))?;
        Ok(Self { installation_id, certificate, certificate_pem: certificate_pem.to_owned(), issuer })
    }

    /// The root certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key, PKCS #8; secret.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// The root certificate.
    #[must_use]
    pub fn certificate_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The installation that this is the root of.
    #[must_use]
    pub fn installation_id(&self) -> &str {
        &self.installation_id
    }

    /// SHA-256 of the root certificate, as pinned by provisioning strings.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        fingerprint_of(&self.certificate)
    }

    /// An ECDSA P-256 signature over `text`, DER.
    pub(crate) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        self.issuer.key().sign(text).map_err(signing)
    }

    /// Signs a device's key. Names and extensions in the request are ignored: who the device is comes from `device`.
    ///
    /// # Errors
    ///
    /// A request that is not signed by its own P-256 key, or no randomness.
    pub fn issue_device(
        &self,
        request: &[u8],
        device: DeviceId,
        now: OffsetDateTime,
    ) -> Result<Issued, AuthorityError> {
        let key = parse_request(request)?.public_key;
        let uri = format!("bln://{}/device/{device}", self.installation_id);
        let mut params = member_params(&format!("BLN {device}"), &uri, now, LEAF_LIFE)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let serial = serial_of(&params);
        let certificate = params.signed_by(&key, &self.issuer).map_err(signing)?;
        Ok(Issued { der: certificate.der().to_vec(), serial })
    }

    /// Makes a key and a certificate for a server, good as server and, between servers, as client.
    ///
    /// # Errors
    ///
    /// A bad id, or no randomness.
    pub fn issue_server(&self, server_id: &str, now: OffsetDateTime) -> Result<IssuedServer, AuthorityError> {
        let key = ServerKey::generate()?;
        let SignedServer { certificate_pem, serial } = self.sign_server(&key.0, server_id, now)?;
        Ok(IssuedServer { certificate_pem, key_pem: key.pem(), serial })
    }

    /// Signs the key of a server that made it itself. Names and extensions in the request are ignored.
    ///
    /// # Errors
    ///
    /// A bad id, a request that is not signed by its own P-256 key, or no randomness.
    pub fn issue_requested_server(
        &self,
        request: &[u8],
        server_id: &str,
        now: OffsetDateTime,
    ) -> Result<SignedServer, AuthorityError> {
        self.sign_server(&parse_request(request)?.public_key, server_id, now)
    }

    /// Makes a key and a certificate for pages under these host names and addresses. Devices and servers take it for
    /// nobody's: it names no member of the installation.
    ///
    /// # Errors
    ///
    /// A host that no certificate can name, or no randomness.
    pub fn issue_web(
        &self,
        hosts: &[Address],
        now: OffsetDateTime,
        life: Duration,
    ) -> Result<IssuedServer, AuthorityError> {
        let mut params = params("BioStar 2 portal", now, life)?;
        for host in hosts {
            params.subject_alt_names.push(match host {
                Address::Ip(ip) => SanType::IpAddress(*ip),
                Address::Name(name) => SanType::DnsName(name.as_str().try_into().map_err(signing)?),
            });
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let serial = serial_of(&params);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(signing)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(signing)?;
        Ok(IssuedServer { certificate_pem: certificate.pem(), key_pem: key.serialize_pem(), serial })
    }

    fn sign_server(
        &self,
        key: &impl PublicKeyData,
        server_id: &str,
        now: OffsetDateTime,
    ) -> Result<SignedServer, AuthorityError> {
        check_id(server_id)?;
        let uri = format!("bln://{}/server/{server_id}", self.installation_id);
        let mut params = member_params(&format!("BioStar 2 server {server_id}"), &uri, now, LEAF_LIFE)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let serial = serial_of(&params);
        let certificate = params.signed_by(key, &self.issuer).map_err(signing)?;
        Ok(SignedServer { certificate_pem: certificate.pem(), serial })
    }
}

impl ServerKey {
    /// A new ECDSA P-256 key.
    ///
    /// # Errors
    ///
    /// No randomness.
    pub fn generate() -> Result<Self, AuthorityError> {
        Ok(Self(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(signing)?))
    }

    /// Reads a key that [`pem`](Self::pem) wrote.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn from_pem(pem: &str) -> Result<Self, AuthorityError> {
        Ok(Self(KeyPair::from_pem(pem).map_err(signing)?))
    }

    /// The certificate request for it, PKCS #10 DER; it names nobody.
    ///
    /// # Errors
    ///
    /// The crypto library failed.
    pub fn request(&self) -> Result<Vec<u8>, AuthorityError> {
        request_for(&self.0)
    }

    /// The private key, PKCS #8; secret.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.serialize_pem()
    }
}

impl std::fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerKey")
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("installation_id", &self.installation_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for IssuedServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedServer").field("serial", &hex::encode(&self.serial)).finish_non_exhaustive()
    }
}

/// SHA-256 of a certificate.
#[must_use]
pub fn fingerprint_of(certificate: &CertificateDer<'_>) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, certificate).as_ref());
    hash
}

/// A certificate request that carries the key alone: the authority says whose it is.
pub(crate) fn request_for(key: &KeyPair) -> Result<Vec<u8>, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key).map_err(signing)?.der().to_vec())
}

/// A request whose signature holds and whose key is of the one kind that devices use.
pub(crate) fn parse_request(request: &[u8]) -> Result<CertificateSigningRequestParams, AuthorityError> {
    let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request))
        .map_err(|e| AuthorityError::BadRequest(e.to_string()))?;
    if request.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
        return Err(AuthorityError::BadRequest("its key is not ECDSA P-256".into()));
    }
    Ok(request)
}

/// Whether a text may stand as an id in a certificate's URI.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn check_id(id: &str) -> Result<(), AuthorityError> {
    if is_id(id) { Ok(()) } else { Err(AuthorityError::BadId(id.to_owned())) }
}

fn installation_uri(installation_id: &str) -> Result<String, AuthorityError> {
    check_id(installation_id)?;
    Ok(format!("bln://{installation_id}"))
}

/// The installation whose authority a certificate says it is.
fn installation_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    let id = parsed.valid_uri_names().find_map(|uri| uri.strip_prefix("bln://"))?;
    is_id(id).then(|| id.to_owned())
}

fn has_key(certificate: &CertificateDer<'_>, key: &KeyPair) -> bool {
    webpki::EndEntityCert::try_from(certificate)
        .is_ok_and(|parsed| parsed.subject_public_key_info().as_ref() == key.subject_public_key_info())
}

/// Of a certificate that names a member of the installation, or the installation itself.
fn member_params(
    name: &str,
    uri: &str,
    now: OffsetDateTime,
    life: Duration,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = params(name, now, life)?;
    params.subject_alt_names = vec![SanType::URI(uri.try_into().map_err(signing)?)];
    Ok(params)
}

fn params(name: &str, now: OffsetDateTime, life: Duration) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + life;
    params.serial_number = Some(new_serial()?);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// 16 random bytes, positive and without a leading zero, so that one number has one spelling.
fn new_serial() -> Result<SerialNumber, AuthorityError> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| AuthorityError::Signing("no randomness".into()))?;
    bytes[0] = (bytes[0] & 0x3f) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn serial_of(params: &CertificateParams) -> Vec<u8> {
    params.serial_number.as_ref().map(SerialNumber::to_bytes).unwrap_or_default()
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function in map_err")]
fn signing(error: rcgen::Error) -> AuthorityError {
    AuthorityError::Signing(error.to_string())
}

#[cfg(test)]
mod tests;
