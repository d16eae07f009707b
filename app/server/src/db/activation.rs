//! The database changes hands: a standby's copy becomes the database that is written, and a database that was overtaken is put aside.

use super::{
    AuditEntry, Copies, DATABASE_FILE, Database, Home, Installation, Manifest, SQLITE_MIGRATIONS, Store, StoreError,
    Transaction,
    archive::free_place,
    audit::insert_audit,
    blank::blank,
    columns::{count, number},
    copy::{CopyFlaw, adopt, open_current, open_private},
    database::begin_on_any_line,
    postgres, sql,
};
use crate::{durable, epoch::EpochToken};
use serde::Serialize;
use sqlx::SqlitePool;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a server that loses the shared database tries to keep a copy of it.
const LAST_COPY_LIMIT: Duration = Duration::from_secs(10);

/// How an epoch began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionKind {
    /// The installation was made.
    First,
    /// The server before gave its role.
    Handover,
    /// The server before could not be asked.
    Takeover,
}

impl PromotionKind {
    fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Handover => "handover",
            Self::Takeover => "takeover",
        }
    }
}

/// A server becomes active.
#[derive(Clone, Debug, PartialEq)]
pub struct Promotion {
    /// The epoch that begins.
    pub epoch: EpochToken,
    /// How.
    pub kind: PromotionKind,
    /// How the server before was stopped, in the operator's words.
    pub stopped: Option<String>,
    /// Who wanted it, and when.
    pub audit: AuditEntry,
}

/// A row of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// Counts from 1.
    pub number: u64,
    /// The server that became active.
    pub server_id: String,
    /// When.
    pub promoted_at: String,
    /// The operator, or `system`.
    pub promoted_by: String,
    /// `first`, `handover` or `takeover`.
    pub kind: String,
    /// How the server before was stopped.
    pub stopped: Option<String>,
}

impl Store {
    /// Ends all writing to the database: what is being written is finished first, what comes after is refused. Reading goes on.
    pub(crate) async fn freeze_database(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        if self.copy_in_use().is_none() {
            let frozen = self.home.open(true).await?;
            self.exchange_database(frozen, None).close().await;
        }
        Ok(())
    }

    /// Does with the copy in use what a promotion would do, on a file that is thrown away.
    pub(crate) async fn run_restore_test(&self) -> Result<(), CopyFlaw> {
        let current = Copies::of(&self.folder).current()?;
        let (_, copy) = current.ok_or_else(|| StoreError::inconsistent("copies", "no copy has arrived"))?;
        let stage = tempfile::Builder::new().prefix("restore-test-").tempdir_in(&self.folder)?;
        let file = stage.path().join(DATABASE_FILE);
        let target = file.clone();
        let copied = tokio::task::spawn_blocking(move || fs::copy(copy, target)).await;
        copied.map_err(io::Error::other).flatten()?;
        let database = Home::Own(file).open(false).await?;
        let outcome = test_restore_on(database.file_pool()?).await;
        database.close().await;
        outcome
    }

    /// Lets a frozen database be written again.
    pub(crate) async fn thaw_database(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        if self.copy_in_use().is_none() {
            let database = self.home.open(false).await?;
            let old = self.exchange_database(database, None);
            tokio::spawn(async move { old.close().await });
        }
        Ok(())
    }

    /// Makes the copy, or the frozen database, the one that is written, beginning with this promotion. If it fails nothing has
    /// changed for whoever reads.
    pub(crate) async fn promote_database(&self, promotion: &Promotion) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        if let (Home::Own(_), Some(_)) = (&self.home, self.copy_in_use()) {
            let current = Copies::of(&self.folder).current().map_err(sqlx::Error::Io)?;
            let (_, copy) = current.ok_or_else(|| StoreError::inconsistent("copies", "the copy in use is gone"))?;
            put_aside(&self.folder).await?;
            let folder = self.folder.clone();
            let copied = tokio::task::spawn_blocking(move || copy_to_database(&copy, &folder)).await;
            copied.map_err(io::Error::other).flatten().map_err(sqlx::Error::Io)?;
        }
        postgres::promote(&self.database()).await?;
        let database = self.home.open_current().await?;
        if let Err(error) = write_promotion(&database, promotion).await {
            database.close().await;
            return Err(error);
        }
        let old = self.exchange_database(database, None);
        tokio::spawn(async move { old.close().await });
        Ok(())
    }

    /// Works with the copy that has arrived from now on, and puts the database that was written here aside. The answer is the
    /// file that it is now.
    pub(crate) async fn demote_database(&self) -> Result<Option<PathBuf>, StoreError> {
        let _turn = self.turn.lock().await;
        if self.is_on_a_server() {
            let frozen = self.home.open(true).await?;
            self.exchange_database(frozen, None).close().await;
            return Ok(None);
        }
        let current = Copies::of(&self.folder).current().map_err(sqlx::Error::Io)?;
        let (manifest, copy) = current.ok_or_else(|| StoreError::inconsistent("copies", "no copy has arrived"))?;
        let copy = Database::Sqlite(open_current(&copy).await?);
        let old = self.exchange_database(copy, Some(manifest));
        old.close().await;
        put_aside(&self.folder).await
    }

    /// The epoch of the shared database; 0 if this server's database is its own, or nothing is in it yet. The lease must be held.
    pub(crate) async fn epoch_of_shared_database(&self) -> Result<u64, StoreError> {
        let (Home::Shared(_) | Home::Server(_)) = self.home else { return Ok(0) };
        if self.is_on_a_server() {
            let epoch: Option<i64> =
                sql::query_scalar("select epoch from installation").fetch_optional(&self.database()).await?;
            return number("installation", epoch.unwrap_or_default());
        }
        let database = self.home.open_current().await?;
        let epoch: Option<i64> = sql::query_scalar("select epoch from installation").fetch_optional(&database).await?;
        database.close().await;
        number("installation", epoch.unwrap_or_default())
    }

    /// Works with a copy of the shared database from now on, or without records if there is none to be had. When this returns,
    /// also with an error, nothing here has the shared file open.
    pub(crate) async fn leave_shared_database(&self, outline: &Installation, now: &str) -> Result<(), CopyFlaw> {
        let _turn = self.turn.lock().await;
        let copies = Copies::of(&self.folder);
        let taken = tokio::time::timeout(LAST_COPY_LIMIT, self.last_copy(&copies, now)).await;
        let taken = taken.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        let flaw = match taken {
            Ok((pool, manifest)) => {
                self.exchange_database(Database::Sqlite(pool), Some(manifest)).close().await;
                return Ok(());
            }
            Err(flaw) => flaw,
        };
        match blank(&self.folder, outline).await {
            Ok(blank) => self.exchange_database(blank, Some(Manifest::default())).close().await,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "nor could an empty one be made");
                *self.copy.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Manifest::default());
                self.database().close().await;
            }
        }
        Err(flaw)
    }

    async fn last_copy(&self, copies: &Copies, now: &str) -> Result<(SqlitePool, Manifest), CopyFlaw> {
        let incoming = copies.incoming()?;
        let content = self.snapshot_database(&incoming).await?;
        let size = incoming.metadata()?.len();
        let generation = self.next_generation().await?;
        let sha256 = format!("{generation:064x}");
        let manifest = Manifest { sha256, size, taken_at: now.to_owned(), generation, content };
        Ok((adopt(copies, &manifest, None).await?, manifest))
    }

    /// Puts the first epoch on record, unless it is.
    pub(crate) async fn insert_first_epoch(&self, first: &Promotion) -> Result<(), StoreError> {
        let mut transaction = super::begin(&self.database()).await?;
        insert_epoch(&mut transaction, first).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Every promotion, the newest first.
    pub async fn list_epochs(&self) -> Result<Vec<EpochRow>, StoreError> {
        let rows: Vec<(i64, String, String, String, String, Option<String>)> = sql::query_as(
            "select number, server_id, promoted_at, promoted_by, kind, stopped from epochs order by number desc",
        )
        .fetch_all(&self.database())
        .await?;
        let row = |(epoch, server_id, promoted_at, promoted_by, kind, stopped)| {
            let epoch = number("epochs", epoch)?;
            Ok(EpochRow { number: epoch, server_id, promoted_at, promoted_by, kind, stopped })
        };
        rows.into_iter().map(row).collect()
    }

    /// How many changes the database holds: the id of the newest audit row.
    pub async fn newest_change(&self) -> Result<u64, StoreError> {
        let newest: Option<i64> = sql::query_scalar("select max(id) from audit").fetch_one(&self.database()).await?;
        number("audit", newest.unwrap_or_default())
    }
}

async fn test_restore_on(pool: &SqlitePool) -> Result<(), CopyFlaw> {
    let verdict: String = sqlx::query_scalar("pragma integrity_check(1)").fetch_one(pool).await?;
    if verdict != "ok" {
        return Err(CopyFlaw::Damaged(verdict));
    }
    SQLITE_MIGRATIONS.run(pool).await.map_err(StoreError::from)?;
    let epoch: i64 = sqlx::query_scalar("select epoch from installation").fetch_one(pool).await?;
    let next: u64 = number("installation", epoch)?;
    let epoch = EpochToken { number: next + 1, server_id: String::new(), seal: String::new() };
    let audit = AuditEntry {
        at: String::new(),
        operator: "system".to_owned(),
        peer: None,
        action: "server.restore-test",
        subject: String::new(),
        before: None,
        after: None,
    };
    let promotion = Promotion { epoch, kind: PromotionKind::Takeover, stopped: None, audit };
    Ok(write_promotion(&Database::Sqlite(pool.clone()), &promotion).await?)
}

async fn write_promotion(database: &Database, promotion: &Promotion) -> Result<(), StoreError> {
    let mut transaction = begin_on_any_line(database).await?;
    postgres::name_line(&mut transaction).await?;
    let epoch = &promotion.epoch;
    let moved = sql::query("update installation set epoch = $1, active_server = $2 where \"only\" = 1 and epoch < $1")
        .bind(count(epoch.number))
        .bind(&epoch.server_id)
        .execute(&mut transaction)
        .await?;
    if moved.rows_affected() != 1 {
        return Err(StoreError::inconsistent("installation", "its epoch is not lower than the new one"));
    }
    insert_epoch(&mut transaction, promotion).await?;
    insert_audit(&mut transaction, &promotion.audit).await?;
    transaction.commit().await?;
    Ok(())
}

async fn insert_epoch(connection: &mut Transaction, promotion: &Promotion) -> Result<(), StoreError> {
    sql::query(
        "insert into epochs (number, server_id, seal, promoted_at, promoted_by, kind, stopped, change)
         select $1, $2, $3, $4, $5, $6, $7, coalesce(max(id), 0) from audit where true
         on conflict (number) do nothing",
    )
    .bind(count(promotion.epoch.number))
    .bind(&promotion.epoch.server_id)
    .bind(&promotion.epoch.seal)
    .bind(&promotion.audit.at)
    .bind(&promotion.audit.operator)
    .bind(promotion.kind.name())
    .bind(&promotion.stopped)
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves a database that is not in use out of the way; the answer is its new place, if there was one.
pub(crate) async fn put_aside(folder: &Path) -> Result<Option<PathBuf>, StoreError> {
    let file = folder.join(DATABASE_FILE);
    if !file.exists() {
        return Ok(None);
    }
    // What the log beside it holds belongs to it.
    open_private(&file).await?.close().await;
    let place = free_place(folder, "biostar2", "db").map_err(sqlx::Error::Io)?;
    durable::rename(&file, &place).map_err(sqlx::Error::Io)?;
    tracing::warn!(archive = %place.display(), "the database that was in use before is kept aside");
    Ok(Some(place))
}

pub(crate) fn copy_to_database(copy: &Path, folder: &Path) -> io::Result<()> {
    let next = folder.join("biostar2.db.next");
    fs::copy(copy, &next)?;
    fs::File::open(&next)?.sync_all()?;
    // A log that lies there belonged to another file.
    for suffix in ["-wal", "-shm", "-journal"] {
        match fs::remove_file(folder.join(format!("{DATABASE_FILE}{suffix}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    durable::rename(&next, &folder.join(DATABASE_FILE))
}

#[cfg(test)]
mod tests;
