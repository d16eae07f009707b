//! Join strings, and the servers that came in by one.

use super::NewServer;
use crate::db::{AuditEntry, Store, StoreError, audit::insert_audit, begin, sql};

/// A join string on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinString {
    pub(crate) id: String,
    pub(crate) secret: Vec<u8>,
    pub(crate) expires_at: String,
    pub(crate) used_at: Option<String>,
    /// The server that made it; it is good nowhere else.
    pub(crate) server_id: String,
    pub(crate) created_by: String,
}

/// Whether a join string let its bearer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    /// Just now; the server is on record.
    Now,
    /// Earlier; nothing was changed.
    Before,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    secret: Vec<u8>,
    expires_at: String,
    used_at: Option<String>,
    server_id: String,
    created_by: String,
}

impl Store {
    pub(crate) async fn insert_join_string(&self, string: &JoinString, audit: &AuditEntry) -> Result<(), StoreError> {
        let database = self.database();
        let mut transaction = begin(&database).await?;
        sql::query(
            "insert into join_strings (id, secret, expires_at, server_id, created_by, created_at)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&string.id)
        .bind(&string.secret)
        .bind(&string.expires_at)
        .bind(&string.server_id)
        .bind(&string.created_by)
        .bind(&audit.at)
        .execute(&mut transaction)
        .await?;
        insert_audit(&mut transaction, audit).await?;
        Ok(transaction.commit().await?)
    }

    pub(crate) async fn find_join_string(&self, id: &str) -> Result<Option<JoinString>, StoreError> {
        let row: Option<Row> = sql::query_as(
            "select id, secret, expires_at, used_at, server_id, created_by from join_strings where id = $1",
        )
        .bind(id)
        .fetch_optional(&self.database())
        .await?;
        Ok(row.map(|row| JoinString {
            id: row.id,
            secret: row.secret,
            expires_at: row.expires_at,
            used_at: row.used_at,
            server_id: row.server_id,
            created_by: row.created_by,
        }))
    }

    /// Whether it was made since the newest epoch began.
    pub(crate) async fn is_join_string_of_this_epoch(&self, id: &str) -> Result<bool, StoreError> {
        self.was_done_in_this_epoch("join_string.create", &format!("join string {id}")).await
    }

    /// Makes a join string worthless.
    pub(crate) async fn use_up_join_string(&self, id: &str, audit: &AuditEntry) -> Result<(), StoreError> {
        let database = self.database();
        let mut transaction = begin(&database).await?;
        sql::query("update join_strings set used_at = $1 where id = $2 and used_at is null")
            .bind(&audit.at)
            .bind(id)
            .execute(&mut transaction)
            .await?;
        insert_audit(&mut transaction, audit).await?;
        Ok(transaction.commit().await?)
    }

    /// Uses the join string up and puts the server on record, both or neither.
    pub(crate) async fn admit_server(
        &self,
        join_string: &str,
        server: NewServer<'_>,
        audit: &AuditEntry,
    ) -> Result<Used, StoreError> {
        let database = self.database();
        let mut transaction = begin(&database).await?;
        let used = sql::query("update join_strings set used_at = $1 where id = $2 and used_at is null")
            .bind(&audit.at)
            .bind(join_string)
            .execute(&mut transaction)
            .await?;
        if used.rows_affected() == 0 {
            return Ok(Used::Before);
        }
        sql::query(
            "insert into servers (id, name, number, certificate_serial, joined_at)
             values ($1, $2, (select max(number) + 1 from servers), $3, $4)",
        )
        .bind(server.id)
        .bind(server.name)
        .bind(server.certificate_serial)
        .bind(&audit.at)
        .execute(&mut transaction)
        .await?;
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(Used::Now)
    }
}
