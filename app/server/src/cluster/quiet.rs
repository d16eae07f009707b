//! Holding all writes for a moment, while a hypervisor takes a snapshot of this machine.

use crate::{Service, actor::Actor, changes::Change, clock::text_of};
use model::{AccountRule, Banner, Fault, Quiesced, Role, ServerObstacle};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// The longest that writes can be held, in seconds: whoever forgets to let them go must not stop the installation.
pub const QUIESCE_MAX_S: u64 = 120;

/// Ends the hold that is in force.
#[derive(Debug, Default)]
pub(crate) struct Hold(Mutex<Option<(String, oneshot::Sender<()>)>>);

impl Service {
    /// Holds all writes until [`resume_writes`](Self::resume_writes), `seconds` at most. When this returns everything that
    /// was answered is in the database files and on the disk.
    ///
    /// # Errors
    ///
    /// Not this server, a number of seconds that is not from 1 to 120, held already, or a database that cannot be written.
    pub async fn quiesce(self: &Arc<Self>, actor: &Actor, id: &str, seconds: u64) -> Result<Quiesced, Fault> {
        self.require_own(id)?;
        if !(1..=QUIESCE_MAX_S).contains(&seconds) {
            return Err(Fault::field("seconds", AccountRule::HoldSeconds { most: QUIESCE_MAX_S }));
        }
        if self.hold.lock().is_some() {
            return Err(ServerObstacle::WritesHeld.into());
        }
        let quiet = self.store.quiet(self.role() == Role::Active).await?;
        let limit = Duration::from_secs(seconds);
        let until = text_of(self.clock.now() + limit);
        let (resume, resumed) = oneshot::channel();
        *self.hold.lock() = Some((until.clone(), resume));
        tracing::warn!(by = actor.login, seconds, "writes are held for a snapshot");
        self.changed(Change::Server);
        let service = Arc::clone(self);
        tokio::spawn(async move {
            let in_time = tokio::time::timeout(limit, resumed).await.is_ok();
            drop(quiet);
            *service.hold.lock() = None;
            if in_time {
                tracing::info!("writes go on");
            } else {
                tracing::error!(seconds, "writes go on because nobody let them: the snapshot may have taken too long");
            }
            service.changed(Change::Server);
        });
        Ok(Quiesced { until })
    }

    /// Ends what [`quiesce`](Self::quiesce) began; nothing happens if nothing is held.
    ///
    /// # Errors
    ///
    /// Not this server.
    pub fn resume_writes(&self, actor: &Actor, id: &str) -> Result<(), Fault> {
        self.require_own(id)?;
        if let Some((_, resume)) = self.hold.lock().take() {
            tracing::info!(by = actor.login, "writes are let go");
            // It may have ended by itself just now.
            let _ = resume.send(());
        }
        Ok(())
    }

    /// That writes are held, for the top of every page.
    pub(crate) fn hold_banner(&self) -> Option<Banner> {
        let until = self.hold.lock().as_ref().map(|(until, _)| until.clone())?;
        Some(Banner {
            text: format!("Changes wait while a snapshot of this server is taken, until {until} at the latest."),
        })
    }
}

impl Hold {
    fn lock(&self) -> MutexGuard<'_, Option<(String, oneshot::Sender<()>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
