//! What the servers of the installation have on record together, and what must never be on it.

use super::*;
use crate::server::Progress;
use crate::wire::{Hello, ListHash};
use std::collections::BTreeMap;

/// One device's row.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// The newest session on each server.
    sightings: BTreeMap<usize, Sighting>,
    pub(super) wanted: Option<ServerList>,
    /// Lists that the device would not take, or went back from.
    pub(super) given_up: Vec<ListHash>,
    pub(super) committed: Option<ListHash>,
}

/// A session on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    /// Orders the sessions of a device over all servers.
    sequence: u64,
    since: Duration,
    pub(super) server: usize,
    pub(super) session: SessionId,
    /// What the device said that it dialled.
    pub(super) entry: ServerEntry,
    ended: bool,
}

/// How often servers told of pushes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) staged: u64,
    pub(super) kept: u64,
    pub(super) given_up: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Database {
    pub(super) rows: BTreeMap<DeviceId, Row>,
    pub(super) told: Told,
}

impl Database {
    pub(super) fn row(&mut self, device: DeviceId) -> &mut Row {
        self.rows.entry(device).or_default()
    }

    /// A session goes on record with what the device said.
    pub(super) fn admit(&mut self, hello: &Hello, at: (usize, SessionId), now: Duration) -> u64 {
        let device = hello.info.device_id;
        self.row(device).committed = Some(hello.committed.hash);
        self.sight(device, hello.connection_sequence, at, hello.dialled.clone(), now)
    }

    /// A device is seen; the number of that is higher than any before it.
    pub(super) fn sight(
        &mut self,
        device: DeviceId,
        said: u64,
        (server, session): (usize, SessionId),
        entry: ServerEntry,
        now: Duration,
    ) -> u64 {
        let sightings = &mut self.row(device).sightings;
        let sequence = sightings.values().map(|sighting| sighting.sequence).max().unwrap_or(0).max(said) + 1;
        sightings.insert(server, Sighting { sequence, since: now, server, session, entry, ended: false });
        sequence
    }

    /// A session is over; one that a newer session has followed changes nothing.
    pub(super) fn closed(&mut self, device: DeviceId, server: usize, session: SessionId) {
        if let Some(sighting) = self.row(device).sightings.get_mut(&server)
            && sighting.session == session
        {
            sighting.ended = true;
        }
    }

    /// Where a device is connected, as pages show it: its newest session, unless that has ended.
    pub(super) fn shown(&self, device: DeviceId) -> Option<&Sighting> {
        let newest = self.rows.get(&device)?.sightings.values().max_by_key(|seen| (seen.sequence, seen.since))?;
        (!newest.ended).then_some(newest)
    }

    pub(super) fn note(&mut self, device: DeviceId, progress: Progress) {
        let told = &mut self.told;
        match &progress {
            Progress::Staged(_) => told.staged += 1,
            Progress::Committed(_) => told.kept += 1,
            Progress::RolledBack(_) | Progress::StageRefused(..) | Progress::Unproven(..) => told.given_up += 1,
            Progress::Probed(..) | Progress::Trial(_) => {}
        }
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
