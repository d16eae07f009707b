//! Both databases at rest, for a snapshot of the disk.

use super::{Database, Store, StoreError, Transaction, begin};

/// Nothing is written to this server's databases as long as it lives.
pub(crate) struct Quiet {
    _book: Option<Transaction>,
    _journal: Transaction,
}

impl Store {
    /// Lets whoever writes finish, brings everything into the database files themselves, and keeps writers waiting. A
    /// standby's copy is never written.
    pub(crate) async fn quiet(&self, writes_book: bool) -> Result<Quiet, StoreError> {
        let book = writes_book.then(|| self.book());
        for database in book.iter().chain([self.journal()]) {
            empty_log(database).await?;
        }
        let _book = match &book {
            Some(book) => Some(begin(book).await?),
            None => None,
        };
        Ok(Quiet { _book, _journal: begin(self.journal()).await? })
    }
}

/// A snapshot without the log is then as good as one with it.
async fn empty_log(database: &Database) -> Result<(), StoreError> {
    if let Database::Sqlite(pool) = database {
        sqlx::query("pragma wal_checkpoint(truncate)").execute(pool).await?;
    }
    Ok(())
}
