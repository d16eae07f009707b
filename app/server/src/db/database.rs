//! The two engines that a database of this program runs on.

use super::{StoreError, error::OtherLine};
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
/// SQLite: what a connection keeps in memory of the file; negative, so that it means KiB and not pages. Events come in at
/// as many places of their indices as there are devices.
const CACHE_KIB: &str = "-16384";
/// PostgreSQL: whoever begins to write takes its turn. The number means this program's database in whatever database it is.
const TAKE_TURN: &str = "select pg_advisory_xact_lock(8213749650187)";
macro_rules! line_stands {
    () => {
        "select system_id = (select system_identifier::text from pg_control_system())
            and timeline = ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
         from cluster where \"only\" = 1"
    };
}
/// Whether this cluster, and its line of history, is the one on which the database may be written; no row before the first write.
pub(crate) const LINE_STANDS: &str = line_stands!();
/// The same for whoever writes: it cannot be changed meanwhile.
const HOLD_LINE: &str = concat!(line_stands!(), " for share");

/// Connections to a database.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// A file.
    Sqlite(SqlitePool),
    /// A server.
    Postgres(PgPool),
}

/// What is done as a whole or, if it is dropped, not at all.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Makes all of it true. After an error of a connection that broke it may be true or not.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

impl Database {
    /// Opens a file. A frozen database is read, and refuses to be written.
    pub(crate) async fn open_file(
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
            .pragma("cache_size", CACHE_KIB)
            .pragma("query_only", if frozen { "on" } else { "off" });
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).before_acquire(|connection, _| {
            // SQLite itself ends a transaction when the disk is full, and the driver goes on counting it: such a
            // connection begins no other. Another is opened in its place.
            Box::pin(async move { Ok(!connection.is_in_transaction()) })
        });
        Ok(Self::Sqlite(pool.connect_with(options).await?))
    }

    /// Connects to a server. A frozen database is read, and refuses to be written.
    pub(crate) async fn connect(server: &PgConnectOptions, frozen: bool) -> Result<Self, StoreError> {
        let options = server.clone().application_name("biostar2").options([
            ("lock_timeout", format!("{}ms", BUSY_TIMEOUT.as_millis())),
            ("default_transaction_read_only", if frozen { "on" } else { "off" }.to_owned()),
            // What is acknowledged is on the disk, whatever the server's own setting: the standby's at least as this one's.
            ("synchronous_commit", "on".to_owned()),
        ]);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(BUSY_TIMEOUT);
        if frozen {
            // A server that must not write any more must be able to say so while its database does not answer.
            return Ok(Self::Postgres(pool.connect_lazy_with(options)));
        }
        Ok(Self::Postgres(pool.connect_with(options).await?))
    }

    /// Ends all use of it; what comes after fails.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// The pool of a file. Only files are copied.
    pub(crate) fn file_pool(&self) -> Result<&SqlitePool, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(pool),
            Self::Postgres(_) => Err(StoreError::NoFile),
        }
    }
}

/// Begins a transaction that will write: it takes its turn at once, so that what it reads still stands when it writes.
pub(crate) async fn begin(database: &Database) -> Result<Transaction, sqlx::Error> {
    let mut transaction = begin_on_any_line(database).await?;
    if let Transaction::Postgres(turn) = &mut transaction {
        let stands: Option<bool> = sqlx::query_scalar(HOLD_LINE).fetch_optional(&mut **turn).await?;
        if stands == Some(false) {
            return Err(sqlx::Error::Configuration(Box::new(OtherLine)));
        }
    }
    Ok(transaction)
}

/// The same on a database server of which nobody has said yet that the database is written there.
pub(crate) async fn begin_on_any_line(database: &Database) -> Result<Transaction, sqlx::Error> {
    match database {
        Database::Sqlite(pool) => Ok(Transaction::Sqlite(pool.begin_with("begin immediate").await?)),
        Database::Postgres(pool) => {
            let mut transaction = pool.begin().await?;
            sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
            Ok(Transaction::Postgres(transaction))
        }
    }
}
