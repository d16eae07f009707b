//! Outcomes of trials that this server saw while another one was active; kept until that one has noted them.

use super::ReportedList;
use crate::db::{
    Store, StoreError, begin,
    columns::{count, from_json, from_name, number, to_json, to_name},
    sql,
};
use model::{EntryFailure, PushState};
use serde::{Deserialize, Serialize};

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeState {
    /// The device keeps the list.
    Committed,
    /// The device went back.
    RolledBack,
}

impl From<OutcomeState> for PushState {
    fn from(state: OutcomeState) -> Self {
        match state {
            OutcomeState::Committed => Self::Committed,
            OutcomeState::RolledBack => Self::RolledBack,
        }
    }
}

/// The end of a trial. Also what servers tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Counts on the server that saw it; 0 before it is on record.
    pub id: i64,
    /// Whose trial.
    pub device_id: u32,
    /// Of which list.
    pub list: ReportedList,
    /// How it ended.
    pub state: OutcomeState,
    /// Why, in words, when the device went back.
    pub reason: Option<String>,
    /// What failed.
    pub failures: Vec<EntryFailure>,
    /// When this server saw it.
    pub seen_at: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    device_id: i64,
    epoch: i64,
    revision: i64,
    hash: String,
    state: String,
    reason: Option<String>,
    failures: String,
    seen_at: String,
}

impl TryFrom<Row> for Outcome {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let record = format!("outcomes {}", row.id);
        Ok(Self {
            id: row.id,
            device_id: number(&record, row.device_id)?,
            list: ReportedList {
                epoch: number(&record, row.epoch)?,
                number: number(&record, row.revision)?,
                hash: row.hash,
            },
            state: from_name(&record, &row.state)?,
            reason: row.reason,
            failures: from_json(&record, &row.failures)?,
            seen_at: row.seen_at,
        })
    }
}

impl Store {
    /// Keeps an outcome; one that is kept already stands.
    pub async fn insert_outcome(&self, outcome: &Outcome) -> Result<(), StoreError> {
        sql::query(
            "insert into outcomes (device_id, epoch, revision, hash, state, reason, failures, seen_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (device_id, hash, state) do nothing",
        )
        .bind(outcome.device_id)
        .bind(count(outcome.list.epoch))
        .bind(count(outcome.list.number))
        .bind(&outcome.list.hash)
        .bind(to_name("outcomes", outcome.state)?)
        .bind(&outcome.reason)
        .bind(to_json("outcomes", &outcome.failures)?)
        .bind(&outcome.seen_at)
        .execute(self.local())
        .await?;
        Ok(())
    }

    /// The newest outcome of that list on that device.
    pub async fn find_outcome(&self, device: u32, hash: &str) -> Result<Option<Outcome>, StoreError> {
        sql::query_as::<Row>(
            "select id, device_id, epoch, revision, hash, state, reason, failures, seen_at from outcomes
             where device_id = $1 and hash = $2 order by id desc limit 1",
        )
        .bind(device)
        .bind(hash)
        .fetch_optional(self.local())
        .await?
        .map(Outcome::try_from)
        .transpose()
    }

    /// What the active server has not noted, oldest first.
    pub async fn list_unnoted_outcomes(&self) -> Result<Vec<Outcome>, StoreError> {
        sql::query_as::<Row>(
            "select id, device_id, epoch, revision, hash, state, reason, failures, seen_at from outcomes
             where noted_at is null order by id",
        )
        .fetch_all(self.local())
        .await?
        .into_iter()
        .map(Outcome::try_from)
        .collect()
    }

    /// The active server has these.
    pub async fn mark_outcomes_noted(&self, ids: &[i64], at: &str) -> Result<(), StoreError> {
        let mut transaction = begin(self.local()).await?;
        for id in ids {
            sql::query("update outcomes set noted_at = $1 where id = $2 and noted_at is null")
                .bind(at)
                .bind(id)
                .execute(&mut transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
