//! A fleet of devices in one process: real [`client`](crate::client)s, each with its own folder, and faults by command.

mod control;
mod info;
mod member;

pub use control::{Answer, Request, ask, serve};
pub use info::{FIRST_DEVICE, biolite_net};

use crate::client::event_now;
use crate::device;
use crate::provisioning::ProvisioningString;
use crate::wire::DeviceId;
use member::Member;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// [`Happened::code`]: a finger on the reader was known; who it was stands in the event.
pub const IDENTIFIED: u32 = 0x1300;
/// Events of one command that are written together.
const EVENTS_AT_ONCE: u32 = 500;

/// Which devices, and where they keep what they know.
#[derive(Clone, Debug)]
pub struct FleetSettings {
    /// One folder a device is made in here, named by its id.
    pub state_dir: PathBuf,
    /// How many devices.
    pub count: u32,
    /// The first one's id; the others follow.
    pub first_id: DeviceId,
    /// For devices that are not enrolled yet.
    pub provisioning: Option<ProvisioningString>,
    /// The rules the devices follow.
    pub config: device::Config,
    /// How many devices start in a second; more would be a storm that no power cut makes either.
    pub starts_per_second: u32,
}

/// What can happen to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Its network goes: connections break, none can be made.
    Down,
    /// Its network is back.
    Up,
    /// It stops in good order and starts again.
    Restart,
    /// It stops in the middle of whatever it does and starts again.
    CutPower,
}

/// What happens at a device's door, for the device to log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// As the vendor numbers it.
    pub code: u32,
    /// Who was at the door.
    pub user_id: String,
    /// How often.
    pub count: u32,
}

/// How a device is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Which device.
    pub device_id: u32,
    /// Its network is there.
    pub network: bool,
    /// What it does.
    pub doing: Doing,
    /// The rest, for people: the server and the entry of a session, why it failed.
    pub detail: String,
}

/// What a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// It does not run: its turn to start has not come, or it was stopped.
    Off,
    /// It asks to belong to an installation.
    Enrolling,
    /// An operator has to accept it.
    Waiting,
    /// It looks for a server.
    Dialling,
    /// It has a session.
    Connected,
    /// It could not run and tries again.
    Failed,
}

/// Why a fleet cannot start, or cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The folder of the fleet cannot be made or locked.
    #[error("the folder {} cannot be used: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Two fleets with the same identities would throw each other out.
    #[error("another fleet runs in the folder {}", .0.display())]
    Running(PathBuf),
    /// The ids would leave the range of serial numbers.
    #[error("{count} devices from {first} on: serial numbers go from 1 to 4294967295")]
    Ids {
        /// How many.
        count: u32,
        /// From which on.
        first: u32,
    },
    /// Not one of this fleet's.
    #[error("this fleet has no device {0}; it has {1} to {2}")]
    NoSuchDevice(DeviceId, DeviceId, DeviceId),
    /// The device does not run, or its disk is full.
    #[error("device {0} could not log the events; it may not be running")]
    NotLogged(DeviceId),
    /// The fleet ends.
    #[error("the fleet is stopping")]
    Stopping,
}

/// A running fleet.
#[derive(Debug)]
pub struct Fleet {
    members: BTreeMap<DeviceId, Member>,
    tasks: TaskTracker,
    /// Held until the fleet is gone.
    _lock: File,
}

impl Fleet {
    /// Starts the devices, one after the other; they run until the token is cancelled.
    ///
    /// # Errors
    ///
    /// The folder cannot be used, another fleet runs in it, or the ids are out of range.
    pub fn start(settings: &FleetSettings, stop: &CancellationToken) -> Result<Self, FleetError> {
        let FleetSettings { count, first_id: DeviceId(first), .. } = *settings;
        let last = count.checked_sub(1).and_then(|more| first.checked_add(more)).filter(|_| first > 0);
        let last = last.ok_or(FleetError::Ids { count, first })?;
        let lock = lock(&settings.state_dir)?;
        let tasks = TaskTracker::new();
        let between = Duration::from_secs(1) / settings.starts_per_second.max(1);
        let mut members = BTreeMap::new();
        for (place, id) in (0_u32..).zip(first..=last) {
            let member = Member::start(DeviceId(id), settings, between * place, stop.clone(), &tasks);
            members.insert(DeviceId(id), member);
        }
        tasks.close();
        Ok(Self { members, tasks, _lock: lock })
    }

    /// Lets something happen to a device; returns once it has happened.
    ///
    /// # Errors
    ///
    /// The device is none of this fleet's, or the fleet is stopping.
    pub async fn inflict(&self, device: DeviceId, fault: Fault) -> Result<(), FleetError> {
        let member = self.members.get(&device).ok_or_else(|| self.no_such(device))?;
        member.inflict(fault).await.ok_or(FleetError::Stopping)
    }

    /// Lets somebody use the door of a device: so many events of one code, numbered in their detail from 1. Returns once
    /// they are in the device's ring.
    ///
    /// # Errors
    ///
    /// The device is none of this fleet's, or could not log them within 10 s.
    pub async fn log(&self, device: DeviceId, happened: &Happened) -> Result<(), FleetError> {
        let member = self.members.get(&device).ok_or_else(|| self.no_such(device))?;
        let Happened { code, user_id, count } = happened;
        for from in (1..=*count).step_by(EVENTS_AT_ONCE as usize) {
            let to = (*count).min(from + EVENTS_AT_ONCE - 1);
            let detail = |number: u32| if *count > 1 { format!("{number} of {count}") } else { String::new() };
            let events = (from..=to).map(|number| event_now(*code, user_id, &detail(number))).collect();
            if !member.log(events).await {
                return Err(FleetError::NotLogged(device));
            }
        }
        Ok(())
    }

    /// How each device is, by id.
    #[must_use]
    pub fn states(&self) -> Vec<DeviceState> {
        self.members.values().map(Member::state).collect()
    }

    /// Returns when all devices have stopped, which they do once the token is cancelled.
    pub async fn stopped(&self) {
        self.tasks.wait().await;
    }

    fn no_such(&self, device: DeviceId) -> FleetError {
        let end = |id: Option<&DeviceId>| id.copied().unwrap_or(device);
        FleetError::NoSuchDevice(device, end(self.members.keys().next()), end(self.members.keys().next_back()))
    }
}

/// Makes the fleet's folder and holds it.
fn lock(folder: &std::path::Path) -> Result<File, FleetError> {
    let path = folder.to_owned();
    let opened = std::fs::create_dir_all(folder).and_then(|()| File::create(folder.join("fleet.lock")));
    match opened {
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(FleetError::Running(path)),
            Err(TryLockError::Error(source)) => Err(FleetError::Folder { path, source }),
        },
        Err(source) => Err(FleetError::Folder { path, source }),
    }
}
