//! A device's servers: the wanted list, the list on the device, and the way from one to the other.

use super::{Connection, ConnectionSettings, Move, ProbeTable, SettingsInput};
use serde::{Deserialize, Serialize};

/// The most entries a device holds.
pub const MAX_ENTRIES: usize = 8;

/// The port a new entry starts with.
pub const DEFAULT_PORT: u16 = 51213;

/// One server a device may dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerEntry {
    /// IPv4, IPv6 or domain name.
    pub address: String,
    /// TCP port.
    pub port: u16,
    /// 1 is dialled first.
    pub priority: u8,
}

impl ServerEntry {
    /// Whether it names that server, whatever its priority.
    #[must_use]
    pub fn is_at(&self, address: &str, port: u16) -> bool {
        self.port == port && self.address.eq_ignore_ascii_case(address)
    }
}

/// An entry as somebody typed it; numbers stay text so that a refusal can give it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryInput {
    /// As typed.
    pub priority: String,
    /// As typed.
    pub address: String,
    /// As typed.
    pub port: String,
}

impl EntryInput {
    /// Nothing was typed: the row is not part of the list.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.address.trim().is_empty() && self.priority.trim().is_empty()
    }

    /// Whether it names that server, whatever its priority.
    #[must_use]
    pub fn is_at(&self, address: &str, port: u16) -> bool {
        self.address.trim().eq_ignore_ascii_case(address) && self.port.trim() == port.to_string()
    }
}

impl From<&ServerEntry> for EntryInput {
    fn from(entry: &ServerEntry) -> Self {
        Self { priority: entry.priority.to_string(), address: entry.address.clone(), port: entry.port.to_string() }
    }
}

/// What the Device Setting page sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceSettingInput {
    /// The name.
    pub name: String,
    /// The revision the form was filled from.
    pub revision: u64,
    /// The rows of the Server table, blank ones included.
    pub entries: Vec<EntryInput>,
    /// The settings; what is missing stays as it is.
    pub settings: SettingsInput,
}

/// A list and which revision it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListVersion {
    /// Counts from 1 per device.
    pub revision: u64,
    /// In ascending priority; empty when only the hash is known.
    pub entries: Vec<ServerEntry>,
    /// `None` when only the hash is known.
    pub settings: Option<ConnectionSettings>,
    /// 64 hexadecimal digits.
    pub hash: String,
}

/// How far a wanted list has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushState {
    /// Waits for the device.
    Pending,
    /// In the device's inactive slot.
    Staged,
    /// The device has tried every entry from its own network.
    Probed,
    /// The device is trying it.
    Trial,
    /// The device keeps it.
    Committed,
    /// The device went back.
    RolledBack,
    /// A newer revision took its place.
    Superseded,
    /// The device holds a list nobody here wrote.
    Drifted,
    /// The device's list is not the one the edit was based on.
    Conflict,
}

impl PushState {
    /// Nothing more will happen by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Staged | Self::Probed | Self::Trial)
    }
}

/// Why an entry failed in a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryFailure {
    /// The entry's priority.
    pub priority: u8,
    /// The entry's address.
    pub address: String,
    /// The entry's port.
    pub port: u16,
    /// In words: refused, timed out, name not found, foreign installation, ...
    pub reason: String,
}

/// The newest push to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// The revision it carries.
    pub revision: u64,
    /// How far it has come.
    pub state: PushState,
    /// Why, in words, when it did not end well; before the device has looked, what speaks against it.
    pub reason: Option<String>,
    /// After a rollback: what failed.
    pub failures: Vec<EntryFailure>,
    /// When it last moved.
    pub updated_at: String,
    /// Who wanted it.
    pub by: String,
}

/// A device's servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceServers {
    /// The newest wanted revision; also the ETag.
    pub revision: u64,
    /// The wanted list.
    pub entries: Vec<ServerEntry>,
    /// How the device is to behave with it.
    pub settings: ConnectionSettings,
    /// The wanted list's hash.
    pub hash: String,
    /// What the device has; `None` if it never said.
    pub committed: Option<ListVersion>,
    /// `None` only before the first.
    pub push: Option<Push>,
    /// What the device found when it last tried servers.
    pub probe: Option<ProbeTable>,
    /// Where an operator last sent it from this server.
    pub moved: Option<Move>,
    /// The session the device holds.
    pub connected: Option<Connection>,
}

impl DeviceServers {
    /// Addresses and ports that are known to be within the device's reach: of the server that it is connected to, and of
    /// those that passed its last test.
    pub fn proven(&self) -> impl Iterator<Item = (&str, u16)> {
        let connected = self.connected.iter().map(|at| (at.address.as_str(), at.port));
        let tested = self.probe.iter().flat_map(|table| &table.rows).filter(|row| row.passed);
        connected.chain(tested.map(|row| (row.address.as_str(), row.port)))
    }
}
