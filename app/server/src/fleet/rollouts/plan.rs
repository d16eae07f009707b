//! Which devices a rollout begins next, decided without a database, a clock or a network.
//!
//! * The waves are 1 device, 1 %, 10 %, 50 % and all of what was chosen, counted from the first device; each reaches at
//!   least one device more than the one before.
//! * A wave begins when every device of the earlier waves has come to its end or is offline.
//! * The rollout stops when as many devices failed as its limit says: 2 % of what was chosen, rounded up, and at least
//!   one. Failures that an operator let pass by resuming do not count.

use crate::fleet::store::RolloutMember;
use model::{PushState, RolloutDeviceState, RolloutState};
use std::time::Duration;

/// A device that was begun counts as offline when it was away for so long: longer than any device waits between two
/// attempts, so that a server that was just started does not take all its devices for offline.
pub(super) const OFFLINE_AFTER: Duration = Duration::from_secs(60);
/// The same for a device that is trying its new list: it leaves its server for that, and may take its time.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(600);

/// Is a device on this server, and if not, for how long? Only the active server hands out lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    /// It holds a session here.
    Connected,
    /// It was last heard of so long ago.
    Gone(Duration),
    /// It was never heard of.
    Never,
}

impl Contact {
    fn is_away_for(self, limit: Duration) -> bool {
        match self {
            Self::Connected => false,
            Self::Gone(time) => time >= limit,
            Self::Never => true,
        }
    }
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position<'a> {
    /// What it does.
    pub(super) state: RolloutState,
    /// Failures that were let pass.
    pub(super) forgiven: u64,
    /// All its devices, in the order in which they are begun.
    pub(super) devices: &'a [RolloutDeviceState],
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing, until something changes.
    Wait,
    /// Begin the devices at these places.
    Begin(Vec<usize>),
    /// Too many devices failed.
    Stop {
        /// How many, without those that were let pass.
        failures: u64,
    },
    /// Every device has come to its end.
    Finish,
}

/// How many devices are begun with each wave and those before it.
pub(super) fn waves(devices: usize) -> Vec<usize> {
    let mut reach: Vec<usize> = Vec::new();
    for percent in [0, 1, 10, 50, 100] {
        let last = reach.last().copied().unwrap_or(0);
        if last < devices {
            let share = (devices * percent).div_ceil(100);
            reach.push(share.max(last + 1).min(devices));
        }
    }
    reach
}

/// The wave of the device at this place, from 1.
pub(super) fn wave_of(waves: &[usize], place: usize) -> u64 {
    waves.partition_point(|reach| *reach <= place) as u64 + 1
}

/// At so many failures a rollout stops.
pub(super) fn failure_limit(devices: usize) -> u64 {
    devices.div_ceil(50).max(1) as u64
}

/// How many devices failed.
pub(super) fn failures(devices: &[RolloutDeviceState]) -> u64 {
    devices.iter().filter(|state| **state == RolloutDeviceState::Failed).count() as u64
}

/// What a rollout does next.
pub(super) fn decide(at: &Position<'_>) -> Decision {
    match at.state {
        RolloutState::Running => {}
        RolloutState::Paused | RolloutState::Stopped | RolloutState::Finished | RolloutState::Aborted => {
            return Decision::Wait;
        }
    }
    let failures = failures(at.devices).saturating_sub(at.forgiven);
    if failures >= failure_limit(at.devices.len()) {
        return Decision::Stop { failures };
    }
    if at.devices.iter().all(|state| state.is_end()) {
        return Decision::Finish;
    }
    let settled =
        at.devices.iter().take_while(|state| state.is_end() || **state == RolloutDeviceState::Offline).count();
    // The first wave that is not settled as a whole is the one that may be begun.
    let reach = waves(at.devices.len()).into_iter().find(|reach| settled < *reach).unwrap_or(at.devices.len());
    let due: Vec<usize> =
        (0..reach).filter(|place| at.devices.get(*place) == Some(&RolloutDeviceState::Waiting)).collect();
    if due.is_empty() { Decision::Wait } else { Decision::Begin(due) }
}

/// How far a device is, from what is on record and whether it is here.
pub(super) fn state_of(member: &RolloutMember, contact: Contact) -> RolloutDeviceState {
    if let Some(push) = &member.push {
        return match push.state {
            PushState::Pending if contact.is_away_for(OFFLINE_AFTER) => RolloutDeviceState::Offline,
            PushState::Staged | PushState::Probed | PushState::Trial if contact.is_away_for(LOST_AFTER) => {
                RolloutDeviceState::Offline
            }
            PushState::Pending | PushState::Staged | PushState::Probed | PushState::Trial => {
                RolloutDeviceState::UnderWay
            }
            PushState::Committed => RolloutDeviceState::Committed,
            PushState::RolledBack | PushState::Drifted | PushState::Conflict => RolloutDeviceState::Failed,
            PushState::Superseded if member.returned => RolloutDeviceState::Cancelled,
            PushState::Superseded => RolloutDeviceState::Superseded,
        };
    }
    match (&member.name, &member.begun_at) {
        (None, _) => RolloutDeviceState::Removed,
        (Some(_), None) => RolloutDeviceState::Waiting,
        (Some(_), Some(_)) => RolloutDeviceState::Superseded,
    }
}

#[cfg(test)]
mod tests;
