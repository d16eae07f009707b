//! Who changed what, when, from what to what. A row is written in the transaction of its change.

use super::{Database, DatabaseFacts, Store, StoreError, Transaction, begin, columns::count, sql};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

/// Enough to tell two changes apart.
const MARK_BYTES: usize = 16;

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
    /// Writes a row of its own, for what changes nothing in the database.
    pub async fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut transaction = begin(&self.database()).await?;
        insert_audit(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether the database holds all that a copy of it does. One of another epoch says nothing.
    pub(crate) async fn holds_all_of(&self, copy: &DatabaseFacts) -> Result<bool, StoreError> {
        let epoch = self.find_installation().await?.map(|known| known.epoch);
        if epoch != Some(copy.epoch) || copy.change == 0 {
            return Ok(true);
        }
        let own = mark_of(&self.database(), copy.change).await?;
        Ok(own.is_some_and(|own| copy.mark.is_empty() || own == copy.mark))
    }

    /// Whether this is on record since the newest epoch began.
    pub(crate) async fn was_done_in_this_epoch(&self, action: &str, subject: &str) -> Result<bool, StoreError> {
        let done: i64 = sql::query_scalar(
            "select count(*) from audit where action = $1 and subject = $2
             and id > (select coalesce(max(change), 0) from epochs)",
        )
        .bind(action)
        .bind(subject)
        .fetch_one(&self.database())
        .await?;
        Ok(done > 0)
    }
}

/// Tells a change from any other that could have this number in another line of the database's history.
pub(crate) async fn mark_of(database: &Database, change: u64) -> Result<Option<String>, StoreError> {
    let row: Option<(String, String, String, String)> =
        sql::query_as("select at, operator, action, subject from audit where id = $1")
            .bind(count(change))
            .fetch_optional(database)
            .await?;
    Ok(row.map(|(at, operator, action, subject)| {
        let text = format!("{change}\n{at}\n{operator}\n{action}\n{subject}");
        hex::encode(&digest(&SHA256, text.as_bytes()).as_ref()[..MARK_BYTES])
    }))
}

/// Writes the row on the connection that holds its change's transaction.
pub(crate) async fn insert_audit(connection: &mut Transaction, entry: &AuditEntry) -> Result<(), StoreError> {
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
