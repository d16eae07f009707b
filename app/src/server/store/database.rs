//! The two engines that a database of this program runs on.

use super::StoreError;
use sqlx::{
    Connection as _, PgPool, Postgres, Sqlite, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, time::Duration};

/// How long a writer waits for somebody else who holds the database, and anybody for a connection, before the request
/// fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once; of writers only one works at a time.
const CONNECTIONS: u32 = 8;
/// PostgreSQL: whoever begins to write takes its turn, and holds the epoch: it cannot be moved while somebody writes.
/// The number means this program's book in whatever database it is.
const TAKE_TURN: &str =
    "select pg_advisory_xact_lock(8213749650187); select epoch from installation where \"only\" = 1 for share";

/// Connections to a database.
#[derive(Clone, Debug)]
pub(super) enum Database {
    /// A file.
    Sqlite(SqlitePool),
    /// A server.
    Postgres(PgPool),
}

/// What is done as a whole or, if it is dropped, not at all.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Makes all of it true. After an error of a connection that broke it may be true or not.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

impl Database {
    /// Opens a file. A frozen database is read, and refuses to be written.
    pub(super) async fn open_file(
        file: &Path,
        journal_mode: SqliteJournalMode,
        frozen: bool,
    ) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(journal_mode)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("query_only", if frozen { "on" } else { "off" });
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).before_acquire(|connection, _| {
            // SQLite itself ends a transaction when the disk is full, and the driver goes on counting it: such a
            // connection begins no other. Another is opened in its place.
            Box::pin(async move { Ok(!connection.is_in_transaction()) })
        });
        Ok(Self::Sqlite(pool.connect_with(options).await?))
    }

    /// Connects to a server. A frozen database is read, and refuses to be written.
    pub(super) async fn connect(server: &PgConnectOptions, frozen: bool) -> Result<Self, StoreError> {
        let options = server.clone().application_name("biostar2").options([
            ("lock_timeout", format!("{}ms", BUSY_TIMEOUT.as_millis())),
            ("default_transaction_read_only", if frozen { "on" } else { "off" }.to_owned()),
            // What is acknowledged is on the disk, whatever the server's own setting: the standby's at least as this one's.
            ("synchronous_commit", "on".to_owned()),
        ]);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(BUSY_TIMEOUT);
        Ok(Self::Postgres(pool.connect_with(options).await?))
    }

    /// Ends all use of it; what comes after fails.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// The pool of a file. Only files are copied.
    pub(super) fn file_pool(&self) -> Result<&SqlitePool, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(pool),
            Self::Postgres(_) => Err(StoreError::NoFile),
        }
    }
}

/// Begins a transaction that will write: it takes its turn at once, so that what it reads still stands when it writes.
pub(super) async fn begin(database: &Database) -> Result<Transaction, sqlx::Error> {
    match database {
        Database::Sqlite(pool) => Ok(Transaction::Sqlite(pool.begin_with("begin immediate").await?)),
        Database::Postgres(pool) => {
            let mut transaction = pool.begin().await?;
            sqlx::raw_sql(TAKE_TURN).execute(&mut *transaction).await?;
            Ok(Transaction::Postgres(transaction))
        }
    }
}
