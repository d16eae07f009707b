//! A server list for many devices, given to them in waves.

use super::{DeviceStatus, EntryFailure, EntryInput, PushState, ServerEntry};
use serde::{Deserialize, Serialize};

/// Which devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Selector {
    /// Every device of the installation.
    All {
        /// Always true.
        all: bool,
    },
    /// These.
    Devices {
        /// Device IDs.
        devices: Vec<u32>,
    },
    /// Those that the device list finds for this text.
    Query {
        /// Part of the name, the Device ID or the IP address.
        query: String,
    },
}

/// What the batch edit sends; entries as typed, blank ones included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutInput {
    /// Which devices.
    pub selector: Selector,
    /// Their new servers.
    pub entries: Vec<EntryInput>,
}

/// What a rollout does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    /// Begins wave after wave.
    Running,
    /// An operator holds it: no further device is begun.
    Paused,
    /// It holds itself: too many devices failed.
    Stopped,
    /// Every device has come to an end.
    Finished,
    /// An operator ended it.
    Aborted,
}

impl RolloutState {
    /// An operator can still resume it, or it goes on by itself.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Stopped)
    }
}

/// How far a rollout has come with one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutDeviceState {
    /// Not begun.
    Waiting,
    /// The device is on its way to the new list.
    UnderWay,
    /// It was begun and is not on the active server: it gets its list when it returns.
    Offline,
    /// The device keeps the new list.
    Committed,
    /// The device went back, or holds something else.
    Failed,
    /// An edit came in between; it stays as it was edited.
    Superseded,
    /// The push was withdrawn before it reached the device.
    Cancelled,
    /// The device belongs to the installation no longer.
    Removed,
}

impl RolloutDeviceState {
    /// All of them, in the order in which people read them.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::UnderWay,
        Self::Offline,
        Self::Committed,
        Self::Failed,
        Self::Superseded,
        Self::Cancelled,
        Self::Removed,
    ];

    /// As it stands in addresses and in the REST API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::UnderWay => "under_way",
            Self::Offline => "offline",
            Self::Committed => "committed",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::Removed => "removed",
        }
    }

    /// Nothing more will happen to this device in this rollout.
    #[must_use]
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Waiting | Self::UnderWay | Self::Offline)
    }
}

/// How many devices are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutCounts {
    /// All together.
    pub devices: u64,
    /// Not begun.
    pub waiting: u64,
    /// On their way.
    pub under_way: u64,
    /// Begun, and not on the active server.
    pub offline: u64,
    /// Keep the new list.
    pub committed: u64,
    /// Went back, or hold something else.
    pub failed: u64,
    /// Edited in between.
    pub superseded: u64,
    /// Withdrawn.
    pub cancelled: u64,
    /// No longer there.
    pub removed: u64,
}

impl RolloutCounts {
    /// Counts one more.
    pub fn add(&mut self, state: RolloutDeviceState) {
        self.devices += 1;
        *match state {
            RolloutDeviceState::Waiting => &mut self.waiting,
            RolloutDeviceState::UnderWay => &mut self.under_way,
            RolloutDeviceState::Offline => &mut self.offline,
            RolloutDeviceState::Committed => &mut self.committed,
            RolloutDeviceState::Failed => &mut self.failed,
            RolloutDeviceState::Superseded => &mut self.superseded,
            RolloutDeviceState::Cancelled => &mut self.cancelled,
            RolloutDeviceState::Removed => &mut self.removed,
        } += 1;
    }
}

impl RolloutCounts {
    /// How many devices are in this state.
    #[must_use]
    pub fn of(&self, state: RolloutDeviceState) -> u64 {
        match state {
            RolloutDeviceState::Waiting => self.waiting,
            RolloutDeviceState::UnderWay => self.under_way,
            RolloutDeviceState::Offline => self.offline,
            RolloutDeviceState::Committed => self.committed,
            RolloutDeviceState::Failed => self.failed,
            RolloutDeviceState::Superseded => self.superseded,
            RolloutDeviceState::Cancelled => self.cancelled,
            RolloutDeviceState::Removed => self.removed,
        }
    }
}

impl FromIterator<RolloutDeviceState> for RolloutCounts {
    fn from_iter<I: IntoIterator<Item = RolloutDeviceState>>(states: I) -> Self {
        let mut counts = Self::default();
        states.into_iter().for_each(|state| counts.add(state));
        counts
    }
}

/// Devices that are begun together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// From 1.
    pub number: u64,
    /// Its devices.
    pub counts: RolloutCounts,
}

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Counts from 1.
    pub id: u64,
    /// What it does now.
    pub state: RolloutState,
    /// Why, in words, when it was not its own end.
    pub reason: Option<String>,
    /// Which devices were asked for; `None` when it takes another one back.
    pub selector: Option<Selector>,
    /// Their new servers; `None` when it takes another one back: then each device gets what it had before.
    pub entries: Option<Vec<ServerEntry>>,
    /// The rollout that this one takes back.
    pub rolls_back: Option<u64>,
    /// The newest rollout that takes this one back.
    pub rolled_back_by: Option<u64>,
    /// It stops by itself when so many devices have failed that were not forgiven.
    pub failure_limit: u64,
    /// Failures that an operator has let pass by resuming.
    pub forgiven: u64,
    /// How far its devices are.
    pub counts: RolloutCounts,
    /// The same wave by wave.
    pub waves: Vec<Wave>,
    /// Who wanted it.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// Who moved it to its state.
    pub moved_by: String,
    /// When.
    pub updated_at: String,
    /// When it came to its end.
    pub ended_at: Option<String>,
}

/// One device of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutDevice {
    /// Device ID.
    pub device: u32,
    /// Its name.
    pub name: String,
    /// In which wave, from 1.
    pub wave: u64,
    /// How far it is.
    pub state: RolloutDeviceState,
    /// The revision it was given.
    pub revision: Option<u64>,
    /// How far that revision's push has come.
    pub push: Option<PushState>,
    /// Why, in words, when it did not end well.
    pub reason: Option<String>,
    /// After a rollback: what failed.
    pub failures: Vec<EntryFailure>,
    /// When something last happened to it.
    pub updated_at: Option<String>,
}

/// What an operator does to a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutVerb {
    /// Begin no further device.
    Pause,
    /// Go on.
    Resume,
    /// End it, and withdraw what has not reached its device.
    Abort,
    /// Give every device that keeps the new list what it had before.
    Rollback,
}

impl RolloutVerb {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pause, Self::Resume, Self::Abort, Self::Rollback];

    /// As it stands in addresses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::Rollback => "rollback",
        }
    }

    /// Can it be done to a rollout like this?
    #[must_use]
    pub fn fits(self, rollout: &Rollout) -> bool {
        match self {
            Self::Pause => rollout.state == RolloutState::Running,
            Self::Resume => matches!(rollout.state, RolloutState::Paused | RolloutState::Stopped),
            Self::Abort => rollout.state.is_open(),
            Self::Rollback => {
                let RolloutCounts { committed, under_way, .. } = rollout.counts;
                rollout.state != RolloutState::Running && committed + under_way > 0
            }
        }
    }
}

/// Which rollouts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RolloutQuery {
    /// At most so many, 1 to 100; 20 if not given.
    pub limit: Option<u32>,
    /// From a page's `next_cursor`.
    pub cursor: Option<String>,
}

/// Which devices of a rollout to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RolloutDeviceQuery {
    /// Only these.
    pub state: Option<RolloutDeviceState>,
    /// At most so many, 1 to 200; 50 if not given.
    pub limit: Option<u32>,
    /// From a page's `next_cursor`.
    pub cursor: Option<String>,
}

/// What a rollout would do, before it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutPreview {
    /// Which devices were asked for.
    pub selector: Selector,
    /// How many there are.
    pub total: u64,
    /// The first of them, in the order in which they are begun.
    pub devices: Vec<PreviewDevice>,
    /// How many devices each wave begins.
    pub waves: Vec<u64>,
    /// It stops by itself at so many failures.
    pub failure_limit: u64,
    /// The wanted servers of the first device, to start from.
    pub entries: Vec<ServerEntry>,
}

/// A device that a rollout would reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewDevice {
    /// Device ID.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// On a server or not.
    pub status: DeviceStatus,
}
