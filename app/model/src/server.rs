//! The servers of the installation.

use super::Replication;
use serde::{Deserialize, Serialize};

/// What a server is in its installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes.
    Active,
    /// Reads and collects.
    Standby,
    /// Was active, and changes nothing until an operator has decided, or until it is known that no other server took over.
    ReadOnly,
}

impl Role {
    /// For people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Standby => "Standby",
            Self::ReadOnly => "Read-only",
        }
    }

    /// For programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Standby => "standby",
            Self::ReadOnly => "read_only",
        }
    }
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
    /// On a standby: more of that copy.
    pub copy: Option<CopyFacts>,
    /// Where its database is on a database server: how that stands.
    #[serde(default)]
    pub replication: Option<Replication>,
    /// It sends its devices to others; only this server says so of itself.
    pub draining: bool,
    /// Why it changes nothing although it was active; only this server says so of itself.
    pub pause: Option<String>,
    /// How far its clock is ahead of this server's, in milliseconds; `None` for this one and while it does not answer.
    #[serde(default)]
    pub clock_ahead_ms: Option<i64>,
}

/// What an operator should know before a server is made active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its role now.
    pub role: Role,
    /// The highest epoch it knows.
    pub epoch: u64,
    /// How many devices belong to the installation.
    pub devices: u64,
    /// How many of them it holds.
    pub devices_here: u64,
    /// On a standby: when its copy was taken.
    pub copy_taken_at: Option<String>,
    /// On a standby: how many changes the active server was last heard to have that the copy lacks.
    pub changes_missing: Option<u64>,
    /// Where its database is a replica on a database server: how that stands.
    #[serde(default)]
    pub replication: Option<Replication>,
    /// Another server does not answer and may be active: it must be said how it was stopped.
    pub needs_account: bool,
    /// The other servers.
    pub others: Vec<OtherServer>,
}

/// Another server, as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherServer {
    /// Its name.
    pub name: String,
    /// Its role when it was last heard.
    pub role: Role,
    /// Its epoch then.
    pub epoch: u64,
    /// Does it answer?
    pub reachable: bool,
    /// When it was last heard.
    pub last_heard: Option<String>,
    /// How many devices it holds, as far as anybody can tell.
    pub devices: u64,
}

/// An operator's word that a server shall be active.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionInput {
    /// The server's name, typed.
    #[serde(default)]
    pub confirm: String,
    /// How the other server was stopped, if it does not answer.
    #[serde(default)]
    pub stopped: Option<String>,
}

/// A change that is in the database of a server that was overtaken, and in no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivergentChange {
    /// When it was made.
    pub at: String,
    /// Who made it.
    pub operator: String,
    /// For example `device.servers.replace`.
    pub action: String,
    /// For example `BLN 547846001`.
    pub subject: String,
    /// What stood before, JSON.
    pub before: Option<String>,
    /// What was made of it, JSON.
    pub after: Option<String>,
}

/// A time at which a server became active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochBegin {
    /// Counts from 1.
    pub epoch: u64,
    /// The server's name.
    pub server: String,
    /// When.
    pub at: String,
    /// The operator.
    pub by: String,
    /// `first`, `handover` or `takeover`.
    pub kind: String,
    /// How the server before was stopped, in the operator's words.
    pub stopped: Option<String>,
}

/// The copy that a standby works with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFacts {
    /// Bytes.
    pub size_bytes: u64,
    /// Milliseconds that it was on its way and being checked; `None` for one from before the server's start.
    pub took_ms: Option<u64>,
    /// How many changes it holds.
    pub change: u64,
    /// How many changes the active server has that it lacks, as far as anybody can tell: what would be lost now.
    #[serde(default)]
    pub changes_missing: u64,
    /// How many seconds ago it was taken: those changes are no older.
    #[serde(default)]
    pub age_seconds: u64,
    /// When a restore of it was tested last, and how it went.
    #[serde(default)]
    pub restore_test: Option<RestoreTest>,
}

impl CopyFacts {
    /// What would be lost now, in words.
    #[must_use]
    pub fn lost_in_words(&self) -> String {
        let age = self.age_seconds;
        match self.changes_missing {
            0 => "nothing would be lost now".to_owned(),
            1 => format!("1 change of the last {age} s would be lost now"),
            many => format!("{many} changes of the last {age} s would be lost now"),
        }
    }
}

/// A tested failover to a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreTest {
    /// When.
    pub at: String,
    /// Milliseconds.
    pub took_ms: u64,
    /// What was wrong with the copy; `None` if it would have served.
    pub flaw: Option<String>,
}

/// Whether a server drains its devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {
    /// It does.
    pub draining: bool,
    /// How many were connected when it was asked.
    pub devices: u64,
}

/// Writes are held, for a snapshot of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiesced {
    /// When they go on by themselves.
    pub until: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_is_told_with_its_age() {
        let copy = CopyFacts {
            size_bytes: 1,
            took_ms: None,
            change: 7,
            changes_missing: 3,
            age_seconds: 41,
            restore_test: None,
        };
        assert_eq!(copy.lost_in_words(), "3 changes of the last 41 s would be lost now");
        let one = CopyFacts { changes_missing: 1, ..copy.clone() };
        assert_eq!(one.lost_in_words(), "1 change of the last 41 s would be lost now");
        let none = CopyFacts { changes_missing: 0, ..copy };
        assert_eq!(none.lost_in_words(), "nothing would be lost now");
    }
}
