//! What changes, told to whoever listens: open pages, the copy to the other server.

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// Something changed; the listener asks for the new state itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A device's session, name, list or push.
    Device {
        /// Device ID.
        id: u32,
    },
    /// A device asked to belong, or was decided on.
    WaitingDevice,
    /// Events came in.
    Event,
    /// A rollout was made, moved, or has begun devices.
    Rollout,
    /// A server's reachability or copy.
    Server,
    /// The database was written to, or exchanged for a newer copy.
    Database,
}

/// The channel all changes go through.
#[derive(Clone)]
pub struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        // A listener that falls further behind is told so and reads everything anew.
        Self(broadcast::channel(1024).0)
    }
}

impl Changes {
    /// Tells everybody who listens; nobody listening is fine.
    pub fn send(&self, change: Change) {
        let _ = self.0.send(change);
    }

    /// Everything from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}
