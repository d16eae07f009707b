//! What operators do to a rollout: hold it, let it go on, end it.

use super::{Course, plan};
use crate::{Service, actor::Actor, db::AuditEntry, fleet::store::RolloutMove};
use model::{DeviceObstacle, Fault, Rollout, RolloutState, RolloutVerb};

impl Service {
    /// Does what an operator wants; the answer is the rollout as it is then, after a rollback the one that takes it back.
    ///
    /// # Errors
    ///
    /// Not active, no such rollout, it is not in a state for that, or the store fails.
    pub async fn act_on_rollout(&self, actor: &Actor, id: u64, verb: RolloutVerb) -> Result<Rollout, Fault> {
        match verb {
            RolloutVerb::Pause => self.pause_rollout(actor, id).await,
            RolloutVerb::Resume => self.resume_rollout(actor, id).await,
            RolloutVerb::Abort => self.abort_rollout(actor, id).await,
            RolloutVerb::Rollback => self.roll_back_rollout(actor, id).await,
        }
    }

    /// Begins no further device until somebody resumes it.
    ///
    /// # Errors
    ///
    /// As [`Service::act_on_rollout`].
    pub async fn pause_rollout(&self, actor: &Actor, id: u64) -> Result<Rollout, Fault> {
        self.require_active().await?;
        let course = self.course(id).await?;
        if course.record.state != RolloutState::Running {
            return Err(not_now(&course, RolloutVerb::Pause));
        }
        let audit = self.move_audit(actor, "rollout.pause", &course, RolloutState::Paused);
        self.move_rollout(&course, RolloutState::Paused, None, course.record.forgiven, audit, RolloutVerb::Pause)
            .await?;
        self.find_rollout(id).await
    }

    /// Goes on. After it stopped by itself the failures so far are let pass.
    ///
    /// # Errors
    ///
    /// As [`Service::act_on_rollout`].
    pub async fn resume_rollout(&self, actor: &Actor, id: u64) -> Result<Rollout, Fault> {
        self.require_active().await?;
        let course = self.course(id).await?;
        let forgiven = match course.record.state {
            RolloutState::Paused => course.record.forgiven,
            RolloutState::Stopped => plan::failures(&course.states),
            RolloutState::Running | RolloutState::Finished | RolloutState::Aborted => {
                return Err(not_now(&course, RolloutVerb::Resume));
            }
        };
        let audit = self.move_audit(actor, "rollout.resume", &course, RolloutState::Running);
        self.move_rollout(&course, RolloutState::Running, None, forgiven, audit, RolloutVerb::Resume).await?;
        self.find_rollout(id).await
    }

    /// Ends it for good, and withdraws what has not reached its device.
    ///
    /// # Errors
    ///
    /// As [`Service::act_on_rollout`].
    pub async fn abort_rollout(&self, actor: &Actor, id: u64) -> Result<Rollout, Fault> {
        self.require_active().await?;
        let course = self.course(id).await?;
        if !course.record.state.is_open() {
            return Err(not_now(&course, RolloutVerb::Abort));
        }
        let audit = self.move_audit(actor, "rollout.abort", &course, RolloutState::Aborted);
        self.move_rollout(&course, RolloutState::Aborted, None, course.record.forgiven, audit, RolloutVerb::Abort)
            .await?;
        self.withdraw_aborted(id).await?;
        self.find_rollout(id).await
    }

    async fn move_rollout(
        &self,
        course: &Course,
        to: RolloutState,
        reason: Option<String>,
        forgiven: u64,
        audit: AuditEntry,
        verb: RolloutVerb,
    ) -> Result<(), Fault> {
        let (id, from) = (course.record.id, course.record.state);
        let step = RolloutMove { id, from, to, reason, forgiven, ends: false, audit };
        if !self.store.move_rollout(&step).await? {
            return Err(not_now(&self.course(id).await?, verb));
        }
        tracing::info!(rollout = id, state = ?to, operator = step.audit.operator, "rollout moved");
        self.rollouts_changed();
        Ok(())
    }
}

/// Why something cannot be done to a rollout.
pub(super) fn not_now(course: &Course, verb: RolloutVerb) -> Fault {
    DeviceObstacle::RolloutState { rollout: course.record.id, verb, state: course.record.state }.into()
}
