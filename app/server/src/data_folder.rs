//! The folder that holds everything one server keeps.

use crate::{
    db::{DATABASE_FILE, LOCAL_FILE},
    durable,
    identity::Identity,
};
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

const IDENTITY_FILE: &str = "server.json";
const LOCK_FILE: &str = "lock";
const CONSOLE_SOCKET: &str = "control.sock";

/// A data folder that this program alone serves.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Held as long as the program runs.
    _lock: File,
}

/// Why a data folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// The folder or a file in it cannot be used.
    #[error("{0} cannot be used: {1}")]
    Unusable(PathBuf, #[source] io::Error),
    /// Another program serves it.
    #[error("another portal already runs on {0}")]
    InUse(PathBuf),
    /// Its description is damaged.
    #[error("{0} cannot be read: {1}; restore it from a backup")]
    Damaged(PathBuf, #[source] serde_json::Error),
    /// There is a database, but nothing says whose it is.
    #[error("{0} is missing although {1} exists; restore it from a backup, or start with an empty folder")]
    IdentityMissing(PathBuf, PathBuf),
}

impl DataFolder {
    /// Makes the folder if need be and takes it for this program.
    ///
    /// # Errors
    ///
    /// The disk's, or another portal has it.
    pub fn open(path: &Path) -> Result<Self, DataFolderError> {
        // Also a folder that somebody made for us: it holds keys, and the console's socket.
        durable::make_folder(path)
            .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o700)))
            .map_err(|error| DataFolderError::Unusable(path.to_owned(), error))?;
        let file = path.join(LOCK_FILE);
        let lock = File::create(&file).map_err(|error| DataFolderError::Unusable(file.clone(), error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataFolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(DataFolderError::Unusable(file, error)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which server lives here; `None` in a new folder.
    ///
    /// # Errors
    ///
    /// The description is unreadable, or gone while there are records.
    pub fn identity(&self) -> Result<Option<Identity>, DataFolderError> {
        let identity = read_identity(&self.path)?;
        // Only the first server keeps a database of its own, but every server has a local database.
        let records =
            [DATABASE_FILE, LOCAL_FILE].map(|file| self.path.join(file)).into_iter().find(|file| file.exists());
        match (identity, records) {
            (None, Some(records)) => Err(DataFolderError::IdentityMissing(self.path.join(IDENTITY_FILE), records)),
            (identity, _) => Ok(identity),
        }
    }

    /// Says which server lives here; the last step of making a server.
    pub fn write_identity(&self, identity: &Identity) -> Result<(), DataFolderError> {
        let file = self.path.join(IDENTITY_FILE);
        let unusable = |error| DataFolderError::Unusable(file.clone(), error);
        let mut text = serde_json::to_vec_pretty(identity).map_err(|error| unusable(error.into()))?;
        text.push(b'\n');
        durable::write(&file, &text).map_err(unusable)
    }
}

/// Which server lives in the folder `path`, served or not.
///
/// # Errors
///
/// The description is unreadable.
pub fn read_identity(path: &Path) -> Result<Option<Identity>, DataFolderError> {
    let file = path.join(IDENTITY_FILE);
    match fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| DataFolderError::Damaged(file, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DataFolderError::Unusable(file, error)),
    }
}

/// The console's socket of the server that serves the folder `path`.
#[must_use]
pub fn console_socket(path: &Path) -> PathBuf {
    path.join(CONSOLE_SOCKET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            installation_id: "site".to_owned(),
            server_id: "one".to_owned(),
            server_name: "BioStar Server #1".to_owned(),
        }
    }

    #[test]
    fn a_folder_is_served_once_and_remembers_its_server() {
        let data = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(data.path()).unwrap();
        assert!(matches!(DataFolder::open(data.path()), Err(DataFolderError::InUse(_))));
        assert_eq!(folder.identity().unwrap(), None);
        folder.write_identity(&identity()).unwrap();
        drop(folder);
        assert_eq!(DataFolder::open(data.path()).unwrap().identity().unwrap(), Some(identity()));
    }

    #[test]
    fn records_without_their_server_are_never_taken_over() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(DATABASE_FILE), b"").unwrap();
        let folder = DataFolder::open(data.path()).unwrap();
        assert!(matches!(folder.identity(), Err(DataFolderError::IdentityMissing(..))));
        fs::write(data.path().join(IDENTITY_FILE), b"{").unwrap();
        assert!(matches!(folder.identity(), Err(DataFolderError::Damaged(..))));
    }
}
