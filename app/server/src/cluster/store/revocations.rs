//! What is no longer good, for good: certificates by serial number, and operators.

use crate::db::{AuditEntry, Database, Store, StoreError, Transaction, audit::insert_audit, begin, sql};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A certificate that is no longer good. Also what servers tell each other; no server ever takes one back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Revocation {
    /// Serial number, lower-case hex.
    pub serial: String,
    /// `device`, `server` or `operator`.
    pub kind: String,
    /// Whose it was.
    pub subject: String,
    /// Why, for people.
    pub reason: String,
    /// Who revoked it.
    pub revoked_by: String,
    /// When.
    pub revoked_at: String,
}

/// A device's certificates that are no longer good: this one, and all that were renewed before or since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRevocation {
    /// Serial number, lower-case hex.
    pub serial: String,
    /// The device it was issued to.
    pub device: u32,
    /// Why, for people.
    pub reason: String,
    /// Who revoked it.
    pub by: String,
    /// When.
    pub at: String,
}

impl Store {
    /// Was the certificate with this serial number (lower-case hex) revoked?
    pub async fn is_revoked(&self, serial: &str) -> Result<bool, StoreError> {
        Ok(is_revoked_in(&self.database(), serial).await? || is_revoked_in(self.local(), serial).await?)
    }

    /// All certificates that are known here to be no longer good.
    pub async fn list_revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        let mut all = BTreeMap::new();
        for database in [&self.database(), self.local()] {
            all.extend(revocations_in(database).await?.into_iter().map(|row| (row.serial.clone(), row)));
        }
        Ok(all.into_values().collect())
    }

    /// Revokes all certificates of the device and takes it out of the database, with its lists; its events stay. `false`, with
    /// nothing done, if it is not there.
    pub async fn remove_device(&self, revocation: &DeviceRevocation, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        revoke_device(&mut transaction, revocation).await?;
        let removed =
            sql::query("delete from devices where id = $1").bind(revocation.device).execute(&mut transaction).await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        // Its key may ask anew, and must not get the old certificate.
        sql::query("delete from waiting_devices where device_id = $1 and state = 'accepted'")
            .bind(revocation.device)
            .execute(&mut transaction)
            .await?;
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Keeps what another server said, beside the copy.
    pub async fn keep_revocations(&self, rows: &[Revocation]) -> Result<(), StoreError> {
        insert(self.local(), rows).await
    }

    /// Another database is about to take the place of the one in use, and may know less: what this one knows stays.
    pub(crate) async fn keep_revocations_of_database(&self) -> Result<(), StoreError> {
        self.keep_revocations(&revocations_in(&self.database()).await?).await
    }

    /// Takes into the database what was learned elsewhere, also by this server when it was standby.
    pub async fn adopt_revocations(&self, rows: &[Revocation]) -> Result<(), StoreError> {
        insert(&self.database(), rows).await
    }
}

/// Whether this database knows the certificate to be no longer good.
pub(crate) async fn is_revoked_in(database: &Database, serial: &str) -> Result<bool, StoreError> {
    let found: i64 = sql::query_scalar("select count(*) from revocations where serial = $1")
        .bind(serial)
        .fetch_one(database)
        .await?;
    Ok(found > 0)
}

async fn revocations_in(database: &Database) -> Result<Vec<Revocation>, StoreError> {
    let rows = sql::query_as("select serial, kind, subject, reason, revoked_by, revoked_at from revocations");
    Ok(rows.fetch_all(database).await?)
}

async fn insert(database: &Database, rows: &[Revocation]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut transaction = begin(database).await?;
    for row in rows {
        sql::query(
            "insert into revocations (serial, kind, subject, reason, revoked_by, revoked_at)
             values ($1, $2, $3, $4, $5, $6) on conflict (serial) do nothing",
        )
        .bind(&row.serial)
        .bind(&row.kind)
        .bind(&row.subject)
        .bind(&row.reason)
        .bind(&row.revoked_by)
        .bind(&row.revoked_at)
        .execute(&mut transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Revokes every certificate that the device has on record, in the caller's transaction; twice is once.
pub(crate) async fn revoke_device(
    connection: &mut Transaction,
    revocation: &DeviceRevocation,
) -> Result<(), StoreError> {
    sql::query(
        "insert into revocations (serial, kind, subject, reason, revoked_by, revoked_at)
         select serial, 'device', $2, $3, $4, $5 from (
             select $1 as serial
             union select certificate_serial from devices where id = $6
             union select serial from renewals where device_id = $6
             union select replaces from renewals where device_id = $6
             union select shown from renewals where device_id = $6
         ) as known where true on conflict (serial) do nothing",
    )
    .bind(&revocation.serial)
    .bind(revocation.device.to_string())
    .bind(&revocation.reason)
    .bind(&revocation.by)
    .bind(&revocation.at)
    .bind(revocation.device)
    .execute(connection)
    .await?;
    Ok(())
}
