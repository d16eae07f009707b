//! What the servers of the installation have on record together, and what must never be on it.

use super::*;
use crate::server::Progress;
use crate::wire::{Hello, ListHash};
use std::collections::BTreeMap;

/// One device's row.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// The last number given to a session, by any server.
    pub(super) sequence: u64,
    /// The session on record, and where.
    pub(super) owner: Option<(usize, SessionId)>,
    pub(super) wanted: Option<ServerList>,
    /// Lists that the device would not take, or went back from.
    pub(super) given_up: Vec<ListHash>,
    pub(super) committed: Option<ListHash>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) rows: BTreeMap<DeviceId, Row>,
}

impl Book {
    pub(super) fn row(&mut self, device: DeviceId) -> &mut Row {
        self.rows.entry(device).or_default()
    }

    /// A session goes on record; its number is higher than any before it.
    pub(super) fn admit(&mut self, hello: &Hello, server: usize, session: SessionId) -> u64 {
        let row = self.row(hello.info.device_id);
        row.sequence = row.sequence.max(hello.connection_sequence) + 1;
        row.owner = Some((server, session));
        row.committed = Some(hello.committed.hash);
        row.sequence
    }

    /// A session is over; one that a newer session has followed changes nothing.
    pub(super) fn closed(&mut self, device: DeviceId, session: SessionId) {
        self.row(device).owner.take_if(|(_, owner)| *owner == session);
    }

    pub(super) fn note(&mut self, device: DeviceId, progress: Progress) {
        let row = self.row(device);
        match progress {
            Progress::Committed(version) => row.committed = Some(version.hash),
            Progress::RolledBack(rollback) => row.given_up.push(rollback.version.hash),
            Progress::StageRefused(version, _) | Progress::Unproven(version, _) => row.given_up.push(version.hash),
            Progress::Staged(_) | Progress::Probed(..) | Progress::Trial(_) => {}
        }
    }

    /// The list that the device is still to get.
    pub(super) fn wanted(&mut self, device: DeviceId) -> Option<ServerList> {
        let row = self.row(device);
        row.wanted.clone().filter(|list| !row.given_up.contains(&list.version().hash))
    }
}
