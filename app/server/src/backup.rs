//! A server as one file: its records, its keys and who it is, with a manifest that says what must be in it.
//!
//! The file is a tar archive. It holds the installation's secrets in the clear.

mod make;
mod restore;

pub use make::make;
pub use restore::{restore, restore_copy};

use crate::{
    data_folder::DataFolderError,
    db::{CopyFlaw, StoreError},
    durable::copy_hashed,
    keys::KeysError,
};
use serde::{Deserialize, Serialize};
use std::{io, path::PathBuf};

/// The first file of the archive.
const MANIFEST: &str = "manifest.json";
/// What this program writes and reads.
const FORMAT: u32 = 1;
/// No manifest is longer.
const MANIFEST_MAX: u64 = 1 << 20;

/// Says what a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupManifest {
    /// How it is written.
    pub format: u32,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// By which version of this program.
    pub program: String,
    /// Of which installation.
    pub installation_id: String,
    /// Of which server.
    pub server_id: String,
    /// Its name.
    pub server_name: String,
    /// The database is on a database server, and is backed up with that one's tools.
    #[serde(default)]
    pub database_elsewhere: bool,
    /// Every other file of the archive, in its order.
    pub files: Vec<BackupFile>,
}

/// A file in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupFile {
    /// In the data folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

/// What a kept copy has become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredCopy {
    /// The server whose records it is now.
    pub server_name: String,
    /// How many changes it holds.
    pub change: u64,
    /// Its SHA-256 was on record, and was compared.
    pub described: bool,
    /// Where the records are that it replaced, if there were any.
    pub archive: Option<PathBuf>,
}

/// Why there is no backup, or none that can be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] DataFolderError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The records.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Nothing to back up.
    #[error("{0} holds no server")]
    NoServer(PathBuf),
    /// A standby's records are a copy.
    #[error("this server is standby, its records are a copy: make the backup on the active server")]
    Standby,
    /// A file that is there is never replaced.
    #[error("{0} exists already; choose another name")]
    Exists(PathBuf),
    /// A server may live there.
    #[error("{0} is not empty; restore into an empty folder, and move what is there out of the way first")]
    NotEmpty(PathBuf),
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// The archive is not what this program wrote.
    #[error("this is no whole backup: {0}; nothing was restored")]
    Damaged(String),
    /// No kept copy has that name.
    #[error("there is no kept copy {0}; `portal copies` lists those that are there")]
    NoCopy(String),
    /// The kept copy.
    #[error("{0}; nothing was changed")]
    Copy(#[from] CopyFlaw),
    /// A newer program wrote it.
    #[error(
        "this backup is of format {0}, which this program does not know: restore it with the program that made it, or a newer one"
    )]
    Newer(u32),
}
