//! The only SQL of the project.
//!
//! Two databases: the *book* (`biostar2.db`) is the installation's and travels to the other server as a copy; the
//! *journal* (`journal.db`) is what this server saw itself and never travels.

mod audit;
mod columns;
mod copies;
mod copy;
mod devices;
mod error;
mod event_news;
mod event_rows;
mod events;
#[cfg(test)]
pub(in crate::server) mod fixture;
mod installation;
mod joins;
mod lone_writes;
mod operators;
mod outcomes;
mod probes;
mod provisioning;
mod pushes;
mod refresh_tokens;
mod renewals;
mod revision_history;
mod revisions;
mod revocations;
mod rollouts;
mod servers;
mod sightings;
mod sign_ins;
mod survey;
mod turnover;
mod waiting;

pub use audit::AuditEntry;
pub(in crate::server) use copies::Copies;
pub use copies::{BookFacts, Manifest};
pub use copy::CopyFlaw;
pub(in crate::server) use copy::{BookWatch, adopt};
pub use devices::{DeviceEdit, DeviceRecord};
pub use error::StoreError;
pub use event_news::{EventGap, EventNews, ReplacedRing};
pub use event_rows::{EventFilter, EventMark, EventRow};
pub use events::{EventArrival, EventPlace};
pub use installation::Installation;
pub(in crate::server) use joins::{JoinString, Used};
pub use operators::OperatorRecord;
pub use outcomes::{Outcome, OutcomeState};
pub use provisioning::ProvisioningRecord;
pub use pushes::{PushMove, PushMoved};
pub use refresh_tokens::{Presented, RefreshToken};
pub use renewals::{Renewable, RenewalRecord};
pub use revision_history::PastRevision;
pub use revisions::Revision;
pub use revocations::DeviceRevocation;
pub use rollouts::{Begun, ChosenDevice, MemberPush, RolloutMember, RolloutMove, RolloutRecord};
pub(in crate::server) use servers::NewServer;
pub use sightings::{Presence, ReportedList, Sighting};
pub use survey::{Schema, Surveyed, SurveyedFile, snapshot, survey};
pub use turnover::{EpochRow, Promotion, PromotionKind};
pub use waiting::{Acceptance, WaitingRecord, WaitingState};

use sqlx::{
    Connection as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio::sync::Mutex;

/// File name of the book in the data folder.
pub const BOOK_FILE: &str = "biostar2.db";
/// File name of the journal in the data folder.
pub const JOURNAL_FILE: &str = "journal.db";

/// How long a writer waits for another process that holds the database, before the request fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

static BOOK_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/sqlite");
static JOURNAL_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/journal");

/// The file of a book that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Home {
    /// This server's own, in its data folder.
    Own(PathBuf),
    /// Shared with another server; whoever holds the lease on it opens it.
    Shared(PathBuf),
}

impl Home {
    fn own(folder: &Path) -> Self {
        Self::Own(folder.join(BOOK_FILE))
    }

    fn file(&self) -> &Path {
        match self {
            Self::Own(file) | Self::Shared(file) => file,
        }
    }

    /// A write-ahead log needs memory that all who use the file share: two machines have none.
    fn journal_mode(&self) -> SqliteJournalMode {
        match self {
            Self::Own(_) => SqliteJournalMode::Wal,
            Self::Shared(_) => SqliteJournalMode::Delete,
        }
    }

    async fn open(&self, frozen: bool) -> Result<SqlitePool, StoreError> {
        open_pool(self.file(), self.journal_mode(), frozen).await
    }
}

/// Both databases of one server. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    folder: PathBuf,
    /// Where the book lies while this server writes it.
    home: Home,
    book: Arc<RwLock<SqlitePool>>,
    journal: SqlitePool,
    /// On a standby: which copy the book is.
    copy: Arc<RwLock<Option<Manifest>>>,
    /// One exchange of the book at a time.
    turn: Arc<Mutex<()>>,
}

impl Store {
    /// Opens the databases in `folder`, making and migrating them as needed.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened or a migration fails.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_at(folder, Home::own(folder)).await
    }

    /// The same with a book that is shared with another server. Only whoever holds the lease on it may do so.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened or a migration fails.
    pub async fn open_shared(folder: &Path, database: &Path) -> Result<Self, StoreError> {
        Self::open_at(folder, Home::Shared(database.to_owned())).await
    }

    async fn open_at(folder: &Path, home: Home) -> Result<Self, StoreError> {
        let book = home.open(false).await?;
        BOOK_MIGRATIONS.run(&book).await?;
        Self::of(folder, home, book, None).await
    }

    /// This standby's book, once it writes one, is the shared one.
    #[must_use]
    pub fn sharing(self, database: Option<&Path>) -> Self {
        let home = database.map_or(self.home, |database| Home::Shared(database.to_owned()));
        Self { home, ..self }
    }

    async fn of(folder: &Path, home: Home, book: SqlitePool, copy: Option<Manifest>) -> Result<Self, StoreError> {
        Ok(Self {
            folder: folder.to_owned(),
            home,
            book: Arc::new(RwLock::new(book)),
            journal: open_journal(folder).await?,
            copy: Arc::new(RwLock::new(copy)),
            turn: Arc::default(),
        })
    }

    /// Opens a standby's databases in `folder`: its journal, and the copy that counts as a book that is only read.
    /// `None` as long as no copy ever arrived.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened or a migration fails.
    pub async fn open_standby(folder: &Path) -> Result<Option<Self>, StoreError> {
        let copies = Copies::of(folder);
        let Some((manifest, file)) = copies.current().map_err(sqlx::Error::Io)? else { return Ok(None) };
        copies.sweep(&[&manifest], SystemTime::now()).map_err(sqlx::Error::Io)?;
        // From a time as active server, or from a promotion that was cut off.
        turnover::put_aside(folder).await?;
        Ok(Some(Self::of(folder, Home::own(folder), copy::open_current(&file).await?, Some(manifest)).await?))
    }

    /// Ends all use of both files; what comes after fails.
    pub async fn close(&self) {
        self.book().close().await;
        self.journal().close().await;
    }

    /// The folder that holds both files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The installation's records. Take it anew for each operation: a standby exchanges it for a newer copy.
    fn book(&self) -> SqlitePool {
        self.book.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another book in the place of the one in use, which is the answer.
    fn exchange_book(&self, book: SqlitePool, copy: Option<Manifest>) -> SqlitePool {
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = copy;
        std::mem::replace(&mut *self.book.write().unwrap_or_else(PoisonError::into_inner), book)
    }

    /// What this server saw itself.
    fn journal(&self) -> &SqlitePool {
        &self.journal
    }
}

/// Begins a transaction that will write: it takes its turn at once, so that what it reads still stands when it writes.
async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    Ok(pool.begin_with("begin immediate").await?)
}

async fn open_journal(folder: &Path) -> Result<SqlitePool, StoreError> {
    let journal = open_pool(&folder.join(JOURNAL_FILE), SqliteJournalMode::Wal, false).await?;
    JOURNAL_MIGRATIONS.run(&journal).await?;
    Ok(journal)
}

/// A frozen database is read, and refuses to be written.
async fn open_pool(file: &Path, journal_mode: SqliteJournalMode, frozen: bool) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(journal_mode)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("query_only", if frozen { "on" } else { "off" });
    let pool = SqlitePoolOptions::new().max_connections(8).before_acquire(|connection, _| {
        // SQLite itself ends a transaction when the disk is full, and the driver goes on counting it: such a connection
        // begins no other. Another is opened in its place.
        Box::pin(async move { Ok(!connection.is_in_transaction()) })
    });
    Ok(pool.connect_with(options).await?)
}
