//! Why the database or the data folder cannot be used.

use super::codes::codes;
use serde::{Deserialize, Serialize};

/// Why something could not be kept or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "kebab-case")]
pub enum StorageTrouble {
    /// Another program holds the database file.
    DatabaseLocked,
    /// The disk is full.
    DiskFull,
    /// The database cannot be read or written.
    DatabaseUnusable,
    /// The database can only be read.
    DatabaseReadOnly,
    /// The database server was promoted or restored by other hands.
    DatabaseOtherLine,
    /// The database is on a database server, so there is no file to copy.
    NoDatabaseFile,
    /// The server's role could not be written to its data folder.
    RoleNotWritten,
    /// The end of a session could not be written.
    SessionEndNotWritten,
    /// This server has no records yet, and serves nobody until it has.
    NoRecords,
}

codes!(StorageTrouble {
    DatabaseLocked = "database-locked",
    DiskFull = "disk-full",
    DatabaseUnusable = "database-unusable",
    DatabaseReadOnly = "database-read-only",
    DatabaseOtherLine = "database-other-line",
    NoDatabaseFile = "no-database-file",
    RoleNotWritten = "role-not-written",
    SessionEndNotWritten = "session-end-not-written",
    NoRecords = "no-records",
});
