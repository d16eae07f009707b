//! Lists and devices that a copy of the database lacked, as devices brought them.

use super::{Revision, devices::place_of, revisions::insert_row};
use crate::db::{
    AuditEntry, Store, StoreError, Transaction,
    audit::insert_audit,
    begin,
    columns::{count, to_json, to_name},
    sql,
};
use model::{DeviceInfo, PushState};

/// A list that a device keeps and that the database did not know.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// The list.
    pub revision: Revision,
    /// The wanted revision that it was compared with.
    pub wanted: u64,
    /// That it was learned.
    pub audit: AuditEntry,
}

/// A device of the installation that the database did not know.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedDevice {
    /// The name it gets.
    pub name: String,
    /// What it says of itself.
    pub info: DeviceInfo,
    /// The serial number of the certificate that it showed, lower-case hex.
    pub certificate_serial: String,
    /// The list that it keeps; its revision becomes the device's first here.
    pub kept: Revision,
    /// What the pages say of that list, and why.
    pub push: (PushState, Option<&'static str>),
    /// That it was learned.
    pub audit: AuditEntry,
}

impl Store {
    /// Takes the device in; `false`, with nothing done, if it is there already or its certificate was revoked meanwhile.
    pub async fn learn_device(&self, learned: &LearnedDevice) -> Result<bool, StoreError> {
        let kept = &learned.kept;
        let mut transaction = begin(&self.database()).await?;
        // The fingerprint of its key is not known here; each of its certificates is for that key.
        let taken = sql::query(
            "insert into devices (id, name, place, info, key_fingerprint, certificate_serial, wanted_revision,
             committed_revision, accepted_at, accepted_by) select $1, $2, $8, $3, '', $4, $5, $5, $6, $7
             where not exists (select 1 from revocations where serial = $4) on conflict (id) do nothing",
        )
        .bind(kept.device)
        .bind(&learned.name)
        .bind(to_json("devices", &learned.info)?)
        .bind(&learned.certificate_serial)
        .bind(count(kept.number))
        .bind(&kept.created_at)
        .bind(&kept.created_by)
        .bind(place_of(&learned.name))
        .execute(&mut transaction)
        .await?;
        if taken.rows_affected() == 0 {
            return Ok(false);
        }
        insert_row(&mut transaction, kept).await?;
        insert_push(&mut transaction, kept, learned.push).await?;
        insert_audit(&mut transaction, &learned.audit).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Makes the list the wanted one, which the device keeps; `false`, with nothing done, if another one is wanted meanwhile.
    pub async fn learn_revision(&self, learned: &Learned) -> Result<bool, StoreError> {
        let Learned { revision, wanted, audit } = learned;
        let mut transaction = begin(&self.database()).await?;
        let moved = sql::query(
            "update devices set wanted_revision = $1, committed_revision = $1 where id = $2 and wanted_revision = $3",
        )
        .bind(count(revision.number))
        .bind(revision.device)
        .bind(count(*wanted))
        .execute(&mut transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        insert_row(&mut transaction, revision).await?;
        sql::query(
            "update pushes set state = 'superseded', reason = null, updated_at = $1
             where device_id = $2 and revision = $3 and state = 'drifted'",
        )
        .bind(&revision.created_at)
        .bind(revision.device)
        .bind(count(*wanted))
        .execute(&mut transaction)
        .await?;
        insert_push(&mut transaction, revision, (PushState::Committed, None)).await?;
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

async fn insert_push(
    connection: &mut Transaction,
    revision: &Revision,
    (state, reason): (PushState, Option<&'static str>),
) -> Result<(), StoreError> {
    sql::query(
        "insert into pushes (device_id, revision, state, reason, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5)",
    )
    .bind(revision.device)
    .bind(count(revision.number))
    .bind(to_name("pushes", state)?)
    .bind(reason)
    .bind(&revision.created_at)
    .execute(connection)
    .await?;
    Ok(())
}
