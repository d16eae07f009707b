//! What a database says no with, reduced to what its callers tell apart.

use sqlx::{
    error::{DatabaseError, ErrorKind},
    postgres::PgDatabaseError,
};

/// Why the store could not do something. Database text stays in `source` and the log; it never reaches a page.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the database for longer than we wait.
    #[error("the database is locked by another program")]
    Locked(#[source] sqlx::Error),
    /// The disk is full.
    #[error("the disk that holds the database is full")]
    Full(#[source] sqlx::Error),
    /// The file cannot be opened or written, or the database server cannot be reached.
    #[error("the database cannot be used")]
    Unusable(#[source] sqlx::Error),
    /// It can be read only: it is frozen, or a database server's replica.
    #[error("the database can only be read")]
    ReadOnly(#[source] sqlx::Error),
    /// A database on a database server is no file: it cannot be copied to another server.
    #[error("the database is on a database server: no copies are made of it")]
    NoFile,
    /// The database server was promoted or restored by other hands.
    #[error("the database server is on another line of history than the one that is on record")]
    OtherLine(#[source] sqlx::Error),
    /// The address of the database server cannot be understood.
    #[error("the address of the database server cannot be used")]
    Address(#[source] sqlx::Error),
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
        match error.as_database_error() {
            Some(said) if said.kind() == ErrorKind::UniqueViolation => Self::Exists(error),
            Some(said) => match said.try_downcast_ref::<PgDatabaseError>() {
                Some(said) => of_postgres(said.code())(error),
                None => of_sqlite(said)(error),
            },
            None if is_other_line(&error) => Self::OtherLine(error),
            None if is_out_of_reach(&error) => Self::Unusable(error),
            None => Self::Statement(error),
        }
    }
}

fn is_other_line(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Configuration(why) if why.is::<OtherLine>())
}

fn is_out_of_reach(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_))
}

fn of_sqlite(said: &dyn DatabaseError) -> fn(sqlx::Error) -> StoreError {
    // The primary result code is the low byte of the extended one.
    match said.code().and_then(|code| code.parse::<i64>().ok()).map(|code| code & 0xff) {
        Some(5 | 6) => StoreError::Locked,
        Some(8) => StoreError::ReadOnly,
        Some(13) => StoreError::Full,
        Some(10 | 11 | 14 | 26) => StoreError::Unusable,
        _ => StoreError::Statement,
    }
}

/// By PostgreSQL 15's appendix A, "PostgreSQL Error Codes". The first two characters are the class.
fn of_postgres(code: &str) -> fn(sqlx::Error) -> StoreError {
    match (code, code.get(..2)) {
        ("53100", _) => StoreError::Full,
        ("25006", _) => StoreError::ReadOnly,
        // A lock that was not to be had in time, a deadlock, a statement that was cancelled.
        ("55P03" | "40P01" | "57014", _) => StoreError::Locked,
        // Connections, who may connect and to what, resources, shutdowns and crashes, the system under it, damaged files.
        (_, Some("08" | "28" | "3D" | "53" | "57" | "58" | "XX")) => StoreError::Unusable,
        _ => StoreError::Statement,
    }
}

impl StoreError {
    /// A row that cannot be read.
    pub fn inconsistent(record: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Inconsistent { record: record.into(), why: why.to_string() }
    }
}

/// The database server was promoted or restored by other hands than this program's.
#[derive(Debug, thiserror::Error)]
#[error("the database server is on another line of history than the one that is on record")]
pub(crate) struct OtherLine;
