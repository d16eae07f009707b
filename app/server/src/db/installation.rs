//! The one row that says which installation the database belongs to, and at which epoch it stands.

use super::{
    AuditEntry, Store, StoreError,
    audit::insert_audit,
    begin,
    columns::{count, number},
    postgres, sql,
};
use crate::epoch::EpochToken;

/// The installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Its id.
    pub id: String,
    /// How many times the active role has moved, counted from 1.
    pub epoch: u64,
    /// The server that was made active with this epoch.
    pub active_server: String,
    /// When it was made.
    pub created_at: String,
}

impl Installation {
    /// What is known of it without its database, at this time.
    #[must_use]
    pub fn outline(id: &str, epoch: &EpochToken, now: String) -> Self {
        Self { id: id.to_owned(), epoch: epoch.number, active_server: epoch.server_id.clone(), created_at: now }
    }
}

impl Store {
    /// The installation; `None` before it is made.
    pub async fn find_installation(&self) -> Result<Option<Installation>, StoreError> {
        let row: Option<(String, i64, String, String)> = sql::query_as(
            "select installation_id, epoch, active_server, created_at from installation where \"only\" = 1",
        )
        .fetch_optional(&self.database())
        .await?;
        row.map(|(id, epoch, active_server, created_at)| {
            Ok(Installation { id, epoch: number("installation", epoch)?, active_server, created_at })
        })
        .transpose()
    }

    /// Makes the installation; one that is there already stands.
    pub async fn insert_installation(&self, installation: &Installation) -> Result<(), StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let made = sql::query(
            "insert into installation (\"only\", installation_id, epoch, active_server, created_at)
             values (1, $1, $2, $3, $4) on conflict (\"only\") do nothing",
        )
        .bind(&installation.id)
        .bind(count(installation.epoch))
        .bind(&installation.active_server)
        .bind(&installation.created_at)
        .execute(&mut transaction)
        .await?;
        if made.rows_affected() == 1 {
            postgres::name_line(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Whether operators want a standby to take over by itself.
    pub async fn find_automatic_promotion(&self) -> Result<bool, StoreError> {
        let wanted: Option<(bool,)> = sql::query_as("select automatic_promotion from installation where \"only\" = 1")
            .fetch_optional(&self.database())
            .await?;
        Ok(wanted.is_some_and(|(wanted,)| wanted))
    }

    /// Keeps what operators want; `false` if that is so already.
    pub async fn set_automatic_promotion(&self, wanted: bool, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let set = sql::query("update installation set automatic_promotion = $1 where automatic_promotion <> $1")
            .bind(wanted)
            .execute(&mut transaction)
            .await?;
        if set.rows_affected() == 0 {
            return Ok(false);
        }
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
