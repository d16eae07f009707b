//! What the fleet quorum has on disk.

use super::{from_the_wire, on_the_wire};
use crate::{cluster::roles::RoleRecord, durable, epoch::EpochToken};
use gateway::{
    quorum::{Electorate, Start, Stored, Version},
    wire::DeviceId,
};
use model::Role;
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};

pub(super) const FILE: &str = "quorum.json";

/// [`Stored`] as the file has it.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    role: Role,
    epoch: EpochToken,
    unproven: bool,
    newest: KeptElectorate,
    acknowledged: Option<KeptElectorate>,
    peer: Option<String>,
    peer_start: Option<(u64, u64)>,
}

/// A version of the electorate, in the file and between servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptElectorate {
    pub(super) epoch: u64,
    pub(super) number: u64,
    pub(super) automatic: bool,
    /// Device IDs; `None` in a letter to a server that has this version.
    pub(super) members: Option<Vec<u32>>,
}

impl Kept {
    pub(super) fn load(file: &Path) -> io::Result<Option<Self>> {
        match fs::read(file) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Nobody counts yet.
    pub(super) fn first(record: &RoleRecord) -> Self {
        let number = if record.is_active_at_heart() { 1 } else { 0 };
        let epoch = record.epoch.number;
        Self {
            role: if record.is_active_at_heart() { Role::Active } else { record.role },
            epoch: record.epoch.clone(),
            unproven: false,
            newest: KeptElectorate { epoch, number, automatic: false, members: Some(Vec::new()) },
            acknowledged: None,
            peer: None,
            peer_start: None,
        }
    }

    pub(super) fn new(stored: &Stored, peer: Option<String>) -> Self {
        Self {
            role: from_the_wire(stored.role),
            epoch: stored.epoch.clone().into(),
            unproven: stored.unproven,
            newest: (&stored.newest).into(),
            acknowledged: stored.acknowledged.as_ref().map(Into::into),
            peer,
            peer_start: stored.peer_start.map(|start| (start.number, start.incarnation)),
        }
    }

    pub(super) fn into_parts(self) -> (Stored, Option<String>) {
        let stored = Stored {
            role: on_the_wire(self.role),
            epoch: self.epoch.on_the_wire(),
            unproven: self.unproven,
            newest: self.newest.into(),
            acknowledged: self.acknowledged.map(Into::into),
            peer_start: self.peer_start.map(|(number, incarnation)| Start { number, incarnation }),
        };
        (stored, self.peer)
    }

    pub(super) fn save(&self, file: &Path) -> io::Result<()> {
        durable::write(file, &serde_json::to_vec(self)?)
    }
}

impl From<&Electorate> for KeptElectorate {
    fn from(electorate: &Electorate) -> Self {
        let Version { epoch, number } = electorate.version;
        let members = electorate.members.iter().map(|device| device.0).collect();
        Self { epoch, number, automatic: electorate.automatic, members: Some(members) }
    }
}

impl From<KeptElectorate> for Electorate {
    fn from(kept: KeptElectorate) -> Self {
        let version = Version { epoch: kept.epoch, number: kept.number };
        let members = kept.members.unwrap_or_default().into_iter().map(DeviceId).collect();
        Self { version, automatic: kept.automatic, members }
    }
}
