//! The revisions of a device as a history: newest first, each with its push.

use super::{Revision, revisions};
use crate::db::{
    Store, StoreError,
    columns::{count, from_json, from_name, number},
    sql,
};
use model::RevisionPush;

/// A revision and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRevision {
    /// The list.
    pub revision: Revision,
    /// The rollout that it is part of.
    pub rollout: Option<u64>,
    /// Its push, if it had one.
    pub push: Option<RevisionPush>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    revision: revisions::Row,
    rollout_id: Option<i64>,
    state: Option<String>,
    reason: Option<String>,
    failures: Option<String>,
    updated_at: Option<String>,
}

impl Store {
    /// The newest revisions of a device that are older than `before`, newest first.
    pub async fn list_revisions(
        &self,
        device: u32,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<PastRevision>, StoreError> {
        let rows: Vec<Row> = sql::query_as(
            "select r.*, m.rollout_id, p.state, p.reason, p.failures, p.updated_at
             from revisions r
             left join rollout_devices m on m.device_id = r.device_id and m.revision = r.number
             left join pushes p on p.device_id = r.device_id and p.revision = r.number
             where r.device_id = $1 and r.number < $2 order by r.number desc limit $3",
        )
        .bind(device)
        .bind(before.map_or(i64::MAX, count))
        .bind(count(limit as u64))
        .fetch_all(&self.database())
        .await?;
        rows.into_iter().map(past_revision).collect()
    }

    /// How many revisions a device has.
    pub async fn count_revisions(&self, device: u32) -> Result<u64, StoreError> {
        let counted = sql::query_scalar("select count(*) from revisions where device_id = $1").bind(device);
        number("revisions", counted.fetch_one(&self.database()).await?)
    }
}

fn past_revision(row: Row) -> Result<PastRevision, StoreError> {
    let revision = Revision::try_from(row.revision)?;
    let record = format!("pushes {}/{}", revision.device, revision.number);
    let push = match (row.state, row.failures, row.updated_at) {
        (Some(state), Some(failures), Some(updated_at)) => Some(RevisionPush {
            state: from_name(&record, &state)?,
            reason: row.reason,
            failures: from_json(&record, &failures)?,
            updated_at,
        }),
        (..) => None,
    };
    Ok(PastRevision { rollout: row.rollout_id.map(|id| number(&record, id)).transpose()?, revision, push })
}
