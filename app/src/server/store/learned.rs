//! Lists that a copy of the book lacked and a device brought.

use super::{
    AuditEntry, Revision, Store, StoreError, audit::insert_audit, begin, columns::count, revisions::insert_row, sql,
};

/// A list that a device keeps and that the book did not know.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// The list.
    pub revision: Revision,
    /// The wanted revision that it was compared with.
    pub wanted: u64,
    /// That it was learned.
    pub audit: AuditEntry,
}

impl Store {
    /// Makes the list the wanted one, which the device keeps; `false`, with nothing done, if another one is wanted meanwhile.
    ///
    /// # Errors
    ///
    /// When the book cannot be written.
    pub async fn learn_revision(&self, learned: &Learned) -> Result<bool, StoreError> {
        let Learned { revision, wanted, audit } = learned;
        let mut transaction = begin(&self.book()).await?;
        let moved = sql::query(
            "update devices set wanted_revision = $1, committed_revision = $1 where id = $2 and wanted_revision = $3",
        )
        .bind(count(revision.number))
        .bind(revision.device)
        .bind(count(*wanted))
        .execute(&mut transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        insert_row(&mut transaction, revision).await?;
        sql::query(
            "update pushes set state = 'superseded', reason = null, updated_at = $1
             where device_id = $2 and revision = $3 and state = 'drifted'",
        )
        .bind(&revision.created_at)
        .bind(revision.device)
        .bind(count(*wanted))
        .execute(&mut transaction)
        .await?;
        sql::query(
            "insert into pushes (device_id, revision, state, created_at, updated_at) values ($1, $2, 'committed', $3, $3)",
        )
        .bind(revision.device)
        .bind(count(revision.number))
        .bind(&revision.created_at)
        .execute(&mut transaction)
        .await?;
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
