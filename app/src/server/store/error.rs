//! What a database says no with, reduced to what its callers tell apart.

use sqlx::error::ErrorKind;

/// Why the store could not do something. Database text stays in `source` and the log; it never reaches a page.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the database for longer than we wait.
    #[error("the database is locked by another program")]
    Locked(#[source] sqlx::Error),
    /// The disk is full.
    #[error("the disk that holds the database is full")]
    Full(#[source] sqlx::Error),
    /// The file cannot be opened or written.
    #[error("the database file cannot be used")]
    Unusable(#[source] sqlx::Error),
    /// A row with that key is there already.
    #[error("a record with this key exists already")]
    Exists(#[source] sqlx::Error),
    /// A row holds what this program never writes.
    #[error("the record {record} cannot be read: {why}")]
    Inconsistent {
        /// Table and key.
        record: String,
        /// What is wrong with it.
        why: String,
    },
    /// Bringing the schema up to date failed.
    #[error("the database schema cannot be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Anything else is a defect of ours.
    #[error("a database statement failed")]
    Statement(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // SQLite's primary result code is the low byte of the extended one.
        let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i64>().ok());
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Self::Locked(error),
            Some(13) => Self::Full(error),
            Some(8 | 10 | 11 | 14 | 26) => Self::Unusable(error),
            _ if error.as_database_error().is_some_and(|e| e.kind() == ErrorKind::UniqueViolation) => {
                Self::Exists(error)
            }
            _ if matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)) => Self::Unusable(error),
            _ => Self::Statement(error),
        }
    }
}

impl StoreError {
    /// A row that cannot be read.
    pub fn inconsistent(record: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Inconsistent { record: record.into(), why: why.to_string() }
    }
}
