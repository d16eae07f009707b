//! What operators did at a server that was not active, and who tried to sign in there: on the way to the active server.

use super::{sign_ins, sign_ins::SignInRow};
use crate::db::{
    AuditEntry, Database, Store, StoreError, Transaction, begin,
    columns::{count, number},
    sql,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Rows of a kind that are told at once.
const ROWS_AT_ONCE: usize = 200;

/// Records of one server, as it tells them the active one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperatorRecords {
    /// Who tried to sign in there, by number.
    pub sign_ins: Vec<SignInRow>,
    /// What was done there while it was not active, by number.
    pub audit: Vec<ActRow>,
}

/// What was done at a server that was not active. Number and time together name it among that server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct ActRow {
    /// Counts there.
    pub number: i64,
    /// When.
    pub at: String,
    /// The operator's login, `console` or `system`.
    pub operator: String,
    /// Where the request came from.
    pub peer: Option<String>,
    /// For example `server.drain`.
    pub action: String,
    /// For example `server BioStar Server #2`.
    pub subject: String,
    /// What stood before, JSON.
    pub before: Option<String>,
    /// What stands now, JSON.
    pub after: Option<String>,
}

/// The highest numbers that are held of a server's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRecords {
    /// Of its sign-ins.
    pub sign_ins: u64,
    /// Of its audit.
    pub audit: u64,
}

impl OperatorRecords {
    /// Nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sign_ins.is_empty() && self.audit.is_empty()
    }

    fn is_full(&self) -> bool {
        self.sign_ins.len() >= ROWS_AT_ONCE || self.audit.len() >= ROWS_AT_ONCE
    }
}

impl Store {
    /// Notes beside the database what was done at this server.
    pub async fn append_own_act(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        sql::query(
            "insert into audit (at, operator, peer, action, subject, before, after)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&entry.at)
        .bind(&entry.operator)
        .bind(&entry.peer)
        .bind(entry.action)
        .bind(&entry.subject)
        .bind(entry.before.as_ref().map(Value::to_string))
        .bind(entry.after.as_ref().map(Value::to_string))
        .execute(self.local())
        .await?;
        Ok(())
    }

    /// This server's records that `peer` does not have, as much as is told at once.
    pub async fn list_operator_records(&self, peer: &str) -> Result<OperatorRecords, StoreError> {
        let told = self.told_to(peer).await?;
        Ok(OperatorRecords {
            sign_ins: sign_ins::list_own_since(self.local(), told.sign_ins, ROWS_AT_ONCE).await?,
            audit: list_acts_since(self.local(), told.audit, ROWS_AT_ONCE).await?,
        })
    }

    /// Keeps what `server` told: sign-ins beside the database, the rest in it. What is there already stands. The answer is what
    /// is held of that server's then.
    ///
    /// # Errors
    ///
    /// When a database cannot be read or written; what was told has to be told again.
    pub async fn keep_operator_records(
        &self,
        server: &str,
        records: &OperatorRecords,
    ) -> Result<HeldRecords, StoreError> {
        sign_ins::keep(self.local(), server, &records.sign_ins).await?;
        insert_acts(&self.database(), server, &records.audit).await?;
        let audit: i64 = sql::query_scalar("select coalesce(max(number), 0) from audit where server_id = $1")
            .bind(server)
            .fetch_one(&self.database())
            .await?;
        Ok(HeldRecords { sign_ins: sign_ins::newest_of(self.local(), server).await?, audit: number("audit", audit)? })
    }

    /// `peer` was told these, and answered what it holds. Says whether there is more for it.
    ///
    /// # Errors
    ///
    /// When the local database cannot be read or written.
    pub async fn note_records_told(
        &self,
        peer: &str,
        told: &OperatorRecords,
        held: HeldRecords,
    ) -> Result<bool, StoreError> {
        let before = self.told_to(peer).await?;
        let sign_ins = told.sign_ins.last().map_or(before.sign_ins, |row| row.number.unsigned_abs());
        let audit = told.audit.last().map_or(before.audit, |row| row.number.unsigned_abs());
        // A server that was set back, or took over from an older copy, has lost what it had: it is told again.
        let now = HeldRecords { sign_ins: sign_ins.min(held.sign_ins), audit: audit.min(held.audit) };
        if now != before {
            sql::query(
                "insert into told_records (server_id, sign_ins, audit) values ($1, $2, $3)
                 on conflict (server_id) do update set sign_ins = excluded.sign_ins, audit = excluded.audit",
            )
            .bind(peer)
            .bind(count(now.sign_ins))
            .bind(count(now.audit))
            .execute(self.local())
            .await?;
        }
        Ok(told.is_full() || now.sign_ins < before.sign_ins || now.audit < before.audit)
    }

    /// Takes into the database what was done at this server, whose id is `own`, while it did not write it. What is in the database
    /// already, because another server was told it, stands.
    ///
    /// # Errors
    ///
    /// When a database cannot be read or written; nothing was taken in then.
    pub async fn adopt_own_acts(&self, own: &str) -> Result<(), StoreError> {
        let acts = list_acts_since(self.local(), 0, usize::MAX).await?;
        if acts.is_empty() {
            return Ok(());
        }
        let known: Vec<(i64, String)> = sql::query_as("select number, at from audit where server_id = $1")
            .bind(own)
            .fetch_all(&self.database())
            .await?;
        let known: BTreeSet<(i64, String)> = known.into_iter().collect();
        let missing: Vec<ActRow> =
            acts.into_iter().filter(|act| !known.contains(&(act.number, act.at.clone()))).collect();
        insert_acts(&self.database(), own, &missing).await
    }

    async fn told_to(&self, peer: &str) -> Result<HeldRecords, StoreError> {
        let told: Option<(i64, i64)> = sql::query_as("select sign_ins, audit from told_records where server_id = $1")
            .bind(peer)
            .fetch_optional(self.local())
            .await?;
        let (sign_ins, audit) = told.unwrap_or_default();
        Ok(HeldRecords { sign_ins: number("told_records", sign_ins)?, audit: number("told_records", audit)? })
    }
}

async fn list_acts_since(local: &Database, since: u64, limit: usize) -> Result<Vec<ActRow>, StoreError> {
    let rows = sql::query_as(
        "select id as number, at, operator, peer, action, subject, before, after from audit
         where id > $1 order by id limit $2",
    )
    .bind(count(since))
    .bind(count(limit as u64));
    Ok(rows.fetch_all(local).await?)
}

async fn insert_acts(database: &Database, server: &str, acts: &[ActRow]) -> Result<(), StoreError> {
    if acts.is_empty() {
        return Ok(());
    }
    let mut transaction = begin(database).await?;
    for act in acts {
        insert_act(&mut transaction, server, act).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Asked for before it is written: on PostgreSQL a row that conflicts uses up a number, and numbers count changes.
async fn insert_act(connection: &mut Transaction, server: &str, act: &ActRow) -> Result<(), StoreError> {
    sql::query(
        "insert into audit (at, operator, peer, action, subject, before, after, server_id, number)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where not exists (select 1 from audit where server_id = $8 and number = $9 and at = $1)",
    )
    .bind(&act.at)
    .bind(&act.operator)
    .bind(&act.peer)
    .bind(&act.action)
    .bind(&act.subject)
    .bind(&act.before)
    .bind(&act.after)
    .bind(server)
    .bind(act.number)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
