//! The servers of the installation.

use serde::{Deserialize, Serialize};

/// What a server is in its installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes.
    Active,
    /// Reads and collects.
    Standby,
}

/// Does the other server answer?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    /// This is the server that answers you.
    This,
    /// It was heard within the last seconds.
    Reachable,
    /// It was not.
    Unreachable,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Random, made with the server's data folder.
    pub id: String,
    /// For example `BioStar Server #1`.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// How many times the active role has moved.
    pub epoch: u64,
    /// Does it answer?
    pub state: PeerState,
    /// When the other server was last heard; `None` for this one.
    pub last_heard: Option<String>,
    /// How many devices it holds.
    pub devices: u64,
    /// On a standby: when its copy was taken.
    pub copy_taken_at: Option<String>,
    /// It sends its devices to others; only this server says so of itself.
    pub draining: bool,
}

/// Whether a server sends its devices away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {
    /// It does.
    pub draining: bool,
    /// How many were connected when it was asked.
    pub devices: u64,
}

/// A server that asks to join and waits for an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newcomer {
    /// SHA-256 of its public key, hexadecimal; the server itself shows the same.
    pub fingerprint: String,
    /// What it wants to be called; `None` leaves that to the installation.
    pub name: Option<String>,
    /// The address it asks from.
    pub peer: String,
    /// When it asked first.
    pub first_seen: String,
}

/// A standing message on top of every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banner {
    /// What and why, for people.
    pub text: String,
}
