//! What a device must not forget when the power goes.

use crate::wire::{Epoch, ListHash, ListVersion, Rollback, ServerEntry, ServerList, ServerStart};

/// How many given-up lists are remembered; the oldest is forgotten first.
const QUARANTINE_MAX: usize = 16;

/// Everything durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The lists; they change together or not at all.
    pub lists: Lists,
    /// The last rollback, until a server has noted it.
    pub rollback: Option<Rollback>,
    /// The entry in use before the last trial, while it is open whether that fails too.
    pub suspect: Option<ServerEntry>,
    /// Lists that were given up, oldest first.
    pub quarantined: Vec<ListHash>,
    /// What the last server that registered this device said, 0 before the first.
    pub connection_sequence: u64,
    /// The highest epoch seen.
    pub epoch: Option<Epoch>,
    /// The latest start that was met of each server.
    pub starts: Vec<ServerStart>,
    /// The entry of the last registration.
    pub last_good: Option<ServerEntry>,
    /// Where an operator sent the device for good; until another list is committed.
    pub pinned: Option<ServerEntry>,
    /// Servers that were removed from the installation.
    pub revoked_servers: Vec<String>,
    /// The last server's clock at registration, milliseconds since 1970 UTC.
    pub server_time_unix_ms: u64,
}

/// The server lists a device holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// The one it lives by.
    pub committed: ServerList,
    /// The one it lived by before.
    pub previous: Option<ServerList>,
    /// The one it was sent to try.
    pub staged: Option<ServerList>,
    /// Set before the staged list is tried, so that a restart knows what to undo.
    pub trial: Option<TrialMark>,
}

/// That the staged list is on trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialMark {
    /// The staged list's.
    pub version: ListVersion,
    /// The entry in use when the trial began.
    pub used_before: ServerEntry,
}

impl Stored {
    /// A device that was just enrolled.
    #[must_use]
    pub fn new(committed: ServerList, server_time_unix_ms: u64) -> Self {
        Self {
            lists: Lists { committed, previous: None, staged: None, trial: None },
            rollback: None,
            suspect: None,
            quarantined: Vec::new(),
            connection_sequence: 0,
            epoch: None,
            starts: Vec::new(),
            last_good: None,
            pinned: None,
            revoked_servers: Vec::new(),
            server_time_unix_ms,
        }
    }

    pub(super) fn quarantine(&mut self, hash: ListHash) {
        self.quarantined.retain(|known| *known != hash);
        if self.quarantined.len() >= QUARANTINE_MAX {
            self.quarantined.remove(0);
        }
        self.quarantined.push(hash);
        if self.lists.staged.as_ref().is_some_and(|list| list.version().hash == hash) {
            self.lists.staged = None;
        }
    }

    /// Entries outside the committed list that once worked, for when nothing else does.
    pub(super) fn reserve(&self) -> Vec<ServerEntry> {
        let previous = self.lists.previous.iter().flat_map(ServerList::entries);
        let mut reserve: Vec<ServerEntry> = Vec::new();
        for entry in previous.chain(&self.last_good) {
            let known = self.lists.committed.entries().iter().chain(&reserve).any(|other| other.is_same_server(entry));
            if !known {
                reserve.push(entry.clone());
            }
        }
        reserve
    }
}
