//! Asking a server without being registered by it, and going to another.

use super::{EntryFailure, Epoch, FailureKind, Role, ServerEntry};

/// The most rows of a probe's table: no list has more entries.
pub const MAX_PROBES: usize = super::MAX_ENTRIES;

/// A server that would register the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// The installation's id.
    pub installation_id: String,
    /// The answering server.
    pub server_id: String,
    /// Its name, for people.
    pub server_name: String,
    /// Its role now.
    pub role: Role,
    /// The epoch it knows.
    pub epoch: Epoch,
}

/// How far a device came with one entry, from its own network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProbe {
    /// The entry.
    pub entry: ServerEntry,
    /// The IP address that was connected to, or tried last.
    pub resolved: Option<String>,
    /// Milliseconds until the TCP connection stood, the name's resolution included.
    pub tcp_ms: Option<u32>,
    /// Milliseconds that TLS took after it.
    pub tls_ms: Option<u32>,
    /// Milliseconds that the answer took after that.
    pub answer_ms: Option<u32>,
    /// Who would register the device there, or what failed and why, for people.
    pub outcome: Result<ProbeAnswer, (FailureKind, String)>,
}

/// A move that ended on the old server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveFailure {
    /// The order's number.
    pub request: u64,
    /// Where the device was sent, and what failed there.
    pub failure: EntryFailure,
}
