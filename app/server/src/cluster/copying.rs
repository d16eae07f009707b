//! Copies of the database, as an operator sees them, and the daily restore test of a failover to them.

use crate::{Service, actor::Actor, changes::Change};
use model::{CopyFacts, Fault, RestoreTest, Role, ServerObstacle};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// Between two restore tests.
const RESTORE_TEST_INTERVAL: time::Duration = time::Duration::days(1);

/// What this server knows of the copy it works with, beyond the copy itself.
#[derive(Debug, Default)]
pub(crate) struct CopyNotes(Mutex<Notes>);

#[derive(Clone, Debug, Default)]
struct Notes {
    took: Option<Duration>,
    restore_test: Option<(OffsetDateTime, RestoreTest)>,
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
        if self.shares_its_database() {
            return Err(ServerObstacle::SharedDatabase.into());
        }
        tracing::info!(by = actor.login, "a copy was asked for");
        self.copy_asked.notify_one();
        Ok(())
    }

    /// A copy has arrived and is in use; it was so long on its way and being checked.
    pub(crate) fn note_copy(&self, took: Duration) {
        self.copy_notes.lock().took = Some(took);
        self.changed(Change::Server);
        self.changed(Change::Database);
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
            restore_test: notes.restore_test.map(|(_, restore_test)| restore_test),
        })
    }

    /// Tests a restore of the copy, once a day while this server is standby: the whole file is checked, copied as a
    /// promotion would, opened, written to and thrown away.
    ///
    /// # Errors
    ///
    /// The store fails; what is wrong with the copy is no error, it is shown.
    pub(crate) async fn test_restore(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let due = match &self.copy_notes.lock().restore_test {
            // A clock that was set back tests once more.
            Some((last, _)) => now - *last >= RESTORE_TEST_INTERVAL || now < *last,
            None => true,
        };
        if !due || self.role() != Role::Standby || self.store.copy().is_none() {
            return Ok(());
        }
        let begun = Instant::now();
        let flaw = self.store.run_restore_test().await.err().map(|flaw| flaw.to_string());
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &flaw {
            None => tracing::info!(took_ms, "a restore of the copy was tested: it would serve"),
            Some(flaw) => tracing::error!(flaw, "a restore of the copy was tested: it would not serve"),
        }
        let restore_test = RestoreTest { at: self.clock.now_text(), took_ms, flaw };
        self.copy_notes.lock().restore_test = Some((now, restore_test));
        self.changed(Change::Server);
        Ok(())
    }
}

impl CopyNotes {
    fn lock(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
