//! A registration names the list that the device keeps. What follows if that is not the one it was thought to keep.

use super::{
    standing::newest,
    store::{PushMove, PushMoved, ReportedList, Sighting},
};
use crate::Service;
use model::{Fault, PushState, Role};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// Starts of a device that are remembered to tell a clone by.
const BOOTS_KEPT: usize = 4;

/// What is known of a device's list when it registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// The number of the database's revision with that hash; `None` if nobody here wrote it.
    revision: Option<u64>,
    /// The same list was reported before: whoever edited since has seen that.
    seen_before: bool,
    /// The revision that the device was last known to keep.
    committed: Option<u64>,
    /// The wanted list names what the device has, whatever its number.
    same_as_wanted: bool,
    /// The state of the wanted revision's push, if it has one.
    push: Option<PushState>,
}

/// The state that the wanted revision's push moves to, and why; `None` if all is as it was thought to be.
fn decide(held: &Held) -> Option<(PushState, &'static str)> {
    let waiting = held.push.is_some_and(|state| !state.is_final());
    match held.revision {
        None if held.seen_before => None,
        None if waiting => Some((
            PushState::Conflict,
            "the device came with a list that nobody here wrote; nothing was sent, apply again to replace it",
        )),
        None if held.push == Some(PushState::Conflict) => None,
        None => Some((PushState::Drifted, "the device came with a list that nobody here wrote")),
        Some(revision) if held.committed > Some(revision) && !held.same_as_wanted && !waiting => {
            Some((PushState::Pending, "the device came back with an older list"))
        }
        Some(_) => None,
    }
}

/// The last starts of each device that registered, here or on another server, newest last.
#[derive(Default)]
pub(crate) struct Boots(Mutex<HashMap<u32, Seen>>);

#[derive(Default)]
struct Seen {
    boots: VecDeque<u64>,
    /// Of the newest registration; what another server tells later is past.
    sequence: u64,
    /// When a start came back after another one: each start of a device is new, so two take turns.
    cloned_at: Option<String>,
}

impl Boots {
    /// Takes a registration down; `true` if two devices take turns.
    fn note(&self, device: u32, boot_id: u64, sequence: u64, at: &str) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(device).or_default();
        if sequence <= seen.sequence {
            return false;
        }
        seen.sequence = sequence;
        if seen.boots.back() == Some(&boot_id) {
            return false;
        }
        let returned = seen.boots.contains(&boot_id);
        if returned {
            seen.cloned_at = Some(at.to_owned());
        }
        if seen.boots.len() >= BOOTS_KEPT {
            seen.boots.pop_front();
        }
        seen.boots.push_back(boot_id);
        returned
    }

    pub(crate) fn cloned_at(&self, device: u32) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&device).and_then(|seen| seen.cloned_at.clone())
    }
}

impl Service {
    /// Before a session goes on record: is the list that the device keeps the one it was thought to keep?
    pub(crate) async fn look_for_drift(&self, device: u32, kept: &ReportedList) -> Result<(), Fault> {
        if self.role() != Role::Active || self.store.is_known_to_keep(device, &kept.hash).await? {
            return Ok(());
        }
        let Some(record) = self.store.find_device(device).await? else { return Ok(()) };
        let revision = self.store.find_revision_by_hash(device, &kept.hash).await?;
        let wanted = self.store.find_revision(device, record.wanted_revision).await?;
        let seen = self.store.list_sightings_of(device).await?;
        let held = Held {
            revision: revision.as_ref().map(|revision| revision.number),
            seen_before: newest(&seen).is_some_and(|last: &Sighting| last.committed.hash == kept.hash),
            committed: record.committed_revision,
            same_as_wanted: match (&revision, &wanted) {
                (Some(kept), Some(wanted)) => kept.content() == wanted.content(),
                (None, _) | (_, None) => false,
            },
            push: self.store.find_push(device, record.wanted_revision).await?.map(|push| push.state),
        };
        let Some((state, reason)) = decide(&held) else { return Ok(()) };
        tracing::warn!(
            device,
            hash = kept.hash,
            number = kept.number,
            ?state,
            "the device's list is not the one it was thought to keep"
        );
        let moved = PushMoved { state, reason: Some(reason.to_owned()), failures: Vec::new() };
        let step = PushMove {
            device,
            wanted: record.wanted_revision,
            revision: record.wanted_revision,
            from: held.push,
            to: held.push.map(|_| moved),
            committed: None,
            wanted_push: if held.push.is_none() { Some(state) } else { None },
            wanted_reason: Some(reason.to_owned()),
            returns: None,
            at: self.clock.now_text(),
        };
        // Whoever was faster has seen something newer.
        self.store.move_push(&step).await?;
        Ok(())
    }

    /// Takes the start of a device down that has registered, here or on another server, with this sequence.
    pub(crate) fn look_for_clone(&self, device: u32, boot_id: u64, sequence: u64) {
        if self.boots.note(device, boot_id, sequence, &self.clock.now_text()) {
            tracing::warn!(device, "two devices take turns with this id: one is a copy of the other");
        }
    }
}

#[cfg(test)]
mod tests;
