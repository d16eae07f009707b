//! The device's folder: every write is whole or not at all, also when the power goes in the middle.

use super::{ClientError, record::Record};
use crate::{
    device::Stored,
    tls::{Peer, peer_of},
    wire::DeviceId,
};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

const KEY_FILE: &str = "device.key";
const CERTIFICATE_FILE: &str = "device.crt";
const AUTHORITY_FILE: &str = "authority.crt";
const STATE_FILE: &str = "state.json";

/// What a device that belongs to an installation has.
#[derive(Debug)]
pub(super) struct Enrolled {
    pub(super) key: KeyPair,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) authority: CertificateDer<'static>,
    pub(super) installation_id: String,
    pub(super) stored: Stored,
}

/// A device's folder.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    folder: PathBuf,
}

impl Disk {
    pub(super) fn open(folder: &Path) -> Result<Self, ClientError> {
        fs::create_dir_all(folder).map_err(|e| written(folder, e))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The key is made once and then kept, so that a device that asks again is known again.
    pub(super) fn load_or_make_key(&self) -> Result<KeyPair, ClientError> {
        if let Some(pem) = self.read(KEY_FILE)? {
            let damaged = |why: String| ClientError::Damaged { path: self.folder.join(KEY_FILE), why };
            let pem = String::from_utf8(pem).map_err(|_| damaged("it is no text".to_owned()))?;
            return KeyPair::from_pem(&pem).map_err(|error| damaged(error.to_string()));
        }
        let key = KeyPair::generate().map_err(|error| ClientError::Credentials(error.to_string()))?;
        self.write(KEY_FILE, key.serialize_pem().as_bytes())?;
        Ok(key)
    }

    /// What an enrolled device has; `None` before.
    pub(super) fn load_enrolled(&self, device: DeviceId) -> Result<Option<Enrolled>, ClientError> {
        let Some(certificate) = self.read(CERTIFICATE_FILE)? else { return Ok(None) };
        let certificate = CertificateDer::from(certificate);
        let path = self.folder.join(CERTIFICATE_FILE);
        let Some(Peer::Device { installation_id, id, .. }) = peer_of(&certificate) else {
            return Err(ClientError::Damaged { path, why: "it is no device's certificate".to_owned() });
        };
        if id != device {
            return Err(ClientError::OtherDevice { path, device: device.0 });
        }
        Ok(Some(Enrolled {
            key: self.load_or_make_key()?,
            certificate,
            authority: CertificateDer::from(self.needed(AUTHORITY_FILE)?),
            installation_id,
            stored: self.load_stored()?,
        }))
    }

    /// Keeps what enrolment gave. The certificate comes last: with it on disk, everything is.
    pub(super) fn save_enrolled(&self, enrolled: &Enrolled) -> Result<(), ClientError> {
        self.save_stored(&enrolled.stored)?;
        self.write(AUTHORITY_FILE, &enrolled.authority)?;
        self.write(CERTIFICATE_FILE, &enrolled.certificate)
    }

    /// Durable once it returns.
    pub(super) fn save_stored(&self, stored: &Stored) -> Result<(), ClientError> {
        let path = self.folder.join(STATE_FILE);
        let json = serde_json::to_vec_pretty(&Record::from(stored)).map_err(|e| written(&path, e.into()))?;
        self.write(STATE_FILE, &json)
    }

    fn load_stored(&self) -> Result<Stored, ClientError> {
        let damaged = |why: String| ClientError::Damaged { path: self.folder.join(STATE_FILE), why };
        let record: Record =
            serde_json::from_slice(&self.needed(STATE_FILE)?).map_err(|error| damaged(error.to_string()))?;
        Stored::try_from(record).map_err(damaged)
    }

    fn needed(&self, name: &str) -> Result<Vec<u8>, ClientError> {
        let path = self.folder.join(name);
        self.read(name)?.ok_or_else(|| ClientError::Damaged { path, why: "it is missing".to_owned() })
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ClientError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ClientError::Disk { path, verb: "read", source }),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError> {
        let path = self.folder.join(name);
        self.replace(&path, bytes).map_err(|error| written(&path, error))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.as_file().set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(&self.folder)?.sync_all()
    }
}

fn written(path: &Path, source: io::Error) -> ClientError {
    ClientError::Disk { path: path.to_owned(), verb: "written", source }
}
