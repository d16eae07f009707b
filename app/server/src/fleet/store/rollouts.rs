//! Rollouts: which devices were chosen, in which order, and which revision each was given.

mod steps;

pub use steps::{Begun, RolloutMove};

use crate::db::{
    AuditEntry, Store, StoreError,
    audit::insert_audit,
    begin,
    columns::{count, from_json, from_name, number, to_json, to_name},
    sql,
};
use model::{EntryFailure, PushState, RolloutState, Selector, ServerEntry};
use std::collections::HashMap;

/// A rollout without its devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutRecord {
    /// Counts from 1; 0 before it is on record.
    pub id: u64,
    /// As it was asked for; `None` when it takes another one back.
    pub selector: Option<Selector>,
    /// In ascending priority; `None` when it takes another one back.
    pub entries: Option<Vec<ServerEntry>>,
    /// The rollout that this one takes back.
    pub rolls_back: Option<u64>,
    /// What it does.
    pub state: RolloutState,
    /// Why, in words.
    pub reason: Option<String>,
    /// Failures that an operator let pass.
    pub forgiven: u64,
    /// Who moved it to its state.
    pub moved_by: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// When it was moved last.
    pub updated_at: String,
    /// When it came to its end.
    pub ended_at: Option<String>,
}

/// A device as it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenDevice {
    /// Device ID.
    pub device: u32,
    /// The revision to take back and the one whose entries come again, when another rollout is taken back.
    pub undoes: Option<(u64, u64)>,
}

/// A device of a rollout, with what has become of its push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutMember {
    /// Device ID.
    pub device: u32,
    /// As it was chosen.
    pub undoes: Option<(u64, u64)>,
    /// When it was begun or passed over.
    pub begun_at: Option<String>,
    /// The revision it was given.
    pub revision: Option<u64>,
    /// The revision it kept before.
    pub before: Option<u64>,
    /// Why it was passed over.
    pub note: Option<String>,
    /// Its name; `None` once it was removed.
    pub name: Option<String>,
    /// The revision it should hold now.
    pub wanted: Option<u64>,
    /// The push of the revision that it was given.
    pub push: Option<MemberPush>,
    /// The revision after that one returned the device to what it kept.
    pub returned: bool,
}

/// How far a member's push has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPush {
    /// The state.
    pub state: PushState,
    /// Why, in words.
    pub reason: Option<String>,
    /// What failed.
    pub failures: Vec<EntryFailure>,
    /// When it last moved.
    pub updated_at: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    selector: Option<String>,
    entries: Option<String>,
    rolls_back: Option<i64>,
    state: String,
    reason: Option<String>,
    forgiven: i64,
    moved_by: String,
    created_by: String,
    created_at: String,
    updated_at: String,
    ended_at: Option<String>,
}

impl TryFrom<Row> for RolloutRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let record = format!("rollouts {}", row.id);
        Ok(Self {
            id: number(&record, row.id)?,
            selector: row.selector.map(|text| from_json(&record, &text)).transpose()?,
            entries: row.entries.map(|text| from_json(&record, &text)).transpose()?,
            rolls_back: row.rolls_back.map(|id| number(&record, id)).transpose()?,
            state: from_name(&record, &row.state)?,
            reason: row.reason,
            forgiven: number(&record, row.forgiven)?,
            moved_by: row.moved_by,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            ended_at: row.ended_at,
        })
    }
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    device_id: i64,
    undoes: Option<i64>,
    returns_to: Option<i64>,
    begun_at: Option<String>,
    revision: Option<i64>,
    before_revision: Option<i64>,
    note: Option<String>,
    name: Option<String>,
    wanted_revision: Option<i64>,
    state: Option<String>,
    reason: Option<String>,
    failures: Option<String>,
    updated_at: Option<String>,
    next_source: Option<String>,
}

impl TryFrom<MemberRow> for RolloutMember {
    type Error = StoreError;

    fn try_from(row: MemberRow) -> Result<Self, StoreError> {
        let record = format!("rollout_devices of device {}", row.device_id);
        let revision = |value: Option<i64>| value.map(|value| number(&record, value)).transpose();
        let push = match (row.state, row.failures, row.updated_at) {
            (Some(state), Some(failures), Some(updated_at)) => Some(MemberPush {
                state: from_name(&record, &state)?,
                reason: row.reason,
                failures: from_json(&record, &failures)?,
                updated_at,
            }),
            (..) => None,
        };
        Ok(Self {
            device: number(&record, row.device_id)?,
            undoes: revision(row.undoes)?.zip(revision(row.returns_to)?),
            begun_at: row.begun_at,
            revision: revision(row.revision)?,
            before: revision(row.before_revision)?,
            note: row.note,
            name: row.name,
            wanted: revision(row.wanted_revision)?,
            push,
            returned: row.next_source.as_deref() == Some("return"),
        })
    }
}

impl Store {
    /// Puts a rollout on record, with its devices in the order in which they are begun. The answer is its number.
    pub async fn insert_rollout(
        &self,
        rollout: &RolloutRecord,
        devices: &[ChosenDevice],
        audit: impl FnOnce(u64) -> AuditEntry,
    ) -> Result<u64, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let id: i64 = sql::query_scalar(
            "insert into rollouts (selector, entries, rolls_back, state, forgiven, moved_by, created_by, created_at,
             updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
        )
        .bind(rollout.selector.as_ref().map(|selector| to_json("rollouts", selector)).transpose()?)
        .bind(rollout.entries.as_ref().map(|entries| to_json("rollouts", entries)).transpose()?)
        .bind(rollout.rolls_back.map(count))
        .bind(to_name("rollouts", rollout.state)?)
        .bind(count(rollout.forgiven))
        .bind(&rollout.moved_by)
        .bind(&rollout.created_by)
        .bind(&rollout.created_at)
        .bind(&rollout.updated_at)
        .fetch_one(&mut transaction)
        .await?;
        for (device, position) in devices.iter().zip(0_i64..) {
            sql::query(
                "insert into rollout_devices (rollout_id, position, device_id, undoes, returns_to)
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(id)
            .bind(position)
            .bind(device.device)
            .bind(device.undoes.map(|(undoes, _)| count(undoes)))
            .bind(device.undoes.map(|(_, returns_to)| count(returns_to)))
            .execute(&mut transaction)
            .await?;
        }
        let id = number("rollouts", id)?;
        insert_audit(&mut transaction, &audit(id)).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// One rollout.
    pub async fn find_rollout(&self, id: u64) -> Result<Option<RolloutRecord>, StoreError> {
        sql::query_as::<Row>("select * from rollouts where id = $1")
            .bind(count(id))
            .fetch_optional(&self.database())
            .await?
            .map(RolloutRecord::try_from)
            .transpose()
    }

    /// The newest rollouts older than `before`, newest first.
    pub async fn list_rollouts(&self, before: Option<u64>, limit: usize) -> Result<Vec<RolloutRecord>, StoreError> {
        sql::query_as::<Row>("select * from rollouts where id < $1 order by id desc limit $2")
            .bind(before.map_or(i64::MAX, count))
            .bind(count(limit as u64))
            .fetch_all(&self.database())
            .await?
            .into_iter()
            .map(RolloutRecord::try_from)
            .collect()
    }

    /// How many rollouts there are.
    pub async fn count_rollouts(&self) -> Result<u64, StoreError> {
        number("rollouts", sql::query_scalar("select count(*) from rollouts").fetch_one(&self.database()).await?)
    }

    /// Rollouts in which something can happen by itself, oldest first.
    pub async fn list_open_rollouts(&self) -> Result<Vec<u64>, StoreError> {
        let rows: Vec<i64> = sql::query_scalar(
            "select id from rollouts where state in ('running', 'aborted') and ended_at is null order by id",
        )
        .fetch_all(&self.database())
        .await?;
        rows.into_iter().map(|id| number("rollouts", id)).collect()
    }

    /// The newest rollout that takes each of these back.
    pub async fn list_rollbacks(&self) -> Result<HashMap<u64, u64>, StoreError> {
        let rows: Vec<(i64, i64)> =
            sql::query_as("select rolls_back, max(id) from rollouts where rolls_back is not null group by rolls_back")
                .fetch_all(&self.database())
                .await?;
        rows.into_iter().map(|(of, by)| Ok((number("rollouts", of)?, number("rollouts", by)?))).collect()
    }

    /// The devices of a rollout, in the order in which they are begun.
    pub async fn list_rollout_members(&self, rollout: u64) -> Result<Vec<RolloutMember>, StoreError> {
        sql::query_as::<MemberRow>(
            "select m.device_id, m.undoes, m.returns_to, m.begun_at, m.revision, m.before_revision, m.note, d.name,
             d.wanted_revision, p.state, p.reason, p.failures, p.updated_at, n.source as next_source
             from rollout_devices m
             left join devices d on d.id = m.device_id
             left join pushes p on p.device_id = m.device_id and p.revision = m.revision
             left join revisions n on n.device_id = m.device_id and n.number = m.revision + 1
             where m.rollout_id = $1 order by m.position",
        )
        .bind(count(rollout))
        .fetch_all(&self.database())
        .await?
        .into_iter()
        .map(RolloutMember::try_from)
        .collect()
    }
}
