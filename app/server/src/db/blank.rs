//! A database without records, for a standby that shares its database, has no copy of it and is given none: whoever holds the
//! lease hangs, or the disk went away in the middle of it.

use super::{
    Database, Home, Installation, Manifest, SQLITE_MIGRATIONS, Store, StoreError,
    columns::count,
    copy::{open_private, open_read_only},
};
use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path};

const FILE: &str = "blank.db";

impl Store {
    /// A standby without records, whose database is the shared `database` once it writes one.
    ///
    /// # Errors
    ///
    /// When a file cannot be written or opened.
    pub(crate) async fn open_blank(
        folder: &Path,
        database: &Path,
        installation: &Installation,
    ) -> Result<Self, StoreError> {
        let empty = blank(folder, installation).await?;
        Self::of(folder, Home::Shared(database.to_owned()), empty, Some(Manifest::default())).await
    }

    /// Whether this standby has no records: it can tell nobody's devices or operators from strangers.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.copy_in_use().is_some_and(|copy| copy.sha256.is_empty())
    }
}

/// Says which installation it is of, and nothing else.
pub(crate) async fn blank(folder: &Path, installation: &Installation) -> Result<Database, StoreError> {
    let file = folder.join(FILE);
    let emptied = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file);
    emptied.map_err(sqlx::Error::Io)?;
    let private = open_private(&file).await?;
    let made = write(&private, installation).await;
    private.close().await;
    made?;
    Ok(Database::Sqlite(open_read_only(&file).await?))
}

async fn write(database: &sqlx::SqlitePool, installation: &Installation) -> Result<(), StoreError> {
    SQLITE_MIGRATIONS.run(database).await?;
    sqlx::query(
        "insert into installation (\"only\", installation_id, epoch, active_server, created_at) values (1, $1, $2, $3, $4)",
    )
    .bind(&installation.id)
    .bind(count(installation.epoch))
    .bind(&installation.active_server)
    .bind(&installation.created_at)
    .execute(database)
    .await?;
    Ok(())
}
