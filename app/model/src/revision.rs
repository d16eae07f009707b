//! The history of a device's server list.

use super::{ConnectionSettings, EntryFailure, PushState, ServerEntry};
use serde::{Deserialize, Serialize};

/// What made a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevisionSource {
    /// The device enrolled with it.
    Provisioning,
    /// An operator wrote it, restored it or rolled it out.
    Edit,
    /// A rollback or a withdrawn push made it: the list the device kept.
    Return,
}

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionEntry {
    /// Counts from 1 per device.
    pub number: u64,
    /// In ascending priority.
    pub entries: Vec<ServerEntry>,
    /// How the device behaves with it.
    pub settings: ConnectionSettings,
    /// Names its content: 64 hexadecimal digits.
    pub hash: String,
    /// What made it.
    pub source: RevisionSource,
    /// The rollout that it is part of.
    pub rollout: Option<u64>,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: String,
    /// Its way to the device; `None` if it needed none.
    pub push: Option<RevisionPush>,
    /// What it changed in the revision before it; everything is new in the first.
    pub changes: Vec<EntryChange>,
    /// Its settings differ from those of the revision before it.
    pub settings_changed: bool,
}

/// How far a revision came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionPush {
    /// The state.
    pub state: PushState,
    /// Why, in words, when it did not end well.
    pub reason: Option<String>,
    /// After a rollback: what failed.
    pub failures: Vec<EntryFailure>,
    /// When it last moved.
    pub updated_at: String,
}

/// What a revision changed about one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum EntryChange {
    /// It came in.
    Added {
        /// The server.
        entry: ServerEntry,
    },
    /// It has another priority.
    Moved {
        /// The server as it is now.
        entry: ServerEntry,
        /// Its priority before.
        was: u8,
    },
    /// It went out.
    Removed {
        /// The server as it was.
        entry: ServerEntry,
    },
}

/// Which revisions to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RevisionQuery {
    /// At most so many, 1 to 100; 10 if not given.
    pub limit: Option<u32>,
    /// From a page's `next_cursor`.
    pub cursor: Option<String>,
}

/// What makes `after` out of `before`: what came in or moved in the new order, then what went out in the old one.
#[must_use]
pub fn changes_between(before: &[ServerEntry], after: &[ServerEntry]) -> Vec<EntryChange> {
    let same = |a: &ServerEntry, b: &ServerEntry| a.is_at(&b.address, b.port);
    let came = after.iter().filter_map(|entry| match before.iter().find(|old| same(old, entry)) {
        None => Some(EntryChange::Added { entry: entry.clone() }),
        Some(old) if old.priority != entry.priority => {
            Some(EntryChange::Moved { entry: entry.clone(), was: old.priority })
        }
        Some(_) => None,
    });
    let went = before.iter().filter(|old| !after.iter().any(|entry| same(old, entry)));
    came.chain(went.map(|old| EntryChange::Removed { entry: old.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(priority: u8, address: &str) -> ServerEntry {
        ServerEntry { address: address.into(), port: 51213, priority }
    }

    #[test]
    fn a_list_differs_from_another_by_what_came_moved_and_went() {
        let before = [entry(1, "a.example"), entry(2, "b"), entry(3, "c")];
        let after = [entry(1, "d"), entry(2, "A.example"), entry(3, "c")];
        assert_eq!(
            changes_between(&before, &after),
            [
                EntryChange::Added { entry: entry(1, "d") },
                EntryChange::Moved { entry: entry(2, "A.example"), was: 1 },
                EntryChange::Removed { entry: entry(2, "b") },
            ]
        );
        assert_eq!(changes_between(&after, &after), []);
        assert_eq!(changes_between(&[], &after).len(), 3);
    }

    #[test]
    fn another_port_is_another_server() {
        let other = ServerEntry { port: 51313, ..entry(1, "a") };
        assert_eq!(changes_between(&[entry(1, "a")], std::slice::from_ref(&other)).len(), 2);
    }
}
