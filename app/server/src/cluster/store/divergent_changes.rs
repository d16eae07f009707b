//! What a database that was overtaken holds and the active server's database does not.

use crate::db::{
    Copies, DATABASE_FILE, Database, LOCAL_FILE, Store, StoreError, begin,
    columns::{count, number},
    copy::{CopyFlaw, open_read_only},
    sql,
};
use model::DivergentChange;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{collections::BTreeSet, path::Path};

/// Not a change that anybody made: the database was overwritten, and with it any that were made.
const OVERWRITTEN: &str = "database.overwritten";

/// The database's schema since which it says what was done at other servers.
const TELLS_WHERE: i64 = 14;

#[derive(sqlx::FromRow, PartialEq, Eq)]
struct AuditRow {
    id: i64,
    at: String,
    operator: String,
    action: String,
    subject: String,
    before: Option<String>,
    after: Option<String>,
}

impl Store {
    /// Compares this server's own database with the copy that has arrived: notes the changes that only the own one has, and
    /// puts the events that only it has among those that wait to be told. The answer is how many changes there are.
    pub(crate) async fn keep_divergent_changes(&self, now: &str) -> Result<u64, CopyFlaw> {
        let current = Copies::of(&self.folder).current()?;
        let (_, file) = current.ok_or_else(|| StoreError::inconsistent("copies", "no copy has arrived"))?;
        self.keep_divergent_events(&file).await?;
        self.keep_revocations_of_database().await?;
        let copy = open_read_only(&file).await?;
        let copy = Database::Sqlite(copy);
        let theirs = changes_of(&copy).await;
        copy.close().await;
        let (ours, theirs) = (changes_of(&self.database()).await?, theirs?);
        let common = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
        let told = self.list_told_acts().await?;
        let lone = ours.into_iter().skip(common).filter(|row| !told.contains(&row.id));
        Ok(self.note_divergent_changes(&lone.collect::<Vec<_>>(), now).await?)
    }

    /// The same where no copy arrives: both databases have one history up to the first epoch that either has alone. `forks` are
    /// the epochs of the active server with the change at which each began. With `same_number` the one that is not this
    /// server's has the number of its own.
    pub(crate) async fn keep_divergent_changes_since(
        &self,
        forks: &[(u64, u64)],
        same_number: bool,
        now: &str,
    ) -> Result<u64, StoreError> {
        self.keep_revocations_of_database().await?;
        let epoch: i64 = sql::query_scalar("select epoch from installation").fetch_one(&self.database()).await?;
        let own = self.list_forks().await?;
        let Some(fork) = parting(&own, forks, number("installation", epoch)?, same_number) else {
            return Err(StoreError::inconsistent("epochs", "the active server did not say where its epoch began"));
        };
        let ours = changes_of(&self.database()).await?;
        let told = self.list_told_acts().await?;
        let lone = ours.into_iter().filter(|row| row.id > count(fork) && !told.contains(&row.id));
        self.note_divergent_changes(&lone.collect::<Vec<_>>(), now).await
    }

    /// Rows of the audit that say what was done at a server while it was not active: that one still has them, and tells
    /// whoever is active.
    async fn list_told_acts(&self) -> Result<BTreeSet<i64>, StoreError> {
        // A database that is only read may still have the schema of an older program.
        let newest: Option<i64> =
            sql::query_scalar("select max(version) from _sqlx_migrations").fetch_one(&self.database()).await?;
        if newest.unwrap_or_default() < TELLS_WHERE {
            return Ok(BTreeSet::new());
        }
        let told: Vec<(i64,)> =
            sql::query_as("select id from audit where server_id is not null").fetch_all(&self.database()).await?;
        Ok(told.into_iter().map(|(id,)| id).collect())
    }

    /// The newest epochs, with the change at which each began.
    pub(crate) async fn list_forks(&self) -> Result<Vec<(u64, u64)>, StoreError> {
        let rows: Vec<(i64, i64)> = sql::query_as("select number, change from epochs order by number desc limit 16")
            .fetch_all(&self.database())
            .await?;
        rows.into_iter().map(|(epoch, fork)| Ok((number("epochs", epoch)?, number("epochs", fork)?))).collect()
    }

    async fn note_divergent_changes(&self, lone: &[AuditRow], now: &str) -> Result<u64, StoreError> {
        let epoch: i64 = sql::query_scalar("select epoch from installation").fetch_one(&self.database()).await?;
        let mut transaction = begin(self.local()).await?;
        // A comparison that was cut off comes again.
        sql::query("delete from divergent_changes where epoch = $1").bind(epoch).execute(&mut transaction).await?;
        for row in lone {
            sql::query(
                "insert into divergent_changes (epoch, at, operator, action, subject, before, after, found_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(epoch)
            .bind(&row.at)
            .bind(&row.operator)
            .bind(&row.action)
            .bind(&row.subject)
            .bind(&row.before)
            .bind(&row.after)
            .bind(now)
            .execute(&mut transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(lone.len() as u64)
    }

    async fn keep_divergent_events(&self, copy: &Path) -> Result<(), StoreError> {
        let mut connection = SqliteConnectOptions::new().filename(self.folder.join(LOCAL_FILE)).connect().await?;
        let kept = copy_divergent_events(&mut connection, &self.folder.join(DATABASE_FILE), copy).await;
        connection.close().await?;
        kept
    }

    /// Those that nobody has dealt with, oldest first.
    pub async fn list_divergent_changes(&self) -> Result<Vec<DivergentChange>, StoreError> {
        type Row = (String, String, String, String, Option<String>, Option<String>);
        let rows: Vec<Row> = sql::query_as(
            "select at, operator, action, subject, before, after from divergent_changes where settled_at is null order by id",
        )
        .fetch_all(self.local())
        .await?;
        let lone = |(at, operator, action, subject, before, after)| DivergentChange {
            at,
            operator,
            action,
            subject,
            before,
            after,
        };
        Ok(rows.into_iter().map(lone).collect())
    }

    /// How many there are that nobody has dealt with.
    pub async fn count_divergent_changes(&self) -> Result<u64, StoreError> {
        let open: i64 = sql::query_scalar("select count(*) from divergent_changes where settled_at is null")
            .fetch_one(self.local())
            .await?;
        number("divergent_changes", open)
    }

    /// Puts among them that the database here was overwritten before any were looked for.
    pub(crate) async fn note_overwritten(&self, server: &str, now: &str) -> Result<(), StoreError> {
        tracing::error!("the database here was made a replica, and what only this server had written was not kept");
        if !self.was_overwritten().await? {
            sql::query(
                "insert into divergent_changes (epoch, at, operator, action, subject, found_at)
                 values (0, $1, 'system', $2, $3, $1)",
            )
            .bind(now)
            .bind(OVERWRITTEN)
            .bind(format!("server {server}"))
            .execute(self.local())
            .await?;
        }
        Ok(())
    }

    /// Whether that is among them.
    pub(crate) async fn was_overwritten(&self) -> Result<bool, StoreError> {
        let noted: i64 =
            sql::query_scalar("select count(*) from divergent_changes where action = $1 and settled_at is null")
                .bind(OVERWRITTEN)
                .fetch_one(self.local())
                .await?;
        Ok(noted > 0)
    }

    /// An operator has dealt with all of them.
    pub async fn settle_divergent_changes(&self, by: &str, now: &str) -> Result<(), StoreError> {
        sql::query("update divergent_changes set settled_at = $1, settled_by = $2 where settled_at is null")
            .bind(now)
            .bind(by)
            .execute(self.local())
            .await?;
        Ok(())
    }
}

/// The change up to which two databases have one history; `None` if the other one has no epoch after `epoch`, which is this one's.
/// Whichever began an epoch that the other one lacks, it may have been the one that took over, or the one that went on.
fn parting(own: &[(u64, u64)], theirs: &[(u64, u64)], epoch: u64, same_number: bool) -> Option<u64> {
    let known = if same_number { epoch.saturating_sub(1) } else { epoch };
    theirs.iter().find(|(number, _)| *number > known)?;
    // Neither names its oldest epochs.
    let oldest = |forks: &[(u64, u64)]| forks.iter().map(|(number, _)| *number).min().unwrap_or_default();
    let from = oldest(own).max(oldest(theirs));
    let common = |fork: &(u64, u64)| {
        fork.0 < from || (own.contains(fork) && theirs.contains(fork) && !(same_number && fork.0 == epoch))
    };
    own.iter().chain(theirs).filter(|fork| !common(fork)).map(|(_, change)| *change).min()
}

async fn copy_divergent_events(local: &mut SqliteConnection, own: &Path, copy: &Path) -> Result<(), StoreError> {
    for (name, file) in [("own", own), ("copy", copy)] {
        let attach = format!("attach database $1 as {name}");
        let file = file.display().to_string();
        sqlx::query(sqlx::AssertSqlSafe(attach)).bind(file).execute(&mut *local).await?;
    }
    sqlx::query(
        "insert into main.events (device_id, ring, id, at, code, user_id, detail, received_at, received_by)
         select device_id, ring, id, at, code, user_id, detail, received_at, received_by from own.events lone
         where not exists (select 1 from copy.events known
             where known.device_id = lone.device_id and known.ring = lone.ring and known.id = lone.id)
         on conflict do nothing",
    )
    .execute(&mut *local)
    .await?;
    sqlx::query(
        "insert into main.event_gaps (device_id, ring, first_id, last_id, reported_at)
         select device_id, ring, first_id, last_id, reported_at from own.event_gaps lone
         where not exists (select 1 from copy.event_gaps known
             where known.device_id = lone.device_id and known.ring = lone.ring and known.first_id = lone.first_id)
         on conflict do nothing",
    )
    .execute(local)
    .await?;
    Ok(())
}

async fn changes_of(database: &Database) -> Result<Vec<AuditRow>, StoreError> {
    let rows = sql::query_as("select id, at, operator, action, subject, before, after from audit order by id");
    Ok(rows.fetch_all(database).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_databases_diverge_where_the_first_unshared_epoch_began() {
        assert_eq!(parting(&[(1, 0)], &[(2, 40), (1, 0)], 1, false), Some(40), "overtaken once");
        assert_eq!(parting(&[(1, 0)], &[(3, 60), (2, 40), (1, 0)], 1, false), Some(40), "and handed on");
        // The first server was overtaken at 40 and went on to 90 before it was made active again.
        assert_eq!(parting(&[(2, 40), (1, 0)], &[(3, 90), (1, 0)], 2, false), Some(40));
        assert_eq!(parting(&[(3, 90), (1, 0)], &[(4, 200), (2, 40), (1, 0)], 3, false), Some(40));
        // Both were promoted at once.
        assert_eq!(parting(&[(2, 40), (1, 0)], &[(2, 40), (1, 0)], 2, true), Some(40));
        assert_eq!(parting(&[(2, 40), (1, 0)], &[(2, 50), (1, 0)], 2, true), Some(40));
        assert_eq!(parting(&[(2, 40), (1, 0)], &[(2, 40), (1, 0)], 2, false), None, "nothing later is known");
        // Only the newest are named.
        assert_eq!(parting(&[(3, 30), (2, 20), (1, 0)], &[(5, 50), (4, 40), (3, 30), (2, 20)], 3, false), Some(40));
    }
}
