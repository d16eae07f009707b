//! Who changed what, when, from what to what. A row is written in the transaction of its change.

use super::{Store, StoreError, Transaction, begin, sql};
use serde_json::Value;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: String,
    /// The operator's login, `console` or `system`.
    pub operator: String,
    /// Where the request came from.
    pub peer: Option<String>,
    /// For example `device.servers.replace`.
    pub action: &'static str,
    /// For example `device 547846001`.
    pub subject: String,
    /// What stood before.
    pub before: Option<Value>,
    /// What stands now.
    pub after: Option<Value>,
}

impl Store {
    /// Writes a row of its own, for what changes nothing in the book.
    ///
    /// # Errors
    ///
    /// When the book cannot be written.
    pub async fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut transaction = begin(&self.book()).await?;
        insert_audit(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether this is on record since the newest epoch began.
    pub(super) async fn was_done_in_this_epoch(&self, action: &str, subject: &str) -> Result<bool, StoreError> {
        let done: i64 = sql::query_scalar(
            "select count(*) from audit where action = $1 and subject = $2
             and id > (select coalesce(max(change), 0) from epochs)",
        )
        .bind(action)
        .bind(subject)
        .fetch_one(&self.book())
        .await?;
        Ok(done > 0)
    }
}

/// Writes the row on the connection that holds its change's transaction.
pub(super) async fn insert_audit(connection: &mut Transaction, entry: &AuditEntry) -> Result<(), StoreError> {
    sql::query(
        "insert into audit (at, operator, peer, action, subject, before, after) values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&entry.at)
    .bind(&entry.operator)
    .bind(&entry.peer)
    .bind(entry.action)
    .bind(&entry.subject)
    .bind(entry.before.as_ref().map(Value::to_string))
    .bind(entry.after.as_ref().map(Value::to_string))
    .execute(connection)
    .await?;
    Ok(())
}
