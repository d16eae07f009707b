//! Both databases at rest, for a snapshot of the disk.

use super::{Database, Store, StoreError, Transaction, begin};

/// Nothing is written to this server's databases as long as it lives.
pub(crate) struct Quiet {
    _database: Option<Transaction>,
    _local: Transaction,
}

impl Store {
    /// Lets whoever writes finish, brings everything into the database files themselves, and keeps writers waiting. A
    /// standby's copy is never written.
    pub(crate) async fn quiet(&self, writes_database: bool) -> Result<Quiet, StoreError> {
        let database = writes_database.then(|| self.database());
        for database in database.iter().chain([self.local()]) {
            empty_log(database).await?;
        }
        let _database = match &database {
            Some(database) => Some(begin(database).await?),
            None => None,
        };
        Ok(Quiet { _database, _local: begin(self.local()).await? })
    }
}

/// A snapshot without the log is then as good as one with it.
async fn empty_log(database: &Database) -> Result<(), StoreError> {
    if let Database::Sqlite(pool) = database {
        sqlx::query("pragma wal_checkpoint(truncate)").execute(pool).await?;
    }
    Ok(())
}
