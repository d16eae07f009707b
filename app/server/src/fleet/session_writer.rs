//! Sessions that begin and end, written in batches: thousands come at once when another server dies.

use super::store::{SightingChange, SightingChanged};
use crate::{
    Service,
    batches::{Batches, Writes},
    db::Store,
};

/// The writer of sessions.
pub(crate) type SessionWriter = Batches<SessionWrites>;

/// Writes sessions of one server.
pub(crate) struct SessionWrites {
    store: Store,
    server_id: String,
}

impl Writes for SessionWrites {
    type Job = SightingChange;
    type Answer = SightingChanged;
    const AT_ONCE: usize = 256;

    async fn write(&self, changes: &[SightingChange]) -> Option<Vec<SightingChanged>> {
        let written = self.store.change_sightings(&self.server_id, changes).await;
        let note = |error| {
            let sessions = changes.len();
            tracing::error!(error = &error as &dyn std::error::Error, sessions, "sessions could not be written");
        };
        written.map_err(note).ok()
    }
}

impl Service {
    /// What came of it once it is durable; `None` if it cannot be written now.
    pub(crate) async fn write_session(&self, change: SightingChange) -> Option<SightingChanged> {
        let writes = || SessionWrites { store: self.store.clone(), server_id: self.identity.server_id.clone() };
        self.session_writer.write(change, writes).await
    }
}
