//! Events of all devices, of up to 100 each, written in batches.

use super::store::{EventArrival, EventPlace};
use crate::{
    batches::{Batches, Writes},
    changes::{Change, Changes},
    db::{Store, StoreError},
};

/// The writer of events.
pub(crate) type EventWriter = Batches<EventWrites>;

/// An upload, and where it goes: a server's role may change while it waits.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) place: EventPlace,
    pub(crate) arrival: EventArrival,
}

/// Writes uploads.
pub(crate) struct EventWrites {
    pub(crate) store: Store,
    pub(crate) changes: Changes,
}

impl EventWrites {
    async fn store(&self, uploads: &[Upload]) -> Result<Vec<u64>, StoreError> {
        let mut watermarks = Vec::with_capacity(uploads.len());
        for run in uploads.chunk_by(|one, next| one.place == next.place) {
            let arrivals: Vec<EventArrival> = run.iter().map(|upload| upload.arrival.clone()).collect();
            watermarks.extend(self.store.store_events(run[0].place, &arrivals).await?);
        }
        Ok(watermarks)
    }
}

impl Writes for EventWrites {
    type Job = Upload;
    /// The ring's watermark.
    type Answer = u64;
    const AT_ONCE: usize = 64;

    async fn write(&self, uploads: &[Upload]) -> Option<Vec<u64>> {
        match self.store(uploads).await {
            Ok(watermarks) => {
                self.changes.send(Change::Event);
                Some(watermarks)
            }
            Err(error) => {
                let uploads = uploads.len();
                tracing::error!(error = &error as &dyn std::error::Error, uploads, "events could not be written");
                None
            }
        }
    }
}
