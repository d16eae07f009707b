//! Device certificates that were renewed: the one before stays good until it ends, and all are revoked together.

use crate::db::{AuditEntry, Store, StoreError, audit::insert_audit, begin, sql};

/// What a renewal goes by.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Renewable {
    /// SHA-256 of the public key that the device was accepted with, lower-case hex.
    pub key_fingerprint: String,
    /// Serial number of the device's newest certificate, lower-case hex.
    pub certificate_serial: String,
    /// That certificate, DER, if it was a renewal.
    pub renewed: Option<Vec<u8>>,
}

/// A certificate in the place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct RenewalRecord {
    /// Whose.
    pub device: u32,
    /// Its serial number, lower-case hex.
    pub serial: String,
    /// The serial number that the database has for the device until now.
    pub replaces: String,
    /// The serial number that the device showed.
    pub shown: String,
    /// DER.
    pub certificate: Vec<u8>,
    /// The change.
    pub audit: AuditEntry,
}

impl Store {
    /// What a renewal for this device goes by; `None` if it does not belong.
    pub async fn find_renewable(&self, device: u32) -> Result<Option<Renewable>, StoreError> {
        let found = sql::query_as(
            "select key_fingerprint, certificate_serial, certificate as renewed from devices
             left join renewals on serial = certificate_serial where id = $1",
        );
        Ok(found.bind(device).fetch_optional(&self.database()).await?)
    }

    /// Records the new certificate; `false`, with nothing done, if the device has got another one meanwhile, or the one
    /// that it showed was revoked.
    pub async fn insert_renewal(&self, renewal: &RenewalRecord) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let replaced = sql::query(
            "update devices set certificate_serial = $1 where id = $2 and certificate_serial = $3
             and not exists (select 1 from revocations where serial = $4)",
        )
        .bind(&renewal.serial)
        .bind(renewal.device)
        .bind(&renewal.replaces)
        .bind(&renewal.shown)
        .execute(&mut transaction)
        .await?;
        if replaced.rows_affected() == 0 {
            return Ok(false);
        }
        sql::query(
            "insert into renewals (serial, device_id, replaces, shown, certificate, renewed_at)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&renewal.serial)
        .bind(renewal.device)
        .bind(&renewal.replaces)
        .bind(&renewal.shown)
        .bind(&renewal.certificate)
        .bind(&renewal.audit.at)
        .execute(&mut transaction)
        .await?;
        insert_audit(&mut transaction, &renewal.audit).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
