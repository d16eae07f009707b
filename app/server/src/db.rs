//! The databases: engines, migrations, the files of the installation database, and what SQL needs on both engines.
//!
//! Two databases: the *database* is the installation's: a file (`biostar2.db`) that travels to the other server as a copy, or a
//! database of a PostgreSQL server. The *local database* (`local.db`) is what this server saw itself and never travels.

pub(crate) mod activation;
pub(crate) mod archive;
pub(crate) mod audit;
pub(crate) mod blank;
pub(crate) mod columns;
pub(crate) mod copies;
pub(crate) mod copy;
pub(crate) mod database;
pub(crate) mod error;
mod faults;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod installation;
pub(crate) mod kept_copies;
pub(crate) mod postgres;
pub(crate) mod quiet;
pub(crate) mod sql;
pub(crate) mod survey;

pub use activation::{EpochRow, Promotion, PromotionKind};
pub(crate) use archive::NotKept;
pub use audit::AuditEntry;
pub(crate) use copies::{Copies, PartOfCopy};
pub use copies::{DatabaseFacts, Manifest};
pub use copy::CopyFlaw;
pub(crate) use copy::{DatabaseWatch, adopt};
pub use error::StoreError;
pub use installation::Installation;
pub use kept_copies::{KeptCopy, check_kept_copy, find_kept_copy, list_kept_copies, put_copy_in_place, read_kept_copy};
pub use survey::{DatabasePlace, Schema, Surveyed, SurveyedFile, snapshot, survey};

pub(crate) use database::{Database, Transaction, begin};
use sqlx::{migrate::Migrator, postgres::PgConnectOptions, sqlite::SqliteJournalMode};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};
use tokio::sync::Mutex;

/// File name of the database in the data folder.
pub const DATABASE_FILE: &str = "biostar2.db";
/// File name of the local database in the data folder.
pub const LOCAL_FILE: &str = "local.db";

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");
static LOCAL_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/local");

/// Where a database that is written lies.
#[derive(Clone, Debug)]
pub(crate) enum Home {
    /// In this server's own file, in its data folder.
    Own(PathBuf),
    /// In a file shared with another server; whoever holds the lease on it opens it.
    Shared(PathBuf),
    /// On a database server.
    Server(Box<PgConnectOptions>),
}

impl Home {
    fn own(folder: &Path) -> Self {
        Self::Own(folder.join(DATABASE_FILE))
    }

    fn file(&self) -> Result<&Path, StoreError> {
        match self {
            Self::Own(file) | Self::Shared(file) => Ok(file),
            Self::Server(_) => Err(StoreError::NoFile),
        }
    }

    async fn open(&self, frozen: bool) -> Result<Database, StoreError> {
        match self {
            Self::Own(file) => Database::open_file(file, SqliteJournalMode::Wal, frozen).await,
            // A write-ahead log needs memory that all who use the file share: two machines have none.
            Self::Shared(file) => Database::open_file(file, SqliteJournalMode::Delete, frozen).await,
            Self::Server(server) => Database::connect(server, frozen).await,
        }
    }

    /// Opens it to be written, with this program's schema.
    async fn open_current(&self) -> Result<Database, StoreError> {
        let database = self.open(false).await?;
        let migrated = match &database {
            Database::Sqlite(pool) => SQLITE_MIGRATIONS.run(pool).await,
            Database::Postgres(pool) => POSTGRES_MIGRATIONS.run(pool).await,
        };
        if let Err(error) = migrated {
            database.close().await;
            return Err(error.into());
        }
        Ok(database)
    }
}

/// Both databases of one server. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) folder: PathBuf,
    /// Where the database lies while this server writes it.
    pub(crate) home: Home,
    pub(crate) database: Arc<RwLock<Database>>,
    pub(crate) local: Database,
    /// On a standby: which copy the database is.
    pub(crate) copy: Arc<RwLock<Option<Manifest>>>,
    /// One exchange of the database at a time.
    pub(crate) turn: Arc<Mutex<()>>,
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

    /// The same with a database that is shared with another server. Only whoever holds the lease on it may do so.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened or a migration fails.
    pub async fn open_shared(folder: &Path, database: &Path) -> Result<Self, StoreError> {
        Self::open_at(folder, Home::Shared(database.to_owned())).await
    }

    /// The same with a database on a PostgreSQL server, at an address like `postgres://user@host/database`. If it is only
    /// read the server may be a replica of the one that is written; its schema is taken as it is.
    ///
    /// # Errors
    ///
    /// When the address is none, the server does not answer, or a migration fails.
    pub async fn open_postgres(folder: &Path, address: &str, read_only: bool) -> Result<Self, StoreError> {
        let server: PgConnectOptions = address.parse().map_err(StoreError::Address)?;
        let home = Home::Server(Box::new(server));
        let database = if read_only { home.open(true).await? } else { home.open_current().await? };
        Self::of(folder, home, database, None).await
    }

    async fn open_at(folder: &Path, home: Home) -> Result<Self, StoreError> {
        let database = home.open_current().await?;
        Self::of(folder, home, database, None).await
    }

    /// This standby's database, once it writes one, is the shared one.
    #[must_use]
    pub fn sharing(self, database: Option<&Path>) -> Self {
        let home = database.map_or(self.home, |database| Home::Shared(database.to_owned()));
        Self { home, ..self }
    }

    async fn of(folder: &Path, home: Home, database: Database, copy: Option<Manifest>) -> Result<Self, StoreError> {
        Ok(Self {
            folder: folder.to_owned(),
            home,
            database: Arc::new(RwLock::new(database)),
            local: open_local(folder).await?,
            copy: Arc::new(RwLock::new(copy)),
            turn: Arc::default(),
        })
    }

    /// Opens a standby's databases in `folder`: its local database, and the copy that counts as a database that is only read.
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
        activation::put_aside(folder).await?;
        Ok(Some(
            Self::of(folder, Home::own(folder), Database::Sqlite(copy::open_current(&file).await?), Some(manifest))
                .await?,
        ))
    }

    /// Ends all use of both files; what comes after fails.
    pub async fn close(&self) {
        self.database().close().await;
        self.local().close().await;
    }

    /// Whether the database is a file, of which copies can be made.
    pub(crate) fn has_file(&self) -> bool {
        self.home.file().is_ok()
    }

    /// The folder that holds both files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The installation's records. Take it anew for each operation: a standby exchanges it for a newer copy.
    pub(crate) fn database(&self) -> Database {
        self.database.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another database in the place of the one in use, which is the answer.
    pub(crate) fn exchange_database(&self, database: Database, copy: Option<Manifest>) -> Database {
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = copy;
        std::mem::replace(&mut *self.database.write().unwrap_or_else(PoisonError::into_inner), database)
    }

    /// What this server saw itself.
    pub(crate) fn local(&self) -> &Database {
        &self.local
    }
}

async fn open_local(folder: &Path) -> Result<Database, StoreError> {
    let local = Database::open_file(&folder.join(LOCAL_FILE), SqliteJournalMode::Wal, false).await?;
    LOCAL_MIGRATIONS.run(local.file_pool()?).await?;
    Ok(local)
}
