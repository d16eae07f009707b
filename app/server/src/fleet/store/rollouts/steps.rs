//! What happens to a rollout on record: each step is made only if things still stand as they did when it was decided on.

use crate::{
    db::{
        AuditEntry, Store, StoreError,
        audit::insert_audit,
        begin,
        columns::{count, number, to_name},
        sql,
    },
    fleet::store::{DeviceEdit, devices::apply_edit},
};
use model::RolloutState;

/// A rollout goes from one state to another.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutMove {
    /// Which.
    pub id: u64,
    /// The state that it was decided on.
    pub from: RolloutState,
    /// The new one.
    pub to: RolloutState,
    /// Why, in words.
    pub reason: Option<String>,
    /// Failures that are let pass from now on.
    pub forgiven: u64,
    /// It is over with that.
    pub ends: bool,
    /// One row for who did it.
    pub audit: AuditEntry,
}

/// What became of an attempt to begin a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Done.
    Done,
    /// Somebody edited the device in between.
    Overtaken,
    /// The rollout runs no longer, or has begun the device already.
    NotNow,
}

impl Store {
    /// Makes the move; `false`, with nothing done, if the rollout is in another state by now.
    pub async fn move_rollout(&self, step: &RolloutMove) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let moved = sql::query(
            "update rollouts set state = $1, reason = $2, forgiven = $3, moved_by = $4, updated_at = $5,
             ended_at = case when $6 then $5 else ended_at end
             where id = $7 and state = $8 and ended_at is null",
        )
        .bind(to_name("rollouts", step.to)?)
        .bind(&step.reason)
        .bind(count(step.forgiven))
        .bind(&step.audit.operator)
        .bind(&step.audit.at)
        .bind(step.ends)
        .bind(count(step.id))
        .bind(to_name("rollouts", step.from)?)
        .execute(&mut transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        insert_audit(&mut transaction, &step.audit).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Marks an aborted rollout as over: what could be withdrawn is withdrawn.
    pub async fn end_aborted_rollout(&self, id: u64, at: &str) -> Result<(), StoreError> {
        sql::query("update rollouts set ended_at = $1 where id = $2 and state = 'aborted' and ended_at is null")
            .bind(at)
            .bind(count(id))
            .execute(&self.database())
            .await?;
        Ok(())
    }

    /// Begins a device: its edit and the note of it are one. `before` is the revision that the device keeps.
    pub async fn begin_in_rollout(&self, rollout: u64, edit: &DeviceEdit, before: u64) -> Result<Begun, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let Some((revision, _)) = &edit.list else { return Ok(Begun::NotNow) };
        let noted = sql::query(
            "update rollout_devices set begun_at = $1, revision = $2, before_revision = $3
             where rollout_id = $4 and device_id = $5 and begun_at is null
             and exists (select 1 from rollouts where id = $4 and state = 'running')",
        )
        .bind(&revision.created_at)
        .bind(count(revision.number))
        .bind(count(before))
        .bind(count(rollout))
        .bind(edit.device)
        .execute(&mut transaction)
        .await?;
        if noted.rows_affected() == 0 {
            return Ok(Begun::NotNow);
        }
        if !apply_edit(&mut transaction, edit).await? {
            return Ok(Begun::Overtaken);
        }
        transaction.commit().await?;
        Ok(Begun::Done)
    }

    /// Passes a device over; `false` if the rollout runs no longer, or has begun the device already.
    pub async fn pass_over(&self, rollout: u64, device: u32, note: &str, at: &str) -> Result<bool, StoreError> {
        let noted = sql::query(
            "update rollout_devices set begun_at = $1, note = $2
             where rollout_id = $3 and device_id = $4 and begun_at is null
             and exists (select 1 from rollouts where id = $3 and state = 'running')",
        )
        .bind(at)
        .bind(note)
        .bind(count(rollout))
        .bind(device)
        .execute(&self.database())
        .await?;
        Ok(noted.rows_affected() > 0)
    }

    /// A later rollout that has reached this device already.
    pub async fn find_later_rollout(&self, rollout: u64, device: u32) -> Result<Option<u64>, StoreError> {
        let later: Option<i64> = sql::query_scalar(
            "select max(rollout_id) from rollout_devices
             where device_id = $1 and rollout_id > $2 and revision is not null",
        )
        .bind(device)
        .bind(count(rollout))
        .fetch_one(&self.database())
        .await?;
        later.map(|id| number("rollout_devices", id)).transpose()
    }
}
