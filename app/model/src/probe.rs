//! What a device found when it tried servers from its own network.

use serde::{Deserialize, Serialize};

/// One try of each entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeTable {
    /// When the table came.
    pub at: String,
    /// In ascending priority.
    pub rows: Vec<ProbeRow>,
}

/// How far the device came with one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRow {
    /// The entry's priority.
    pub priority: u8,
    /// The entry's address.
    pub address: String,
    /// The entry's port.
    pub port: u16,
    /// The device would be registered there.
    pub passed: bool,
    /// The IP address that was connected to, or tried last.
    pub resolved: Option<String>,
    /// Milliseconds until the TCP connection stood.
    pub tcp_ms: Option<u32>,
    /// Milliseconds that TLS took after it.
    pub tls_ms: Option<u32>,
    /// Milliseconds that the answer took after that.
    pub answer_ms: Option<u32>,
    /// Who answered.
    pub server: Option<ProbedServer>,
    /// What failed, in words.
    pub reason: Option<String>,
}

/// A server that would register the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbedServer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `active`, `standby` or `read_only`, as it said.
    pub role: String,
}

/// Where an operator sent a device, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The address it was sent to.
    pub address: String,
    /// The port.
    pub port: u16,
    /// For how many seconds it does not go back by itself; `None` for good.
    pub ttl_seconds: Option<u32>,
    /// Who sent it.
    pub by: String,
    /// When.
    pub at: String,
    /// What came of it.
    pub state: MoveState,
    /// Why it failed, in words.
    pub reason: Option<String>,
}

/// What came of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveState {
    /// It is on its way.
    Leaving,
    /// It is there.
    Arrived,
    /// It is back where it was.
    Failed,
}

/// A move as an operator asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MoveInput {
    /// An address of the device's list.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// For how many seconds the device stays at least; `None` for good.
    pub ttl_seconds: Option<u32>,
}
