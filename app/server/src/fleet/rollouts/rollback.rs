//! Taking a rollout back: another rollout, in waves as well, that gives each device what it had before.

use super::{Course, moves::not_now};
use crate::{
    Service,
    actor::Actor,
    fleet::store::{ChosenDevice, RolloutMember, RolloutRecord},
};
use model::{DeviceObstacle, Fault, Rollout, RolloutDeviceState, RolloutState, RolloutVerb};

impl Service {
    /// Begins a rollout that takes this one back. One that is held is ended by that; one that runs must be held first.
    ///
    /// # Errors
    ///
    /// As [`Service::act_on_rollout`]; also when no device keeps what this rollout gave it.
    pub async fn roll_back_rollout(&self, actor: &Actor, id: u64) -> Result<Rollout, Fault> {
        self.require_active().await?;
        let course = self.course(id).await?;
        match course.record.state {
            RolloutState::Running => return Err(not_now(&course, RolloutVerb::Rollback)),
            RolloutState::Finished | RolloutState::Aborted => {}
            RolloutState::Paused | RolloutState::Stopped => {
                if undone(&course).is_empty() {
                    return Err(nothing_to_undo(id));
                }
                self.abort_rollout(actor, id).await?;
            }
        }
        if let Some(by) = self.store.list_rollbacks().await?.get(&id)
            && self.course(*by).await?.record.state.is_open()
        {
            return Err(DeviceObstacle::RollbackRunning { rollout: id, rolled_back_by: *by }.into());
        }
        let devices = undone(&self.course(id).await?);
        if devices.is_empty() {
            return Err(nothing_to_undo(id));
        }
        let record = RolloutRecord { rolls_back: Some(id), ..self.new_record(actor) };
        self.put_on_record(actor, record, devices).await
    }
}

/// The devices that keep, or are about to keep, what the rollout gave them.
fn undone(course: &Course) -> Vec<ChosenDevice> {
    let both = course.members.iter().zip(&course.states);
    both.filter_map(|(member, state)| {
        let RolloutMember { device, revision, before, wanted, .. } = member;
        let has =
            matches!(state, RolloutDeviceState::Committed | RolloutDeviceState::UnderWay | RolloutDeviceState::Offline);
        let (revision, before) = revision.zip(*before)?;
        (has && *wanted == Some(revision)).then_some(ChosenDevice { device: *device, undoes: Some((revision, before)) })
    })
    .collect()
}

fn nothing_to_undo(id: u64) -> Fault {
    DeviceObstacle::NothingToRollBack { rollout: id }.into()
}
