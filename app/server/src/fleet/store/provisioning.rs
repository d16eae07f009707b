//! Provisioning strings: what a new device presents to be let in.

use crate::db::{
    AuditEntry, Store, StoreError,
    audit::insert_audit,
    begin,
    columns::{from_json, number, to_json},
    sql,
};

/// A provisioning string with its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ProvisioningRecord {
    /// Its public part.
    pub id: String,
    /// Its secret part.
    pub secret: Vec<u8>,
    /// `address:port` of each server it names.
    pub addresses: Vec<String>,
    /// How many devices may use it.
    pub uses: u32,
    /// How many have.
    pub used: u32,
    /// When it ends.
    pub expires_at: String,
    /// The server it is good at.
    pub server_id: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: String,
}

impl std::fmt::Debug for ProvisioningRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProvisioningRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    secret: Vec<u8>,
    addresses: String,
    uses: i64,
    used: i64,
    expires_at: String,
    server_id: String,
    created_by: String,
    created_at: String,
}

impl TryFrom<Row> for ProvisioningRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let record = format!("provisioning_strings {}", row.id);
        Ok(Self {
            secret: row.secret,
            addresses: from_json(&record, &row.addresses)?,
            uses: number(&record, row.uses)?,
            used: number(&record, row.used)?,
            expires_at: row.expires_at,
            server_id: row.server_id,
            created_by: row.created_by,
            created_at: row.created_at,
            id: row.id,
        })
    }
}

impl Store {
    /// All strings, newest first.
    pub async fn list_provisioning(&self) -> Result<Vec<ProvisioningRecord>, StoreError> {
        sql::query_as::<Row>("select * from provisioning_strings order by created_at desc, id")
            .fetch_all(&self.database())
            .await?
            .into_iter()
            .map(ProvisioningRecord::try_from)
            .collect()
    }

    /// Whether it was made since the newest epoch began: what an older copy says of its uses may be too few.
    pub async fn is_provisioning_of_this_epoch(&self, id: &str) -> Result<bool, StoreError> {
        self.was_done_in_this_epoch("provisioning.create", &format!("provisioning string {id}")).await
    }

    /// The string with that public part.
    pub async fn find_provisioning(&self, id: &str) -> Result<Option<ProvisioningRecord>, StoreError> {
        sql::query_as::<Row>("select * from provisioning_strings where id = $1")
            .bind(id)
            .fetch_optional(&self.database())
            .await?
            .map(ProvisioningRecord::try_from)
            .transpose()
    }

    /// Adds a string.
    pub async fn insert_provisioning(&self, string: &ProvisioningRecord, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut transaction = begin(&self.database()).await?;
        sql::query(
            "insert into provisioning_strings
             (id, secret, addresses, uses, used, expires_at, server_id, created_by, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&string.id)
        .bind(&string.secret)
        .bind(to_json("provisioning_strings", &string.addresses)?)
        .bind(string.uses)
        .bind(string.used)
        .bind(&string.expires_at)
        .bind(&string.server_id)
        .bind(&string.created_by)
        .bind(&string.created_at)
        .execute(&mut transaction)
        .await?;
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(())
    }
}
