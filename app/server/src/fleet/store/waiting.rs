//! Devices that asked to belong, and what was decided on them.

use super::{Revision, devices::place_of, revisions::insert_revision};
use crate::{
    cluster::store::{DeviceRevocation, revocations::revoke_device},
    db::{
        AuditEntry, Store, StoreError, Transaction,
        audit::insert_audit,
        begin,
        columns::{count, from_json, from_name, number, to_json},
        sql,
    },
};
use model::{DeviceInfo, PushState};
use serde::{Deserialize, Serialize};

/// What was decided on a device that asked to belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingState {
    /// Nothing yet.
    Waiting,
    /// It belongs.
    Accepted,
    /// It does not.
    Rejected,
}

/// A device that asked to belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRecord {
    /// SHA-256 of its public key, lower-case hex.
    pub fingerprint: String,
    /// The Device ID it claims.
    pub device_id: u32,
    /// What it says of itself.
    pub info: DeviceInfo,
    /// Its certificate request, DER.
    pub request: Vec<u8>,
    /// The provisioning string it used.
    pub provisioning_id: String,
    /// Where it connects from.
    pub peer: String,
    /// What was decided.
    pub state: WaitingState,
    /// Its certificate, DER, once accepted.
    pub certificate: Option<Vec<u8>>,
    /// When it first asked.
    pub first_seen: String,
    /// When it was last here.
    pub last_seen: String,
}

/// Everything that becomes true when a device is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    /// Which waiting device.
    pub fingerprint: String,
    /// The Device ID it gets.
    pub device_id: u32,
    /// The name it gets if that Device ID is new.
    pub name: String,
    /// What it says of itself.
    pub info: DeviceInfo,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The certificate's serial number, lower-case hex.
    pub certificate_serial: String,
    /// The list it starts with.
    pub provisioned: Revision,
    /// The list it is to get back, if the Device ID had another one before.
    pub restored: Option<Revision>,
    /// The certificates it had before.
    pub revoked: Option<DeviceRevocation>,
    /// The change.
    pub audit: AuditEntry,
}

#[derive(sqlx::FromRow)]
struct Row {
    fingerprint: String,
    device_id: i64,
    info: String,
    request: Vec<u8>,
    provisioning_id: String,
    peer: String,
    state: String,
    certificate: Option<Vec<u8>>,
    first_seen: String,
    last_seen: String,
}

impl TryFrom<Row> for WaitingRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let record = format!("waiting_devices {}", row.fingerprint);
        Ok(Self {
            device_id: number(&record, row.device_id)?,
            info: from_json(&record, &row.info)?,
            request: row.request,
            provisioning_id: row.provisioning_id,
            peer: row.peer,
            state: from_name(&record, &row.state)?,
            certificate: row.certificate,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            fingerprint: row.fingerprint,
        })
    }
}

impl Store {
    /// Devices nobody has decided on, the one that has waited longest first.
    pub async fn list_waiting(&self) -> Result<Vec<WaitingRecord>, StoreError> {
        sql::query_as::<Row>("select * from waiting_devices where state = 'waiting' order by first_seen, fingerprint")
            .fetch_all(&self.database())
            .await?
            .into_iter()
            .map(WaitingRecord::try_from)
            .collect()
    }

    /// A device that asked, whatever was decided.
    pub async fn find_waiting(&self, fingerprint: &str) -> Result<Option<WaitingRecord>, StoreError> {
        sql::query_as::<Row>("select * from waiting_devices where fingerprint = $1")
            .bind(fingerprint)
            .fetch_optional(&self.database())
            .await?
            .map(WaitingRecord::try_from)
            .transpose()
    }

    /// Records a device that asks for the first time, which takes one use of its provisioning string; `false`, with
    /// nothing done, if the string has none left.
    pub async fn insert_waiting(&self, device: &WaitingRecord) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let taken = sql::query("update provisioning_strings set used = used + 1 where id = $1 and used < uses")
            .bind(&device.provisioning_id)
            .execute(&mut transaction)
            .await?;
        if taken.rows_affected() == 0 {
            return Ok(false);
        }
        sql::query(
            "insert into waiting_devices
             (fingerprint, device_id, info, request, provisioning_id, peer, state, first_seen, last_seen)
             values ($1, $2, $3, $4, $5, $6, 'waiting', $7, $7)",
        )
        .bind(&device.fingerprint)
        .bind(device.device_id)
        .bind(to_json("waiting_devices", &device.info)?)
        .bind(&device.request)
        .bind(&device.provisioning_id)
        .bind(&device.peer)
        .bind(&device.first_seen)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// A device nobody has decided on is here again, with what it says of itself now.
    pub async fn update_waiting(&self, device: &WaitingRecord) -> Result<(), StoreError> {
        sql::query(
            "update waiting_devices set device_id = $1, info = $2, request = $3, peer = $4, last_seen = $5
             where fingerprint = $6 and state = 'waiting'",
        )
        .bind(device.device_id)
        .bind(to_json("waiting_devices", &device.info)?)
        .bind(&device.request)
        .bind(&device.peer)
        .bind(&device.last_seen)
        .bind(&device.fingerprint)
        .execute(&self.database())
        .await?;
        Ok(())
    }

    /// Accepts; `false`, with nothing done, if somebody decided on it first or the device's list moved on meanwhile.
    pub async fn accept_waiting(&self, acceptance: &Acceptance) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let decided = sql::query(
            "update waiting_devices set state = 'accepted', certificate = $1
             where fingerprint = $2 and state = 'waiting'",
        )
        .bind(&acceptance.certificate)
        .bind(&acceptance.fingerprint)
        .execute(&mut transaction)
        .await?;
        if decided.rows_affected() == 0 {
            return Ok(false);
        }
        // What the device has until here, also what it got since the acceptance was begun.
        if let Some(revoked) = &acceptance.revoked {
            revoke_device(&mut transaction, revoked).await?;
        }
        upsert_device(&mut transaction, acceptance).await?;
        if !insert_revision(&mut transaction, &acceptance.provisioned, None).await? {
            return Ok(false);
        }
        if let Some(restored) = &acceptance.restored
            && !insert_revision(&mut transaction, restored, Some(PushState::Pending)).await?
        {
            return Ok(false);
        }
        insert_audit(&mut transaction, &acceptance.audit).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Rejects; `false`, with nothing done, if somebody decided on it first.
    pub async fn reject_waiting(&self, fingerprint: &str, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let decided =
            sql::query("update waiting_devices set state = 'rejected' where fingerprint = $1 and state = 'waiting'")
                .bind(fingerprint)
                .execute(&mut transaction)
                .await?;
        if decided.rows_affected() == 0 {
            return Ok(false);
        }
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// A new device stands before its first revision; one that was there keeps its name and its revisions.
async fn upsert_device(connection: &mut Transaction, acceptance: &Acceptance) -> Result<(), StoreError> {
    sql::query(
        "insert into devices (id, name, place, info, key_fingerprint, certificate_serial, wanted_revision,
         committed_revision, accepted_at, accepted_by) values ($1, $2, $9, $3, $4, $5, $6 - 1, $6, $7, $8)
         on conflict (id) do update set info = excluded.info, key_fingerprint = excluded.key_fingerprint,
         certificate_serial = excluded.certificate_serial, committed_revision = excluded.committed_revision,
         accepted_at = excluded.accepted_at, accepted_by = excluded.accepted_by",
    )
    .bind(acceptance.device_id)
    .bind(&acceptance.name)
    .bind(to_json("devices", &acceptance.info)?)
    .bind(&acceptance.fingerprint)
    .bind(&acceptance.certificate_serial)
    .bind(count(acceptance.provisioned.number))
    .bind(&acceptance.audit.at)
    .bind(&acceptance.audit.operator)
    .bind(place_of(&acceptance.name))
    .execute(connection)
    .await?;
    Ok(())
}
