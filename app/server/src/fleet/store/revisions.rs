//! Server lists as they were wanted: immutable, numbered per device.

use crate::db::{
    Store, StoreError, Transaction,
    columns::{count, from_json, from_name, number, to_json, to_name},
    sql,
};
use model::{ConnectionSettings, PushState, RevisionSource, ServerEntry};

/// One server list of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Whose.
    pub device: u32,
    /// Counts from 1 per device.
    pub number: u64,
    /// The epoch it was written in.
    pub epoch: u64,
    /// Hash of the revision it was made from; `None` for the first.
    pub base_hash: Option<String>,
    /// Names its content: 64 hexadecimal digits.
    pub hash: String,
    /// In ascending priority.
    pub entries: Vec<ServerEntry>,
    /// How the device behaves with it.
    pub settings: ConnectionSettings,
    /// What made it.
    pub source: RevisionSource,
    /// Who.
    pub created_by: String,
    /// When.
    pub created_at: String,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    device_id: i64,
    number: i64,
    epoch: i64,
    base_hash: Option<String>,
    hash: String,
    entries: String,
    settings: String,
    source: String,
    created_by: String,
    created_at: String,
}

impl Revision {
    /// All that a device would notice.
    #[must_use]
    pub fn content(&self) -> (&[ServerEntry], &ConnectionSettings) {
        (&self.entries, &self.settings)
    }
}

impl TryFrom<Row> for Revision {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let record = format!("revisions {}/{}", row.device_id, row.number);
        Ok(Self {
            device: number(&record, row.device_id)?,
            number: number(&record, row.number)?,
            epoch: number(&record, row.epoch)?,
            base_hash: row.base_hash,
            hash: row.hash,
            entries: from_json(&record, &row.entries)?,
            settings: from_json(&record, &row.settings)?,
            source: from_name(&record, &row.source)?,
            created_by: row.created_by,
            created_at: row.created_at,
        })
    }
}

impl Store {
    /// The entries that each device is known to keep.
    pub async fn list_kept_entries(&self) -> Result<Vec<(u32, Vec<ServerEntry>)>, StoreError> {
        let rows: Vec<(i64, String)> = sql::query_as(
            "select d.id, r.entries from devices d
             join revisions r on r.device_id = d.id and r.number = d.committed_revision",
        )
        .fetch_all(&self.database())
        .await?;
        rows.into_iter().map(|(id, entries)| Ok((number("devices", id)?, from_json("revisions", &entries)?))).collect()
    }

    /// The revision with that number.
    pub async fn find_revision(&self, device: u32, number: u64) -> Result<Option<Revision>, StoreError> {
        sql::query_as::<Row>("select * from revisions where device_id = $1 and number = $2")
            .bind(device)
            .bind(count(number))
            .fetch_optional(&self.database())
            .await?
            .map(Revision::try_from)
            .transpose()
    }

    /// The device's revision with that hash.
    pub async fn find_revision_by_hash(&self, device: u32, hash: &str) -> Result<Option<Revision>, StoreError> {
        sql::query_as::<Row>("select * from revisions where device_id = $1 and hash = $2")
            .bind(device)
            .bind(hash)
            .fetch_optional(&self.database())
            .await?
            .map(Revision::try_from)
            .transpose()
    }

    /// The list the device was last given when it enrolled.
    pub async fn find_provisioned_revision(&self, device: u32) -> Result<Option<Revision>, StoreError> {
        sql::query_as::<Row>(
            "select * from revisions where device_id = $1 and source = 'provisioning' order by number desc limit 1",
        )
        .bind(device)
        .fetch_optional(&self.database())
        .await?
        .map(Revision::try_from)
        .transpose()
    }
}

/// Makes `revision` the wanted one, with a push in that state, in the caller's transaction. Pushes of older revisions
/// that have not ended are superseded.
///
/// Answers `false`, with nothing done, unless the wanted revision is the one it is based on.
pub(crate) async fn insert_revision(
    connection: &mut Transaction,
    revision: &Revision,
    push: Option<PushState>,
) -> Result<bool, StoreError> {
    let moved = sql::query(
        "update devices set wanted_revision = $1 where id = $2 and wanted_revision =
         coalesce((select number from revisions where device_id = $2 and hash = $3), $1 - 1)",
    )
    .bind(count(revision.number))
    .bind(revision.device)
    .bind(&revision.base_hash)
    .execute(&mut *connection)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    insert_row(connection, revision).await?;
    sql::query(
        "update pushes set state = 'superseded', updated_at = $1
         where device_id = $2 and revision < $3 and state in ('pending', 'staged', 'probed', 'trial')",
    )
    .bind(&revision.created_at)
    .bind(revision.device)
    .bind(count(revision.number))
    .execute(&mut *connection)
    .await?;
    if let Some(state) = push {
        sql::query(
            "insert into pushes (device_id, revision, state, created_at, updated_at) values ($1, $2, $3, $4, $4)",
        )
        .bind(revision.device)
        .bind(count(revision.number))
        .bind(to_name("pushes", state)?)
        .bind(&revision.created_at)
        .execute(connection)
        .await?;
    }
    Ok(true)
}

/// Puts the revision on record, and nothing else.
pub(crate) async fn insert_row(connection: &mut Transaction, revision: &Revision) -> Result<(), StoreError> {
    let record = format!("revisions {}/{}", revision.device, revision.number);
    sql::query(
        "insert into revisions (device_id, number, epoch, base_hash, hash, entries, source, created_by, created_at,
         settings)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(revision.device)
    .bind(count(revision.number))
    .bind(count(revision.epoch))
    .bind(&revision.base_hash)
    .bind(&revision.hash)
    .bind(to_json(&record, &revision.entries)?)
    .bind(to_name(&record, revision.source)?)
    .bind(&revision.created_by)
    .bind(&revision.created_at)
    .bind(to_json(&record, &revision.settings)?)
    .execute(&mut *connection)
    .await?;
    Ok(())
}
