//! What failed, and why a list was given up.

use super::{ListVersion, ServerEntry};

/// A trial that ended without confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The list given up.
    pub version: ListVersion,
    /// Why.
    pub cause: RollbackCause,
    /// What failed, entry by entry.
    pub failures: Vec<EntryFailure>,
}

/// Why a trial ended without confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackCause {
    /// A cause this side does not know.
    Unknown,
    /// No confirmation within the limit.
    TimedOut,
    /// The device restarted or lost power.
    Restarted,
    /// The server in use before the trial failed as well: the trial proved nothing, and the list may be tried again.
    FormerFailed,
}

/// What an attempt on an entry ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFailure {
    /// The entry dialled.
    pub entry: ServerEntry,
    /// For programs.
    pub kind: FailureKind,
    /// For people.
    pub text: String,
}

/// What an attempt on an entry ended with, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// A kind this side does not know.
    Unknown,
    /// Its turn never came.
    NotTried,
    /// The name did not resolve.
    NameNotFound,
    /// The connection was refused.
    Refused,
    /// No answer in time.
    TimedOut,
    /// No route, or the network is down.
    Unreachable,
    /// The TLS handshake failed.
    Tls,
    /// The server belongs to another installation.
    ForeignInstallation,
    /// The server would not register the device.
    NotAdmitted,
    /// The server was busy.
    Busy,
    /// The session ended before it was confirmed.
    Closed,
    /// The server was removed from the installation.
    ServerRevoked,
}
