//! The devices of the installation.

use super::{Revision, revisions::insert_revision};
use crate::{
    cluster::store::revocations::is_revoked_in,
    db::{
        AuditEntry, Store, StoreError, Transaction,
        audit::insert_audit,
        begin,
        columns::{count, from_json, number},
        sql,
    },
};
use model::{DeviceInfo, PushState};
use std::collections::{BTreeMap, BTreeSet};

/// A device that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Device ID.
    pub id: u32,
    /// The name operators gave it.
    pub name: String,
    /// What it reported when it enrolled.
    pub info: DeviceInfo,
    /// Its newest certificate's serial number, lower-case hex.
    pub certificate_serial: String,
    /// The revision it should hold.
    pub wanted_revision: u64,
    /// The newest revision the database knows it to hold.
    pub committed_revision: Option<u64>,
    /// When it was last accepted.
    pub accepted_at: String,
}

/// What decides whether a device is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// It belongs to the installation.
    pub is_member: bool,
    /// The certificate it shows is no longer good.
    pub revoked: bool,
}

/// A change to a device that is made as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceEdit {
    /// Which.
    pub device: u32,
    /// The new name, if it changes.
    pub name: Option<String>,
    /// The new wanted revision and its push's state, if the list changes.
    pub list: Option<(Revision, PushState)>,
    /// One row for each thing that changes.
    pub audit: Vec<AuditEntry>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    info: String,
    certificate_serial: String,
    wanted_revision: i64,
    committed_revision: Option<i64>,
    accepted_at: String,
}

impl TryFrom<Row> for DeviceRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let record = format!("devices {}", row.id);
        Ok(Self {
            id: number(&record, row.id)?,
            name: row.name,
            info: from_json(&record, &row.info)?,
            certificate_serial: row.certificate_serial,
            wanted_revision: number(&record, row.wanted_revision)?,
            committed_revision: row.committed_revision.map(|n| number(&record, n)).transpose()?,
            accepted_at: row.accepted_at,
        })
    }
}

/// A device as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Device ID.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Where it stands among the others.
    pub place: String,
}

/// Where a device of this name stands.
pub(crate) fn place_of(name: &str) -> String {
    name.to_lowercase()
}

fn named(rows: Vec<(i64, String, String)>) -> Result<Vec<Named>, StoreError> {
    rows.into_iter().map(|(id, name, place)| Ok(Named { id: number("devices", id)?, name, place })).collect()
}

impl Store {
    /// How many devices belong to the installation.
    pub async fn count_devices(&self) -> Result<u64, StoreError> {
        number("devices", sql::query_scalar("select count(*) from devices").fetch_one(&self.database()).await?)
    }

    /// What is known of a device that comes with the certificate of this serial number (lower-case hex).
    pub async fn look_up(&self, id: u32, certificate_serial: &str) -> Result<Known, StoreError> {
        let (member, revoked): (i64, i64) = sql::query_as(
            "select (select count(*) from devices where id = $1), (select count(*) from revocations where serial = $2)",
        )
        .bind(id)
        .bind(certificate_serial)
        .fetch_one(&self.database())
        .await?;
        Ok(Known {
            is_member: member > 0,
            revoked: revoked > 0 || is_revoked_in(self.local(), certificate_serial).await?,
        })
    }

    /// Whether the list with this hash is the one that the device is known to keep.
    pub async fn is_known_to_keep(&self, id: u32, hash: &str) -> Result<bool, StoreError> {
        let found: i64 = sql::query_scalar(
            "select count(*) from devices d
             join revisions r on r.device_id = d.id and r.number = d.committed_revision
             where d.id = $1 and r.hash = $2",
        )
        .bind(id)
        .bind(hash)
        .fetch_one(&self.database())
        .await?;
        Ok(found > 0)
    }

    /// Ids, names and places of all devices, in no order.
    pub async fn list_names(&self) -> Result<Vec<Named>, StoreError> {
        named(sql::query_as("select id, name, place from devices").fetch_all(&self.database()).await?)
    }

    /// The same of those that follow a place and Device ID in the list, at most so many, in its order.
    pub async fn list_names_after(&self, (place, id): (&str, u32), at_most: usize) -> Result<Vec<Named>, StoreError> {
        let next = "select id, name, place from devices where (place, id) > ($1, $2) order by place, id limit $3";
        let next = sql::query_as(next).bind(place).bind(id).bind(count(at_most as u64));
        named(next.fetch_all(&self.database()).await?)
    }

    /// These devices, in no order.
    pub async fn list_devices_of(&self, ids: &[u32]) -> Result<Vec<DeviceRecord>, StoreError> {
        let mut query = sql::Builder::new(
            "select id, name, info, certificate_serial, wanted_revision, committed_revision, accepted_at
             from devices where id in (",
        );
        query.push_list(ids).push(")");
        let rows: Vec<Row> = query.build_as().fetch_all(&self.database()).await?;
        rows.into_iter().map(DeviceRecord::try_from).collect()
    }

    /// All devices, in no order.
    pub async fn list_devices(&self) -> Result<Vec<DeviceRecord>, StoreError> {
        sql::query_as::<Row>(
            "select id, name, info, certificate_serial, wanted_revision, committed_revision, accepted_at from devices",
        )
        .fetch_all(&self.database())
        .await?
        .into_iter()
        .map(DeviceRecord::try_from)
        .collect()
    }

    /// The names of these devices; one that is not there has none.
    pub async fn list_device_names(&self, ids: &BTreeSet<u32>) -> Result<BTreeMap<u32, String>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut query = sql::Builder::new("select id, name from devices where id in (");
        query.push_list(ids).push(")");
        let rows: Vec<(i64, String)> = query.build_as().fetch_all(&self.database()).await?;
        rows.into_iter().map(|(id, name)| Ok((number("devices", id)?, name))).collect()
    }

    /// One device.
    pub async fn find_device(&self, id: u32) -> Result<Option<DeviceRecord>, StoreError> {
        sql::query_as::<Row>(
            "select id, name, info, certificate_serial, wanted_revision, committed_revision, accepted_at
             from devices where id = $1",
        )
        .bind(id)
        .fetch_optional(&self.database())
        .await?
        .map(DeviceRecord::try_from)
        .transpose()
    }

    /// Makes the change; `false`, with nothing done, if the wanted revision is not the one just before the new one.
    pub async fn edit_device(&self, edit: &DeviceEdit) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        if !apply_edit(&mut transaction, edit).await? {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }
}

/// Makes the change in the caller's transaction; `false` if the wanted revision is not the one just before the new one.
pub(crate) async fn apply_edit(connection: &mut Transaction, edit: &DeviceEdit) -> Result<bool, StoreError> {
    if let Some((revision, push)) = &edit.list
        && !insert_revision(connection, revision, Some(*push)).await?
    {
        return Ok(false);
    }
    if let Some(name) = &edit.name {
        sql::query("update devices set name = $1, place = $2 where id = $3")
            .bind(name)
            .bind(place_of(name))
            .bind(edit.device)
            .execute(&mut *connection)
            .await?;
    }
    for entry in &edit.audit {
        insert_audit(connection, entry).await?;
    }
    Ok(true)
}
