//! How a wanted list gets to its device: what its session asks for, and what becomes of what it reports.

mod rules;

use super::{
    list_seal::sealed,
    server_lists::list_of,
    standing::Standing,
    store::{Outcome, OutcomeState, PushMove, PushMoved, ReportedList},
};
use crate::{Service, actor::Actor, changes::Change};
use gateway::wire::ServerList;
use model::{DeviceObstacle, EntryFailure, Fault, Role};
use rules::{Moves, Position};

/// How often a report is tried again when edits keep coming in between.
const MAX_TRIES: u32 = 8;

/// What a device's session saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The list is in the inactive slot.
    Staged,
    /// The device has tried its entries, and one at least would do.
    Probed,
    /// The device has left to try it.
    Trial,
    /// The device keeps it.
    Committed,
    /// Its trial ended without a result: the device could not reach the server that it came from either.
    Undecided {
        /// Why, in words.
        reason: String,
        /// What failed.
        failures: Vec<EntryFailure>,
    },
    /// The device gave it up, or would not take it.
    GivenUp {
        /// Why, in words.
        reason: String,
        /// What failed.
        failures: Vec<EntryFailure>,
    },
}

impl Service {
    /// The list a device should fetch now; `None` when it needs nothing, or this server may not change settings.
    pub async fn wanted_list(&self, device: u32) -> Result<Option<ServerList>, Fault> {
        if self.role() != Role::Active {
            return Ok(None);
        }
        let Some(record) = self.store.find_device(device).await? else { return Ok(None) };
        let push = self.store.find_push(device, record.wanted_revision).await?;
        if push.is_none_or(|push| push.state.is_final()) {
            return Ok(None);
        }
        match self.store.find_revision(device, record.wanted_revision).await? {
            Some(revision) => Ok(Some(sealed(list_of(&revision)?, device, &self.keys))),
            None => Ok(None),
        }
    }

    /// Takes down what a session saw. The same report twice changes nothing the second time.
    ///
    /// # Errors
    ///
    /// The store fails: the report has to come again.
    pub async fn note_report(
        &self,
        session: u64,
        device: u32,
        list: &ReportedList,
        report: &Report,
    ) -> Result<(), Fault> {
        if *report == Report::Committed {
            self.store.note_committed(&self.identity.server_id, device, session, list).await?;
        }
        match self.role() {
            Role::Active => self.apply_report(device, list, report).await?,
            Role::Standby | Role::ReadOnly => self.keep_outcome(device, list, report).await?,
        }
        self.changed(Change::Device { id: device });
        Ok(())
    }

    /// Takes down what another server saw while this one was active.
    ///
    /// # Errors
    ///
    /// Not active, or the store fails: they have to come again, all of them.
    pub async fn note_outcomes(&self, outcomes: Vec<Outcome>) -> Result<(), Fault> {
        self.require_active().await?;
        for outcome in outcomes {
            let report = match outcome.state {
                OutcomeState::Committed => Report::Committed,
                OutcomeState::RolledBack => {
                    Report::GivenUp { reason: outcome.reason.unwrap_or_default(), failures: outcome.failures }
                }
            };
            self.apply_report(outcome.device_id, &outcome.list, &report).await?;
        }
        Ok(())
    }

    async fn keep_outcome(&self, device: u32, list: &ReportedList, report: &Report) -> Result<(), Fault> {
        let (state, reason, failures) = match report {
            // What the device tells the active server anew, it need not hear from here.
            Report::Staged | Report::Probed | Report::Trial | Report::Undecided { .. } => return Ok(()),
            Report::Committed => (OutcomeState::Committed, None, Vec::new()),
            Report::GivenUp { reason, failures } => (OutcomeState::RolledBack, Some(reason.clone()), failures.clone()),
        };
        let seen_at = self.clock.now_text();
        let outcome = Outcome { id: 0, device_id: device, list: list.clone(), state, reason, failures, seen_at };
        Ok(self.store.insert_outcome(&outcome).await?)
    }

    async fn apply_report(&self, device: u32, list: &ReportedList, report: &Report) -> Result<(), Fault> {
        for _ in 0..MAX_TRIES {
            let standing = match self.standing_of(device).await {
                Ok(standing) => standing,
                // Nothing of it is on record here; there is nothing to move.
                Err(Fault::NotFound(_)) => return Ok(()),
                Err(fault) => return Err(fault),
            };
            let Some(step) = self.step_for(&standing, list, report).await? else { return Ok(()) };
            if self.store.move_push(&step).await? {
                tracing::info!(device, revision = list.number, ?report, "push moved");
                self.list_changed(device);
                return Ok(());
            }
        }
        tracing::warn!(device, revision = list.number, "edits keep coming in between; the report has to come again");
        Err(DeviceObstacle::ServersBeingChanged.into())
    }

    /// What the report moves, if anything.
    async fn step_for(
        &self,
        standing: &Standing,
        list: &ReportedList,
        report: &Report,
    ) -> Result<Option<PushMove>, Fault> {
        let device = standing.device.id;
        let Some(revision) = self.store.find_revision_by_hash(device, &list.hash).await? else {
            tracing::warn!(device, revision = list.number, hash = list.hash, ?report, "report on an unknown list");
            return Ok(None);
        };
        let push = self.store.find_push(device, revision.number).await?.map(|push| push.state);
        let wanted_push = self.store.find_push(device, standing.wanted.number).await?.map(|push| push.state);
        let position = Position {
            reported: revision.number,
            push,
            wanted: standing.wanted.number,
            wanted_push,
            same_servers: revision.content() == standing.wanted.content(),
            committed: standing.device.committed_revision,
        };
        let Some(moves) = rules::decide(&position, report) else { return Ok(None) };
        Ok(Some(self.step_of(standing, &position, moves, report).await?))
    }

    async fn step_of(
        &self,
        standing: &Standing,
        position: &Position,
        moves: Moves,
        report: &Report,
    ) -> Result<PushMove, Fault> {
        let (reason, failures) = match report {
            Report::GivenUp { reason, failures } | Report::Undecided { reason, failures } => {
                (Some(reason.clone()), failures.clone())
            }
            Report::Staged | Report::Probed | Report::Trial | Report::Committed => (None, Vec::new()),
        };
        let returns = if moves.returns {
            let system = Actor::system();
            let revision = self.returning(standing, &system.login).await?;
            let audit = self.list_audit(&system, "device.servers.return", standing, &revision);
            Some((revision, audit))
        } else {
            None
        };
        Ok(PushMove {
            device: standing.device.id,
            wanted: position.wanted,
            revision: position.reported,
            from: position.push,
            to: moves.push.map(|state| PushMoved { state, reason, failures }),
            committed: moves.committed.then_some(position.reported),
            wanted_push: moves.wanted_push,
            wanted_reason: None,
            returns,
            at: self.clock.now_text(),
        })
    }
}

#[cfg(test)]
mod tests;
