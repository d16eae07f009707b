//! The secrets of a server, as files that only its user can read.

use crate::durable;
use gateway::{
    authority::{Authority, AuthorityError, ServerKey, SignedServer},
    tls::{Peer, ServerCredentials, TlsError, peer_of, validity_of},
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};
use time::OffsetDateTime;

/// The folder of the keys in the data folder.
const FOLDER: &str = "keys";
/// The folder while its files are being written; it is renamed when it is whole.
const NEXT_FOLDER: &str = "keys.next";
const AUTHORITY_CERTIFICATE: &str = "authority.crt";
const AUTHORITY_KEY: &str = "authority.key";
const SERVER_CERTIFICATE: &str = "server.crt";
const SERVER_KEY: &str = "server.key";
const TOKEN_KEY: &str = "token.key";

/// What a server proves itself with, and what it issues with.
pub struct Keys {
    authority: Authority,
    server_certificate_pem: String,
    server_key_pem: String,
    certificate_serial: Vec<u8>,
    server_id: String,
    token_secret: [u8; 32],
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// The authority's files, or what it should issue.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The server's own certificate is not one of ours.
    #[error("{0} is not the certificate of a server of this installation")]
    NotAServer(PathBuf),
    /// The token key has another length.
    #[error("{0} must hold 32 bytes")]
    TokenKey(PathBuf),
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("server_id", &self.server_id).finish_non_exhaustive()
    }
}

impl Keys {
    /// Makes the keys of a new installation and of its first server.
    ///
    /// # Errors
    ///
    /// When no certificate can be made.
    pub fn create(installation_id: &str, server_id: &str, now: OffsetDateTime) -> Result<Self, KeysError> {
        let authority = Authority::create(installation_id, now)?;
        let key = ServerKey::generate()?;
        let SignedServer { certificate_pem, serial } =
            authority.issue_requested_server(&key.request()?, server_id, now)?;
        Ok(Self {
            authority,
            server_certificate_pem: certificate_pem,
            server_key_pem: key.pem(),
            certificate_serial: serial,
            server_id: server_id.to_owned(),
            token_secret: rand::random(),
        })
    }

    /// The keys of a server that joined: the installation's, and the certificate that it signed for `key`.
    ///
    /// # Errors
    ///
    /// A certificate that is not this server's.
    pub fn of_newcomer(
        authority: Authority,
        token_secret: [u8; 32],
        server_id: &str,
        key: &ServerKey,
        certificate_pem: String,
    ) -> Result<Self, KeysError> {
        let foreign = || KeysError::NotAServer(PathBuf::from(SERVER_CERTIFICATE));
        let (id, certificate_serial) = server_of(&certificate_pem, &authority).ok_or_else(foreign)?;
        let keys = Self {
            authority,
            server_certificate_pem: certificate_pem,
            server_key_pem: key.pem(),
            certificate_serial,
            server_id: id,
            token_secret,
        };
        if keys.server_id == server_id { Ok(keys) } else { Err(foreign()) }
    }

    /// Reads the keys of the data folder `data`; `None` if they were never written.
    ///
    /// # Errors
    ///
    /// A file is missing, unreadable, or not what it should be.
    pub fn load(data: &Path) -> Result<Option<Self>, KeysError> {
        let folder = data.join(FOLDER);
        if !folder.exists() {
            return Ok(None);
        }
        let text = |name: &str| {
            let file = folder.join(name);
            fs::read_to_string(&file).map_err(|error| KeysError::File(file, error))
        };
        let authority = Authority::from_pem(&text(AUTHORITY_CERTIFICATE)?, &text(AUTHORITY_KEY)?)?;
        let server_certificate_pem = text(SERVER_CERTIFICATE)?;
        let (server_id, certificate_serial) = server_of(&server_certificate_pem, &authority)
            .ok_or_else(|| KeysError::NotAServer(folder.join(SERVER_CERTIFICATE)))?;
        let token_file = folder.join(TOKEN_KEY);
        let token_secret = fs::read(&token_file)
            .map_err(|error| KeysError::File(token_file.clone(), error))?
            .try_into()
            .map_err(|_| KeysError::TokenKey(token_file))?;
        let server_key_pem = text(SERVER_KEY)?;
        Ok(Some(Self {
            authority,
            server_certificate_pem,
            server_key_pem,
            certificate_serial,
            server_id,
            token_secret,
        }))
    }

    /// Writes all files to the data folder `data`, or none. What a start that was cut off left behind is replaced.
    ///
    /// # Errors
    ///
    /// The disk's; then there are no keys.
    pub fn save(&self, data: &Path) -> Result<(), KeysError> {
        let next = data.join(NEXT_FOLDER);
        let folder = data.join(FOLDER);
        let at = |file: &Path| {
            let file = file.to_owned();
            move |error| KeysError::File(file, error)
        };
        for old in [&next, &folder] {
            if old.exists() {
                fs::remove_dir_all(old).map_err(at(old))?;
            }
        }
        durable::make_folder(&next).map_err(at(&next))?;
        let authority_key = self.authority.key_pem();
        let files: [(&str, &[u8]); 5] = [
            (AUTHORITY_CERTIFICATE, self.authority.certificate_pem().as_bytes()),
            (AUTHORITY_KEY, authority_key.as_bytes()),
            (SERVER_CERTIFICATE, self.server_certificate_pem.as_bytes()),
            (SERVER_KEY, self.server_key_pem.as_bytes()),
            (TOKEN_KEY, &self.token_secret),
        ];
        for (name, bytes) in files {
            let file = next.join(name);
            durable::write(&file, bytes).map_err(at(&file))?;
        }
        durable::rename(&next, &folder).map_err(at(&folder))
    }

    /// Gives the server another certificate for the same key, on disk first, if two thirds of its life are over, or if it
    /// begins later than now: then it was made while the clock was wrong. The one before stays good until its end. Says
    /// whether it did.
    ///
    /// # Errors
    ///
    /// The disk's, or no certificate can be made; then the old one stands.
    pub fn renew_if_due(&mut self, data: &Path, now: OffsetDateTime) -> Result<bool, KeysError> {
        let [_, (_, validity)] = self.validities();
        let at = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        if validity.is_none_or(|(begins, ends)| (begins..begins + (ends - begins) / 3 * 2).contains(&at)) {
            return Ok(false);
        }
        let request = ServerKey::from_pem(&self.server_key_pem)?.request()?;
        let SignedServer { certificate_pem, serial } =
            self.authority.issue_requested_server(&request, &self.server_id, now)?;
        let file = data.join(FOLDER).join(SERVER_CERTIFICATE);
        durable::write(&file, certificate_pem.as_bytes()).map_err(|error| KeysError::File(file, error))?;
        (self.server_certificate_pem, self.certificate_serial) = (certificate_pem, serial);
        Ok(true)
    }

    /// The installation's authority.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Signs access tokens; the same on every server of the installation.
    #[must_use]
    pub fn token_secret(&self) -> &[u8; 32] {
        &self.token_secret
    }

    /// The server that the certificate names.
    #[must_use]
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// Serial number of the server's certificate, big-endian, without leading zeros.
    #[must_use]
    pub fn certificate_serial(&self) -> &[u8] {
        &self.certificate_serial
    }

    /// When the server's certificate ends, seconds since 1970 UTC.
    #[must_use]
    pub fn certificate_ends_unix_s(&self) -> Option<u64> {
        let certificate = CertificateDer::from_pem_slice(self.server_certificate_pem.as_bytes()).ok()?;
        validity_of(&certificate).map(|(_, ends)| ends)
    }

    /// From when until when the authority's and this server's certificates are good, seconds since 1970 UTC.
    #[must_use]
    pub fn validities(&self) -> [(&'static str, Option<(u64, u64)>); 2] {
        let of = |pem: &str| validity_of(&CertificateDer::from_pem_slice(pem.as_bytes()).ok()?);
        [("authority", of(self.authority.certificate_pem())), ("server", of(&self.server_certificate_pem))]
    }

    /// What this server shows to devices and to other servers.
    ///
    /// # Errors
    ///
    /// A file that is no certificate or key.
    pub fn server_credentials(&self) -> Result<ServerCredentials, TlsError> {
        ServerCredentials::from_pem(
            self.authority.certificate_pem(),
            &self.server_certificate_pem,
            &self.server_key_pem,
        )
    }
}

/// Id and serial number of the server that a certificate names, if it is one of the authority's installation.
fn server_of(certificate_pem: &str, authority: &Authority) -> Option<(String, Vec<u8>)> {
    match peer_of(&CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok()?)? {
        Peer::Server { installation_id, id, serial } if installation_id == authority.installation_id() => {
            Some((id, serial))
        }
        Peer::Server { .. } | Peer::Device { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn keys_come_back_as_they_were_saved_and_are_private() {
        let data = tempfile::tempdir().unwrap();
        assert!(Keys::load(data.path()).unwrap().is_none());
        let keys = Keys::create("site", "one", OffsetDateTime::now_utc()).unwrap();
        keys.save(data.path()).unwrap();
        let again = Keys::load(data.path()).unwrap().unwrap();
        assert_eq!(again.server_id(), "one");
        assert_eq!(again.token_secret(), keys.token_secret());
        assert_eq!(again.certificate_serial(), keys.certificate_serial());
        assert_eq!(again.authority().fingerprint(), keys.authority().fingerprint());
        assert!(again.server_credentials().is_ok());
        let folder = data.path().join(FOLDER);
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        for file in fs::read_dir(folder).unwrap() {
            assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_server_renews_its_certificate_after_two_thirds_of_its_life() {
        let data = tempfile::tempdir().unwrap();
        let begin = OffsetDateTime::now_utc();
        let mut keys = Keys::create("site", "one", begin).unwrap();
        keys.save(data.path()).unwrap();
        let years = |count: i64| time::Duration::days(365 * count);
        assert!(!keys.renew_if_due(data.path(), begin + years(6)).unwrap());
        assert!(keys.renew_if_due(data.path(), begin + years(7)).unwrap());
        let renewed = keys.certificate_ends_unix_s();
        assert!(!keys.renew_if_due(data.path(), begin + years(8)).unwrap(), "once is enough");
        let mut again = Keys::load(data.path()).unwrap().unwrap();
        assert_eq!((again.certificate_serial(), again.certificate_ends_unix_s()), (keys.certificate_serial(), renewed));
        assert!(again.server_credentials().is_ok(), "it fits the key");
        // The clock was years ahead.
        assert!(again.renew_if_due(data.path(), begin).unwrap());
        assert!(again.certificate_ends_unix_s() < renewed);
    }

    #[test]
    fn nothing_secret_is_printed() {
        let keys = Keys::create("site", "one", OffsetDateTime::now_utc()).unwrap();
        assert_eq!(format!("{keys:?}"), "Keys { server_id: \"one\", .. }");
    }

    #[test]
    fn a_damaged_folder_is_refused_and_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        Keys::create("site", "one", OffsetDateTime::now_utc()).unwrap().save(data.path()).unwrap();
        fs::write(data.path().join(FOLDER).join(TOKEN_KEY), b"short").unwrap();
        assert!(matches!(Keys::load(data.path()), Err(KeysError::TokenKey(_))));
        fs::remove_file(data.path().join(FOLDER).join(AUTHORITY_KEY)).unwrap();
        assert!(matches!(Keys::load(data.path()), Err(KeysError::File(..))));
    }
}
