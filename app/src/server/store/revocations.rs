//! Certificates that are no longer good, by serial number.

use super::{Store, StoreError, Transaction, sql};

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
    ///
    /// # Errors
    ///
    /// When the book cannot be read.
    pub async fn is_revoked(&self, serial: &str) -> Result<bool, StoreError> {
        let found: Option<i64> = sql::query_scalar("select cast(1 as bigint) from revocations where serial = $1")
            .bind(serial)
            .fetch_optional(&self.book())
            .await?;
        Ok(found.is_some())
    }
}

/// Revokes every certificate that the device has on record, in the caller's transaction; twice is once.
pub(super) async fn revoke_device(
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
