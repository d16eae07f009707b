//! How far each revision has come on its way to the device.

use super::{Revision, revisions::insert_revision};
use crate::db::{
    AuditEntry, Store, StoreError,
    audit::insert_audit,
    begin,
    columns::{count, from_json, from_name, number, to_json, to_name},
    sql,
};
use model::{EntryFailure, Push, PushState};
use std::collections::HashMap;

/// A move of a push that is made only if things still stand as they did when it was decided on.
#[derive(Clone, Debug, PartialEq)]
pub struct PushMove {
    /// Whose.
    pub device: u32,
    /// The wanted revision it was decided on.
    pub wanted: u64,
    /// The revision that was reported on.
    pub revision: u64,
    /// The state of that revision's push that it was decided on; `None` if it has no push.
    pub from: Option<PushState>,
    /// Its new state, if it moves.
    pub to: Option<PushMoved>,
    /// The device keeps this revision now.
    pub committed: Option<u64>,
    /// The wanted revision's push, made or moved to this state.
    pub wanted_push: Option<PushState>,
    /// Why that one, in words.
    pub wanted_reason: Option<String>,
    /// The list the device kept, as the new wanted revision; it needs no push.
    pub returns: Option<(Revision, AuditEntry)>,
    /// When.
    pub at: String,
}

/// Where a push has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushMoved {
    /// To this state.
    pub state: PushState,
    /// Why, in words, when it did not end well.
    pub reason: Option<String>,
    /// What failed.
    pub failures: Vec<EntryFailure>,
}

#[derive(sqlx::FromRow)]
struct Row {
    revision: i64,
    state: String,
    reason: Option<String>,
    failures: String,
    updated_at: String,
    created_by: String,
}

fn push_of(device: u32, row: Row) -> Result<Push, StoreError> {
    let record = format!("pushes {device}/{}", row.revision);
    Ok(Push {
        revision: number(&record, row.revision)?,
        state: from_name(&record, &row.state)?,
        reason: row.reason,
        failures: from_json(&record, &row.failures)?,
        updated_at: row.updated_at,
        by: row.created_by,
    })
}

impl Store {
    /// The device's newest push.
    pub async fn find_newest_push(&self, device: u32) -> Result<Option<Push>, StoreError> {
        sql::query_as::<Row>(
            "select p.revision, p.state, p.reason, p.failures, p.updated_at, r.created_by
             from pushes p join revisions r on r.device_id = p.device_id and r.number = p.revision
             where p.device_id = $1 order by p.revision desc limit 1",
        )
        .bind(device)
        .fetch_optional(&self.database())
        .await?
        .map(|row| push_of(device, row))
        .transpose()
    }

    /// The push of one revision.
    pub async fn find_push(&self, device: u32, revision: u64) -> Result<Option<Push>, StoreError> {
        sql::query_as::<Row>(
            "select p.revision, p.state, p.reason, p.failures, p.updated_at, r.created_by
             from pushes p join revisions r on r.device_id = p.device_id and r.number = p.revision
             where p.device_id = $1 and p.revision = $2",
        )
        .bind(device)
        .bind(count(revision))
        .fetch_optional(&self.database())
        .await?
        .map(|row| push_of(device, row))
        .transpose()
    }

    /// The state of the newest push of each of these devices.
    pub async fn list_push_states(&self, devices: &[u32]) -> Result<HashMap<u32, PushState>, StoreError> {
        let mut query = sql::Builder::new(
            "select p.device_id, p.state from pushes p
             where p.revision = (select max(n.revision) from pushes n where n.device_id = p.device_id)
             and p.device_id in (",
        );
        query.push_list(devices).push(")");
        let rows: Vec<(i64, String)> = query.build_as().fetch_all(&self.database()).await?;
        rows.into_iter().map(|(device, state)| Ok((number("pushes", device)?, from_name("pushes", &state)?))).collect()
    }

    /// Makes the move; `false`, with nothing done, if things no longer stand as it was decided on.
    pub async fn move_push(&self, step: &PushMove) -> Result<bool, StoreError> {
        let record = format!("pushes {}/{}", step.device, step.revision);
        let mut transaction = begin(&self.database()).await?;
        let wanted: Option<i64> = sql::query_scalar("select wanted_revision from devices where id = $1")
            .bind(step.device)
            .fetch_optional(&mut transaction)
            .await?;
        let state: Option<String> =
            sql::query_scalar("select state from pushes where device_id = $1 and revision = $2")
                .bind(step.device)
                .bind(count(step.revision))
                .fetch_optional(&mut transaction)
                .await?;
        let from = step.from.map(|state| to_name(&record, state)).transpose()?;
        if wanted != Some(count(step.wanted)) || state != from {
            return Ok(false);
        }
        if let Some(to) = &step.to {
            sql::query(
                "update pushes set state = $1, reason = $2, failures = $3, updated_at = $4
                 where device_id = $5 and revision = $6",
            )
            .bind(to_name(&record, to.state)?)
            .bind(&to.reason)
            .bind(to_json(&record, &to.failures)?)
            .bind(&step.at)
            .bind(step.device)
            .bind(count(step.revision))
            .execute(&mut transaction)
            .await?;
        }
        if let Some(committed) = step.committed {
            sql::query("update devices set committed_revision = $1 where id = $2")
                .bind(count(committed))
                .bind(step.device)
                .execute(&mut transaction)
                .await?;
        }
        if let Some(state) = step.wanted_push {
            sql::query(
                "insert into pushes (device_id, revision, state, reason, created_at, updated_at)
                 values ($1, $2, $3, $5, $4, $4)
                 on conflict (device_id, revision) do update set state = excluded.state, reason = excluded.reason,
                 failures = '[]', updated_at = excluded.updated_at",
            )
            .bind(step.device)
            .bind(count(step.wanted))
            .bind(to_name(&record, state)?)
            .bind(&step.at)
            .bind(&step.wanted_reason)
            .execute(&mut transaction)
            .await?;
        }
        if let Some((revision, audit)) = &step.returns {
            if !insert_revision(&mut transaction, revision, None).await? {
                return Ok(false);
            }
            insert_audit(&mut transaction, audit).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}
