//! The database as a whole: snapshots of it on the active server, exchanging it for a newer copy on a standby.

use super::{
    Copies, Database, DatabaseFacts, Manifest, SQLITE_MIGRATIONS, Store, StoreError, audit::mark_of, columns::number,
    copies::description_of, sql,
};
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::Path,
    sync::PoisonError,
    time::{Duration, SystemTime},
};

/// How long requests that began on the old copy may go on reading it.
const GRACE: Duration = Duration::from_secs(10);

/// Why a copy is not put to use. The one in use stays.
#[derive(Debug, thiserror::Error)]
pub enum CopyFlaw {
    /// SQLite found the file damaged.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// It is of somebody else's installation.
    #[error("the copy belongs to installation {0}, not to ours")]
    Foreign(String),
    /// An epoch that has passed.
    #[error("the copy is of epoch {copy}, this server knows epoch {known}")]
    Older {
        /// The copy's.
        copy: u64,
        /// Ours.
        known: u64,
    },
    /// What this server holds goes further, in the same epoch.
    #[error("the copy ends with change {copy}, the one in use with change {known} of the same epoch")]
    Behind {
        /// The copy's.
        copy: u64,
        /// Ours.
        known: u64,
    },
    /// A newer portal wrote it.
    #[error("the copy has schema version {0}, which this program does not know: upgrade this server")]
    NewerSchema(i64),
    /// This server writes its database itself.
    #[error("this server is active; it takes no copy")]
    Active,
    /// The file does not open or cannot be brought up to date.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk.
    #[error("the copy cannot be stored")]
    Io(#[from] std::io::Error),
}

impl From<sqlx::Error> for CopyFlaw {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Sees that the database was written to, whoever wrote.
pub(crate) struct DatabaseWatch(SqliteConnection);

impl DatabaseWatch {
    /// Differs from the last answer if and only if something was committed in between.
    pub(crate) async fn version(&mut self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("pragma data_version").fetch_one(&mut self.0).await?)
    }
}

impl Store {
    pub(crate) async fn watch_commits(&self) -> Result<DatabaseWatch, StoreError> {
        Ok(DatabaseWatch(self.database().file_pool()?.acquire().await?.detach()))
    }

    /// Writes one consistent state of the database to `file`, which must be empty or absent, and says what is in it.
    pub(crate) async fn snapshot_database(&self, file: &Path) -> Result<DatabaseFacts, StoreError> {
        let Some(name) = file.to_str() else {
            return Err(StoreError::inconsistent("data folder", "its path is not UTF-8"));
        };
        // On a connection of its own: those of a frozen database refuse to write anything at all.
        let mut connection = SqliteConnectOptions::new().filename(self.home.file()?).connect().await?;
        let taken = sqlx::query("vacuum into $1").bind(name).execute(&mut connection).await;
        connection.close().await?;
        taken?;
        let snapshot = open_read_only(file).await?;
        let facts = facts_of(&snapshot).await;
        snapshot.close().await;
        facts
    }

    /// Numbers a snapshot; never the same twice, also over restarts.
    pub(crate) async fn next_generation(&self) -> Result<u64, StoreError> {
        let value: i64 = sql::query_scalar(
            "insert into counters (name, value) values ('copy_generation', 1)
             on conflict (name) do update set value = counters.value + 1 returning value",
        )
        .fetch_one(self.local())
        .await?;
        Ok(value.unsigned_abs())
    }

    /// The copy this standby works with; `None` on an active server, and where a standby has no records.
    #[must_use]
    pub fn copy(&self) -> Option<Manifest> {
        self.copy_in_use().filter(|copy| !copy.sha256.is_empty())
    }

    /// The same with what stands for a copy where there are no records; `None` on an active server alone.
    pub(crate) fn copy_in_use(&self) -> Option<Manifest> {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks the copy that has arrived in the copies' folder and works with it from now on. `epoch` is the highest that this
    /// server knows.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with it; nothing changed then.
    pub(crate) async fn activate_copy(&self, manifest: &Manifest, epoch: u64) -> Result<(), CopyFlaw> {
        let _turn = self.turn.lock().await;
        let Some(previous) = self.copy_in_use() else { return Err(CopyFlaw::Active) };
        let copies = Copies::of(&self.folder);
        let (ours, theirs) = (&previous.content, &manifest.content);
        if theirs.epoch == ours.epoch && theirs.change < ours.change {
            copies.incoming()?;
            return Err(CopyFlaw::Behind { copy: theirs.change, known: ours.change });
        }
        let known = self.find_installation().await?.map(|known| (known.id, known.epoch.max(epoch)));
        self.keep_revocations_of_database().await?;
        let pool = adopt(&copies, manifest, known.as_ref().map(|(id, epoch)| (id.as_str(), *epoch))).await?;
        let old = self.exchange_database(Database::Sqlite(pool), Some(manifest.clone()));
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            old.close().await;
        });
        if let Err(error) = self.prune_forwarded_events().await {
            tracing::warn!(%error, "events that the copy has brought back could not be removed from the local database");
        }
        if let Err(error) = copies.sweep(&[manifest, &previous], SystemTime::now()) {
            tracing::warn!(%error, "old copies of the database could not be removed");
        }
        Ok(())
    }
}

/// Checks the arrived copy, names it, moves the pointer to it and opens it.
pub(crate) async fn adopt(
    copies: &Copies,
    manifest: &Manifest,
    known: Option<(&str, u64)>,
) -> Result<SqlitePool, CopyFlaw> {
    let arrived = copies.folder().join("incoming.part");
    if let Err(flaw) = check(&arrived, known).await {
        // What nobody may use must not lie around either.
        copies.incoming()?;
        return Err(flaw);
    }
    let file = copies.adopt(manifest)?;
    let (beside, described) = (copies.clone(), manifest.clone());
    let written = tokio::task::spawn_blocking(move || beside.describe(&described)).await;
    written.map_err(std::io::Error::other).flatten()?;
    let pool = open_read_only(&file).await?;
    copies.point_to(manifest)?;
    Ok(pool)
}

/// Opens the copy that counts, after bringing its schema up to this program's.
pub(crate) async fn open_current(file: &Path) -> Result<SqlitePool, StoreError> {
    let private = open_private(file).await?;
    let newest: Option<i64> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations").fetch_one(&private).await?;
    if SQLITE_MIGRATIONS.iter().any(|migration| Some(migration.version) > newest) {
        // It becomes another file than the one that was described.
        let _ = std::fs::remove_file(description_of(file));
    }
    let migrated = SQLITE_MIGRATIONS.run(&private).await;
    private.close().await;
    migrated?;
    open_read_only(file).await
}

/// Checks a file that nobody else uses, and brings its schema up to this program's.
async fn check(file: &Path, known: Option<(&str, u64)>) -> Result<(), CopyFlaw> {
    let private = open_private(file).await.map_err(damaged)?;
    let checked = examine(&private, known).await;
    private.close().await;
    checked
}

async fn examine(private: &SqlitePool, known: Option<(&str, u64)>) -> Result<(), CopyFlaw> {
    let verdict: String =
        sqlx::query_scalar("pragma quick_check(1)").fetch_one(private).await.map_err(|error| damaged(error.into()))?;
    if verdict != "ok" {
        return Err(CopyFlaw::Damaged(verdict));
    }
    let newest: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations")
        .fetch_one(private)
        .await
        .map_err(|_| CopyFlaw::Damaged("it is no database of an installation".to_owned()))?;
    let newest = newest.unwrap_or_default();
    if SQLITE_MIGRATIONS.iter().all(|migration| migration.version < newest) {
        return Err(CopyFlaw::NewerSchema(newest));
    }
    SQLITE_MIGRATIONS.run(private).await.map_err(StoreError::from)?;
    let found: Option<(String, i64)> =
        sqlx::query_as("select installation_id, epoch from installation").fetch_optional(private).await?;
    let Some((installation, epoch)) = found else {
        return Err(CopyFlaw::Damaged("it names no installation".to_owned()));
    };
    if let Some((ours, epoch_known)) = known {
        if installation != ours {
            return Err(CopyFlaw::Foreign(installation));
        }
        if epoch.unsigned_abs() < epoch_known {
            return Err(CopyFlaw::Older { copy: epoch.unsigned_abs(), known: epoch_known });
        }
    }
    Ok(())
}

pub(crate) async fn facts_of(database: &SqlitePool) -> Result<DatabaseFacts, StoreError> {
    let (installation_id, epoch, newest, schema): (String, i64, i64, i64) = sqlx::query_as(
        "select installation_id, epoch, (select coalesce(max(id), 0) from audit),
             (select coalesce(max(version), 0) from _sqlx_migrations)
         from installation where only = 1",
    )
    .fetch_one(database)
    .await?;
    let (epoch, change) = (number("installation", epoch)?, number("audit", newest)?);
    let mark = mark_of(&Database::Sqlite(database.clone()), change).await?.unwrap_or_default();
    Ok(DatabaseFacts { installation_id, epoch, change, mark, schema })
}

/// What the database library says no to in a copy is the file's fault.
pub(crate) fn damaged(error: StoreError) -> CopyFlaw {
    if let StoreError::Unusable(source) | StoreError::ReadOnly(source) | StoreError::Statement(source) = error {
        CopyFlaw::Damaged(source.to_string())
    } else {
        CopyFlaw::Store(error)
    }
}

/// With a rollback journal: when the connection closes, the file alone is the whole database.
pub(crate) async fn open_private(file: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Delete)
        .synchronous(SqliteSynchronous::Extra)
        .foreign_keys(true);
    Ok(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?)
}

/// As a file that nobody changes any more: SQLite then neither locks nor looks for a write-ahead log beside it.
pub(crate) async fn open_read_only(file: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    Ok(SqlitePoolOptions::new().max_connections(8).connect_with(options).await?)
}

#[cfg(test)]
mod tests;
