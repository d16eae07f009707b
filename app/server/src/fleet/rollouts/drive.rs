//! Carries out what the plan says: begins devices, stops, finishes, withdraws.

use super::{Course, name_of, plan, plan::Decision};
use crate::{
    Service,
    actor::Actor,
    fleet::{
        revision_history::content_of,
        server_lists::{Content, entries_of},
        standing::Standing,
        store::{Begun, DeviceEdit, RolloutMember, RolloutMove, RolloutRecord},
    },
};
use model::{Fault, PushState, Role, RolloutState};
use serde_json::json;

/// Devices begun between two looks at the whole, so that a stop takes effect in the middle of a large wave.
const AT_ONCE: usize = 100;
/// How often a device is tried again when edits keep coming in between.
const MAX_TRIES: u32 = 8;

impl Service {
    /// Brings every rollout as far as it can come now; does nothing on a standby. Called again it finds nothing to do.
    ///
    /// # Errors
    ///
    /// The store fails, after the other rollouts had their turn: it has to be called again.
    pub async fn advance_rollouts(&self) -> Result<(), Fault> {
        if self.role() != Role::Active {
            return Ok(());
        }
        let mut outcome = Ok(());
        for id in self.store.list_open_rollouts().await? {
            if let Err(fault) = self.advance_rollout(id).await {
                outcome = Err(fault);
            }
        }
        outcome
    }

    async fn advance_rollout(&self, id: u64) -> Result<(), Fault> {
        loop {
            let course = self.course(id).await?;
            if course.record.state == RolloutState::Aborted {
                return self.withdraw_aborted(id).await;
            }
            match plan::decide(&course.position()) {
                Decision::Wait => return Ok(()),
                Decision::Begin(places) => {
                    if !self.begin_all(&course, &places).await? {
                        return Ok(());
                    }
                }
                Decision::Stop { failures } => return self.stop_rollout(&course, failures).await,
                Decision::Finish => return self.finish_rollout(&course).await,
            }
        }
    }

    /// Begins these devices; says whether it is worth looking for more.
    async fn begin_all(&self, course: &Course, places: &[usize]) -> Result<bool, Fault> {
        let mut moved = false;
        for member in places.iter().take(AT_ONCE).filter_map(|place| course.members.get(*place)) {
            match self.begin_device(&course.record, member).await? {
                Begun::Done => moved = true,
                // It has its turn again the next time.
                Begun::Overtaken => {}
                Begun::NotNow => break,
            }
        }
        if moved {
            self.rollouts_changed();
        }
        Ok(moved)
    }

    async fn begin_device(&self, rollout: &RolloutRecord, member: &RolloutMember) -> Result<Begun, Fault> {
        let (id, device) = (rollout.id, member.device);
        for _ in 0..MAX_TRIES {
            let standing = match self.standing_of(device).await {
                // It was removed this moment; the next look sees that.
                Err(Fault::NotFound(_)) => return Ok(Begun::Overtaken),
                standing => standing?,
            };
            if let Some(note) = self.overtaken_by(rollout, member, &standing).await? {
                let passed = self.store.pass_over(id, device, &note, &self.clock.now_text()).await?;
                return Ok(if passed { Begun::Done } else { Begun::NotNow });
            }
            let content = self.content_for(rollout, member).await?;
            let (edit, before) = self.edit_for(rollout, &standing, content).await?;
            match self.store.begin_in_rollout(id, &edit, before).await? {
                Begun::Overtaken => {}
                Begun::NotNow => return Ok(Begun::NotNow),
                Begun::Done => {
                    tracing::info!(rollout = id, device, "device begun");
                    self.list_changed(device);
                    return Ok(Begun::Done);
                }
            }
        }
        tracing::warn!(rollout = id, device, "edits keep coming in between; the device is begun later");
        Ok(Begun::Overtaken)
    }

    /// Why this device must be left as it is.
    async fn overtaken_by(
        &self,
        rollout: &RolloutRecord,
        member: &RolloutMember,
        standing: &Standing,
    ) -> Result<Option<String>, Fault> {
        if let Some(later) = self.store.find_later_rollout(rollout.id, member.device).await? {
            return Ok(Some(format!("rollout {later} has reached it already")));
        }
        let wanted = standing.wanted.number;
        Ok(match (member.undoes, rollout.rolls_back) {
            (Some((undoes, _)), Some(of)) if undoes != wanted => {
                Some(format!("its servers have changed since rollout {of} reached it: revision {wanted} stays"))
            }
            (Some(_) | None, _) => None,
        })
    }

    /// What the device gets: the servers that are rolled out with the settings it has, or all that it had before.
    async fn content_for(&self, rollout: &RolloutRecord, member: &RolloutMember) -> Result<Content, Fault> {
        let content = match (member.undoes, &rollout.entries) {
            (Some((_, former)), _) => {
                self.store.find_revision(member.device, former).await?.map(|former| content_of(&former))
            }
            (None, entries) => entries.as_deref().map(|entries| entries_of(entries).map(Content::from)),
        };
        content.unwrap_or_else(|| {
            tracing::error!(rollout = rollout.id, device = member.device, "the database lacks the list to roll out");
            Err(Fault::Internal)
        })
    }

    /// An ordinary edit in the name of who made the rollout, and the revision that the device keeps now.
    async fn edit_for(
        &self,
        rollout: &RolloutRecord,
        standing: &Standing,
        content: Content,
    ) -> Result<(DeviceEdit, u64), Fault> {
        let (list, mut audit) = self.new_list(&author_of(rollout), standing, content).await?;
        if let Some(after) = &mut audit.after {
            after["rollout"] = json!(rollout.id);
        }
        let before = standing.kept.as_ref().unwrap_or(&standing.wanted).number;
        let edit = DeviceEdit { device: standing.device.id, name: None, list: Some(list), audit: vec![audit] };
        Ok((edit, before))
    }

    async fn stop_rollout(&self, course: &Course, failures: u64) -> Result<(), Fault> {
        let devices = course.states.len();
        let limit = plan::failure_limit(devices);
        let failed = if failures == 1 { "1 device failed".to_owned() } else { format!("{failures} devices failed") };
        let reason = format!("{failed}; with {devices} devices a rollout stops at {limit}.");
        self.end_run(course, RolloutState::Stopped, "rollout.stop", Some(reason)).await
    }

    async fn finish_rollout(&self, course: &Course) -> Result<(), Fault> {
        self.end_run(course, RolloutState::Finished, "rollout.finish", None).await
    }

    /// If somebody was faster, the next look sees that.
    async fn end_run(
        &self,
        course: &Course,
        to: RolloutState,
        action: &'static str,
        reason: Option<String>,
    ) -> Result<(), Fault> {
        let RolloutRecord { id, state: from, forgiven, .. } = course.record;
        let audit = self.move_audit(&Actor::system(), action, course, to);
        tracing::info!(rollout = id, state = ?to, reason, "rollout moved");
        let ends = to == RolloutState::Finished;
        if self.store.move_rollout(&RolloutMove { id, from, to, reason, forgiven, ends, audit }).await? {
            self.rollouts_changed();
        }
        Ok(())
    }

    /// Takes back what an aborted rollout has handed out and no device has fetched; then the rollout is over.
    pub(super) async fn withdraw_aborted(&self, id: u64) -> Result<(), Fault> {
        let course = self.course(id).await?;
        let by = Actor { login: course.record.moved_by.clone(), peer: None };
        for member in &course.members {
            let pending = member.push.as_ref().is_some_and(|push| push.state == PushState::Pending);
            if !pending || member.wanted != member.revision {
                continue;
            }
            match self.cancel_push(&by, member.device).await {
                // The device was faster, or is gone.
                Ok(_) | Err(Fault::WrongState(_) | Fault::NotFound(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        self.store.end_aborted_rollout(id, &self.clock.now_text()).await?;
        tracing::info!(subject = name_of(id), "what had not reached its device is withdrawn");
        self.rollouts_changed();
        Ok(())
    }
}

fn author_of(rollout: &RolloutRecord) -> Actor {
    Actor { login: rollout.created_by.clone(), peer: None }
}
