//! The one row that says which installation the book belongs to, and at which epoch it stands.

use super::{
    Store, StoreError, begin, cluster,
    columns::{count, number},
    sql,
};

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

impl Store {
    /// The installation; `None` before it is made.
    ///
    /// # Errors
    ///
    /// When the book cannot be read.
    pub async fn find_installation(&self) -> Result<Option<Installation>, StoreError> {
        let row: Option<(String, i64, String, String)> = sql::query_as(
            "select installation_id, epoch, active_server, created_at from installation where \"only\" = 1",
        )
        .fetch_optional(&self.book())
        .await?;
        row.map(|(id, epoch, active_server, created_at)| {
            Ok(Installation { id, epoch: number("installation", epoch)?, active_server, created_at })
        })
        .transpose()
    }

    /// Makes the installation; one that is there already stands.
    ///
    /// # Errors
    ///
    /// When the book cannot be written.
    pub async fn insert_installation(&self, installation: &Installation) -> Result<(), StoreError> {
        let mut transaction = begin(&self.book()).await?;
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
            cluster::name_line(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
