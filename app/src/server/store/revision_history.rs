//! The revisions of a device as a history: newest first, each with its push.

use super::{
    Revision, RevisionSource, Store, StoreError,
    columns::{count, from_json, from_name, number},
};
use crate::model::{EntryFailure, PushState};

/// A revision and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRevision {
    /// The list.
    pub revision: Revision,
    /// The rollout that it is part of.
    pub rollout: Option<u64>,
    /// State, reason, failures and time of its push, if it had one.
    pub push: Option<(PushState, Option<String>, Vec<EntryFailure>, String)>,
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    epoch: i64,
    base_hash: Option<String>,
    hash: String,
    entries: String,
    settings: String,
    source: String,
    created_by: String,
    created_at: String,
    rollout_id: Option<i64>,
    state: Option<String>,
    reason: Option<String>,
    failures: Option<String>,
    updated_at: Option<String>,
}

impl Store {
    /// The newest revisions of a device that are older than `before`, newest first.
    ///
    /// # Errors
    ///
    /// When the book cannot be read.
    pub async fn list_revisions(
        &self,
        device: u32,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<PastRevision>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select r.number, r.epoch, r.base_hash, r.hash, r.entries, r.settings, r.source, r.created_by, r.created_at,
             m.rollout_id, p.state, p.reason, p.failures, p.updated_at
             from revisions r
             left join rollout_devices m on m.device_id = r.device_id and m.revision = r.number
             left join pushes p on p.device_id = r.device_id and p.revision = r.number
             where r.device_id = $1 and r.number < $2 order by r.number desc limit $3",
        )
        .bind(device)
        .bind(before.map_or(i64::MAX, count))
        .bind(count(limit as u64))
        .fetch_all(&self.book())
        .await?;
        rows.into_iter().map(|row| past_revision(device, row)).collect()
    }

    /// How many revisions a device has.
    ///
    /// # Errors
    ///
    /// When the book cannot be read.
    pub async fn count_revisions(&self, device: u32) -> Result<u64, StoreError> {
        let counted = sqlx::query_scalar("select count(*) from revisions where device_id = $1").bind(device);
        number("revisions", counted.fetch_one(&self.book()).await?)
    }
}

fn past_revision(device: u32, row: Row) -> Result<PastRevision, StoreError> {
    let record = format!("revisions {device}/{}", row.number);
    let source: RevisionSource = from_name(&record, &row.source)?;
    let push = match (row.state, row.failures, row.updated_at) {
        (Some(state), Some(failures), Some(at)) => {
            Some((from_name(&record, &state)?, row.reason, from_json(&record, &failures)?, at))
        }
        (..) => None,
    };
    let revision = Revision {
        device,
        number: number(&record, row.number)?,
        epoch: number(&record, row.epoch)?,
        base_hash: row.base_hash,
        hash: row.hash,
        entries: from_json(&record, &row.entries)?,
        settings: from_json(&record, &row.settings)?,
        source,
        created_by: row.created_by,
        created_at: row.created_at,
    };
    Ok(PastRevision { revision, rollout: row.rollout_id.map(|id| number(&record, id)).transpose()?, push })
}
