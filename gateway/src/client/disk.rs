//! The device's folder: every write is whole or not at all, also when the power goes in the middle.

#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;

#[cfg(test)]
pub(crate) use fuzzing::seeds as fuzz_state_slots_seeds;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fuzzing::state_slots as fuzz_state_slots;

use super::{
    ClientError,
    slot::{self, Slot},
};
use crate::{
    device::{Remembered, Stored},
    tls::{Peer, peer_of},
    wire::DeviceId,
};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use std::{
    fs::{self, File, Permissions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::NamedTempFile;
use tokio::time::sleep;

const KEY_FILE: &str = "device.key";
const CERTIFICATE_FILE: &str = "device.crt";
const AUTHORITY_FILE: &str = "authority.crt";
const STATE_FILE: &str = "state.json";
/// The state before the last write, should the last one ever be unreadable.
const OLD_STATE_FILE: &str = "state.old.json";
/// A state that could not be read.
const DAMAGED_STATE_FILE: &str = "state.damaged.json";
/// What names came to last.
const NAMES_FILE: &str = "names.json";
const EVENTS_FOLDER: &str = "events";
const LOCK_FILE: &str = "lock";
/// How long a run that is just ending may keep the folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// What a device that belongs to an installation has.
#[derive(Debug)]
pub(super) struct Enrolled {
    pub(super) key: KeyPair,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) authority: CertificateDer<'static>,
    pub(super) installation_id: String,
    pub(super) stored: Stored,
}

/// A device's folder, this run's alone until the last clone is gone: two runs would be two devices of one number.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    _lock: Arc<File>,
}

impl Disk {
    pub(super) async fn open(folder: &Path) -> Result<Self, ClientError> {
        fs::create_dir_all(folder).map_err(|e| written(folder, e))?;
        let path = folder.join(LOCK_FILE);
        let lock = File::create(&path).map_err(|e| written(&path, e))?;
        let begun = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { folder: folder.to_owned(), _lock: Arc::new(lock) }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => sleep(LOCK_PAUSE).await,
                Err(TryLockError::WouldBlock) => return Err(ClientError::InUse(folder.to_owned())),
                Err(TryLockError::Error(error)) => return Err(written(&path, error)),
            }
        }
    }

    /// Where the ring of events is kept.
    pub(super) fn events_folder(&self) -> PathBuf {
        self.folder.join(EVENTS_FOLDER)
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

    /// Replaces the certificate; a power cut leaves the old one or the new one. Durable once it returns.
    pub(super) fn save_certificate(&self, certificate: &CertificateDer<'_>) -> Result<(), ClientError> {
        self.write(CERTIFICATE_FILE, certificate)
    }

    /// Durable once it returns.
    pub(super) fn save_stored(&self, stored: &Stored) -> Result<(), ClientError> {
        let path = self.folder.join(STATE_FILE);
        let bytes = slot::encode(stored).map_err(|e| written(&path, e.into()))?;
        let file = self.new_file(&bytes).map_err(|error| written(&path, error))?;
        match fs::rename(&path, self.folder.join(OLD_STATE_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(written(&path, error)),
            Ok(()) | Err(_) => {}
        }
        self.put(file, &path).map_err(|error| written(&path, error))
    }

    /// What names came to last; nothing if that cannot be read: they are asked for anew in any case.
    pub(super) fn load_names(&self) -> Remembered {
        let bytes = self.read(NAMES_FILE).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Durable once it returns.
    pub(super) fn save_names(&self, names: &Remembered) -> Result<(), ClientError> {
        let bytes = serde_json::to_vec(names).map_err(|error| written(&self.folder.join(NAMES_FILE), error.into()))?;
        self.write(NAMES_FILE, &bytes)
    }

    /// A device that cannot read its last state is better off with the one before than with none.
    fn load_stored(&self) -> Result<Stored, ClientError> {
        let slot = match self.load_slot(STATE_FILE) {
            Ok(slot) => slot,
            Err(error) => {
                let older = self.load_slot(OLD_STATE_FILE).map_err(|_| error)?;
                tracing::warn!(folder = %self.folder.display(), "the device goes on from its state before the last write");
                self.put_damaged_aside();
                older
            }
        };
        if slot.bare {
            self.save_with_sums(&slot.stored);
        }
        Ok(slot.stored)
    }

    /// Else the next write would put it in the place of the one slot that is good.
    fn put_damaged_aside(&self) {
        match fs::rename(self.folder.join(STATE_FILE), self.folder.join(DAMAGED_STATE_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "a damaged state cannot be put aside");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Both slots from before there were sums are replaced at once: they are believed this once.
    fn save_with_sums(&self, stored: &Stored) {
        if let Err(error) = self.save_stored(stored).and_then(|()| self.save_stored(stored)) {
            tracing::warn!(%error, "the device's state stays without a sum");
        }
    }

    fn load_slot(&self, name: &str) -> Result<Slot, ClientError> {
        let damaged = |why: String| ClientError::Damaged { path: self.folder.join(name), why };
        slot::decode(&self.needed(name)?).map_err(damaged)
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
        let file = self.new_file(bytes).map_err(|error| written(&path, error))?;
        self.put(file, &path).map_err(|error| written(&path, error))
    }

    /// Synced, under a name that means nothing yet.
    fn new_file(&self, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.as_file().set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    fn put(&self, file: NamedTempFile, path: &Path) -> io::Result<()> {
        file.persist(path).map_err(|error| error.error)?;
        File::open(&self.folder)?.sync_all()
    }
}

fn written(path: &Path, source: io::Error) -> ClientError {
    ClientError::Disk { path: path.to_owned(), verb: "written", source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::record::Record,
        wire::{Entries, ServerList},
    };
    use proptest::prelude::*;
    use tempfile::TempDir;

    fn stored(sequence: u64) -> Stored {
        let entries = Entries::parse([(1, "192.0.2.1", 51_213)]).unwrap();
        let mut stored = Stored::new(ServerList::new(1, 1, None, entries), 0);
        stored.connection_sequence = sequence;
        stored
    }

    #[tokio::test]
    async fn the_state_before_stands_in_for_a_damaged_one() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::open(folder.path()).await.unwrap();
        disk.save_stored(&stored(1)).unwrap();
        disk.save_stored(&stored(2)).unwrap();
        assert_eq!(disk.load_stored().unwrap(), stored(2));

        let path = folder.path().join(STATE_FILE);
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() - 1 {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(disk.load_stored().unwrap(), stored(1), "cut at {length}");
        }
        assert!(!path.exists(), "the next write would put the damaged state in the place of the good one");
        assert_eq!(disk.load_stored().unwrap(), stored(1));
        disk.save_stored(&stored(3)).unwrap();
        assert_eq!(disk.load_stored().unwrap(), stored(3));
        fs::remove_file(&path).unwrap();
        assert_eq!(disk.load_stored().unwrap(), stored(1), "the power went before the new state had its name");
        disk.save_stored(&stored(4)).unwrap();

        fs::write(&path, b"{}").unwrap();
        fs::write(folder.path().join(OLD_STATE_FILE), b"{}").unwrap();
        assert!(matches!(disk.load_stored(), Err(ClientError::Damaged { path: named, .. }) if named == path));
    }

    #[tokio::test]
    async fn what_names_came_to_is_remembered_and_no_harm_if_not() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::open(folder.path()).await.unwrap();
        assert_eq!(disk.load_names(), Remembered::new());
        let names =
            Remembered::from([("one.example".to_owned(), vec!["192.0.2.1".parse().unwrap(), "::1".parse().unwrap()])]);
        disk.save_names(&names).unwrap();
        assert_eq!(disk.load_names(), names);
        fs::write(folder.path().join(NAMES_FILE), b"{\"one.example\":[\"192.0").unwrap();
        assert_eq!(disk.load_names(), Remembered::new());
    }

    #[tokio::test]
    async fn a_state_without_a_sum_is_read_once() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::open(folder.path()).await.unwrap();
        for (file, sequence) in [(STATE_FILE, 2), (OLD_STATE_FILE, 1)] {
            let json = serde_json::to_vec(&Record::from(&stored(sequence))).unwrap();
            fs::write(folder.path().join(file), json).unwrap();
        }
        assert_eq!(disk.load_stored().unwrap(), stored(2));
        for file in [STATE_FILE, OLD_STATE_FILE] {
            assert_eq!(disk.load_slot(file).unwrap(), Slot { stored: stored(2), bare: false });
        }
    }

    proptest! {
        #[test]
        fn a_changed_byte_brings_the_slot_before(place: proptest::sample::Index, change in 1..=255_u8) {
            let folder = TempDir::new().unwrap();
            let lock = Arc::new(tempfile::tempfile().unwrap());
            let disk = Disk { folder: folder.path().to_owned(), _lock: lock };
            disk.save_stored(&stored(1)).unwrap();
            disk.save_stored(&stored(2)).unwrap();
            let path = folder.path().join(STATE_FILE);
            let mut slot = fs::read(&path).unwrap();
            let place = place.index(slot.len());
            slot[place] ^= change;
            fs::write(&path, slot).unwrap();
            prop_assert_eq!(disk.load_stored().unwrap(), stored(1));
        }
    }

    #[tokio::test]
    async fn the_key_is_made_once_and_is_nobody_elses() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::open(folder.path()).await.unwrap();
        let key = disk.load_or_make_key().unwrap().serialize_der();
        assert_eq!(disk.load_or_make_key().unwrap().serialize_der(), key);
        let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_folder_is_one_runs_at_a_time() {
        let folder = TempDir::new().unwrap();
        let first = Disk::open(folder.path()).await.unwrap();
        let waiting = tokio::spawn({
            let folder = folder.path().to_owned();
            async move { Disk::open(&folder).await.is_ok() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        assert!(waiting.await.unwrap());
    }
}
