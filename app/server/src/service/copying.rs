//! Copies of the book, as an operator sees them, and the daily rehearsal of a failover to them.

use super::{Actor, Service};
use crate::changes::Change;
use model::{CopyFacts, Fault, Rehearsal, Role};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// Between two rehearsals.
const REHEARSAL_INTERVAL: time::Duration = time::Duration::days(1);

/// What this server knows of the copy it works with, beyond the copy itself.
#[derive(Debug, Default)]
pub(super) struct CopyNotes(Mutex<Notes>);

#[derive(Clone, Debug, Default)]
struct Notes {
    took: Option<Duration>,
    rehearsal: Option<(OffsetDateTime, Rehearsal)>,
}

impl Service {
    /// Has the other server get a copy now, whatever the schedule says.
    ///
    /// # Errors
    ///
    /// Not this server, or not active.
    pub async fn copy_now(&self, actor: &Actor, id: &str) -> Result<(), Fault> {
        self.require_own(id)?;
        self.require_active().await?;
        if self.shares_its_book() {
            let reason = "Both servers use one database file; a copy is only what the standby reads meanwhile.";
            return Err(Fault::WrongState { reason: reason.to_owned() });
        }
        tracing::info!(by = actor.login, "a copy was asked for");
        self.copy_asked.notify_one();
        Ok(())
    }

    /// A copy has arrived and is in use; it was so long on its way and being checked.
    pub(crate) fn note_copy(&self, took: Duration) {
        self.copy_notes.lock().took = Some(took);
        self.changed(Change::Server);
        self.changed(Change::Book);
    }

    /// The copy that this standby works with.
    pub(crate) fn own_copy(&self) -> Option<CopyFacts> {
        let copy = self.store.copy()?;
        let notes = self.copy_notes.lock().clone();
        Some(CopyFacts {
            size_bytes: copy.size,
            took_ms: notes.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            change: copy.content.change,
            changes_missing: 0,
            age_seconds: 0,
            rehearsal: notes.rehearsal.map(|(_, rehearsal)| rehearsal),
        })
    }

    /// Rehearses a failover to the copy, once a day while this server is standby: the whole file is checked, copied as a
    /// promotion would, opened, written to and thrown away.
    ///
    /// # Errors
    ///
    /// The store fails; what is wrong with the copy is no error, it is shown.
    pub(crate) async fn rehearse(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let due = match &self.copy_notes.lock().rehearsal {
            // A clock that was set back rehearses once more.
            Some((last, _)) => now - *last >= REHEARSAL_INTERVAL || now < *last,
            None => true,
        };
        if !due || self.role() != Role::Standby || self.store.copy().is_none() {
            return Ok(());
        }
        let begun = Instant::now();
        let flaw = self.store.rehearse_promotion().await.err().map(|flaw| flaw.to_string());
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &flaw {
            None => tracing::info!(took_ms, "a failover to the copy was rehearsed: it would serve"),
            Some(flaw) => tracing::error!(flaw, "a failover to the copy was rehearsed: it would not serve"),
        }
        let rehearsal = Rehearsal { at: self.clock.now_text(), took_ms, flaw };
        self.copy_notes.lock().rehearsal = Some((now, rehearsal));
        self.changed(Change::Server);
        Ok(())
    }
}

impl CopyNotes {
    fn lock(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
