//! The installation's servers, as the database has them.

use crate::db::{AuditEntry, Store, StoreError, audit::insert_audit, begin, sql};

/// A server on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// 1 is the server that made the installation.
    pub(crate) number: i64,
    /// It does not belong to it any more.
    pub(crate) removed: bool,
}

/// A new server's part of the database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewServer<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    /// Hexadecimal.
    pub(crate) certificate_serial: &'a str,
}

impl Store {
    /// Puts the server that made the installation on record, unless it is.
    pub(crate) async fn insert_first_server(&self, first: NewServer<'_>, now: &str) -> Result<(), StoreError> {
        sql::query(
            "insert into servers (id, name, number, certificate_serial, joined_at)
             values ($1, $2, 1, $3, $4) on conflict do nothing",
        )
        .bind(first.id)
        .bind(first.name)
        .bind(first.certificate_serial)
        .bind(now)
        .execute(&self.database())
        .await?;
        Ok(())
    }

    /// In the order in which they joined.
    pub(crate) async fn servers(&self) -> Result<Vec<ServerRow>, StoreError> {
        let mut rows = self.all_servers().await?;
        rows.retain(|row| !row.removed);
        Ok(rows)
    }

    /// The same with those that were removed.
    pub(crate) async fn all_servers(&self) -> Result<Vec<ServerRow>, StoreError> {
        let rows: Vec<(String, String, i64, Option<String>)> =
            sql::query_as("select id, name, number, removed_at from servers order by number")
                .fetch_all(&self.database())
                .await?;
        let row = |(id, name, number, removed_at): (_, _, _, Option<String>)| ServerRow {
            id,
            name,
            number,
            removed: removed_at.is_some(),
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Takes a server out of the installation: whatever certificate it shows, it is not let in any more.
    pub(crate) async fn remove_server(&self, id: &str, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut transaction = begin(&self.database()).await?;
        sql::query(
            "insert into revocations (serial, kind, subject, reason, revoked_by, revoked_at)
             values (coalesce((select certificate_serial from servers where id = $1), $1), 'server', $1, $2, $3, $4)
             on conflict (serial) do nothing",
        )
        .bind(id)
        .bind("the server was removed")
        .bind(&audit.operator)
        .bind(&audit.at)
        .execute(&mut transaction)
        .await?;
        sql::query("update servers set removed_at = $2 where id = $1 and removed_at is null")
            .bind(id)
            .bind(&audit.at)
            .execute(&mut transaction)
            .await?;
        insert_audit(&mut transaction, audit).await?;
        Ok(transaction.commit().await?)
    }

    /// Was this server removed, or this certificate (lower-case hex) of it revoked?
    pub(crate) async fn is_server_revoked(&self, id: &str, serial: &str) -> Result<bool, StoreError> {
        for database in [&self.database(), self.local()] {
            let found: i64 = sql::query_scalar(
                "select count(*) from revocations where serial = $1 or (kind = 'server' and subject = $2)",
            )
            .bind(serial)
            .bind(id)
            .fetch_one(database)
            .await?;
            if found > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The newest change of `server_id`'s sightings that is known here; 0 if none is.
    pub(crate) async fn newest_sighting_version(&self, server_id: &str) -> Result<u64, StoreError> {
        let newest: Option<i64> = sql::query_scalar("select max(version) from sightings where server_id = $1")
            .bind(server_id)
            .fetch_one(self.local())
            .await?;
        Ok(newest.unwrap_or_default().unsigned_abs())
    }
}
