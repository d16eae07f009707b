//! Probes: asking servers whether they would register the device, beside the session that it has.

use super::event::{AttemptId, Output};
use super::{Device, Phase};
use crate::wire::{Entries, EntryProbe, Message, ServerEntry};
use std::collections::BTreeMap;
use std::time::Duration;

/// The probes under way, of one session.
#[derive(Debug, Default)]
pub(super) struct Probing {
    open: BTreeMap<AttemptId, (ServerEntry, Purpose)>,
    table: Option<Table>,
}

/// Why a server is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A server wants to know.
    Table,
    /// It may be better than the one in use.
    Failback,
    /// The device was told to go there: the order's number, and for how many seconds.
    Move(u64, u32),
}

/// What a server asked for, as far as it is known.
#[derive(Debug)]
struct Table {
    request: u64,
    entries: Vec<ServerEntry>,
    rows: Vec<EntryProbe>,
}

impl Probing {
    /// Whether anything is probed for this.
    pub(super) fn is_open(&self, purpose: Purpose) -> bool {
        self.open.values().any(|(_, open)| *open == purpose)
    }

    /// Whether an operator's move is being looked into.
    pub(super) fn is_moving(&self) -> bool {
        self.open.values().any(|(_, open)| matches!(open, Purpose::Move(..)))
    }
}

impl Device {
    pub(super) fn probe(&mut self, entry: &ServerEntry, purpose: Purpose) {
        self.attempts += 1;
        let id = AttemptId(self.attempts);
        self.probing.open.insert(id, (entry.clone(), purpose));
        self.outputs.push_back(Output::Probe(id, entry.clone()));
    }

    /// A server wants to know how these entries fare from here. A repeated question is already being looked into.
    pub(super) fn probe_list(&mut self, request: u64, entries: &Entries) {
        if self.probing.table.as_ref().is_some_and(|table| table.request == request) {
            return;
        }
        self.probing.open.retain(|_, (_, purpose)| *purpose != Purpose::Table);
        let entries = entries.as_slice().to_vec();
        for entry in &entries {
            self.probe(entry, Purpose::Table);
        }
        self.probing.table = Some(Table { request, entries, rows: Vec::new() });
    }

    /// How a probe ended; of one that nobody waits for any more, nothing.
    pub(super) fn probed(&mut self, id: AttemptId, result: EntryProbe, now: Duration) {
        let Some((entry, purpose)) = self.probing.open.remove(&id) else { return };
        let result = self.unless_revoked(EntryProbe { entry, ..result });
        match purpose {
            Purpose::Table => self.add_to_table(result),
            Purpose::Failback => self.candidate_probed(&result, now),
            Purpose::Move(request, ttl_s) => self.move_probed(request, ttl_s, &result, now),
        }
    }

    fn add_to_table(&mut self, row: EntryProbe) {
        let Some(table) = &mut self.probing.table else { return };
        table.rows.push(row);
        if table.rows.len() < table.entries.len() {
            return;
        }
        let Phase::Connected(session) = &self.phase else { return };
        let attempt = session.attempt;
        let Some(Table { request, mut rows, .. }) = self.probing.table.take() else { return };
        rows.sort_by_key(|row| row.entry.priority);
        self.send(attempt, Message::ProbeTable { request, rows });
    }
}
