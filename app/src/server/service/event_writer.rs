//! One writer for the events of all devices: what waits is one transaction, and is answered when it is durable.

use crate::server::{
    changes::{Change, Changes},
    store::{EventArrival, EventPlace, Store},
};
use std::sync::OnceLock;
use tokio::sync::{mpsc, oneshot};

/// Uploads that wait in the queue; whoever comes later waits before it, so that a slow disk slows the devices.
const QUEUE: usize = 256;
/// Uploads in one transaction, of up to 100 events each.
const AT_ONCE: usize = 64;

/// An upload and who waits for the watermark.
type Job = (EventArrival, oneshot::Sender<Option<u64>>);

/// The way to the writer, which starts with the first upload.
#[derive(Debug, Default)]
pub(super) struct EventWriter(OnceLock<mpsc::Sender<Job>>);

impl EventWriter {
    /// The ring's watermark once everything up to it is durable; `None` if it cannot be written now.
    pub(super) async fn write(
        &self,
        store: &Store,
        changes: &Changes,
        place: EventPlace,
        arrival: EventArrival,
    ) -> Option<u64> {
        let queue = self.0.get_or_init(|| {
            let (queue, jobs) = mpsc::channel(QUEUE);
            tokio::spawn(write_all(store.clone(), changes.clone(), place, jobs));
            queue
        });
        let (done, watermark) = oneshot::channel();
        queue.send((arrival, done)).await.ok()?;
        watermark.await.ok()?
    }
}

/// Writes until nobody is left who could ask.
async fn write_all(store: Store, changes: Changes, place: EventPlace, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(AT_ONCE);
    while queue.recv_many(&mut jobs, AT_ONCE).await > 0 {
        // Whoever has hung up asks again in its next session.
        jobs.retain(|(_, done)| !done.is_closed());
        if jobs.is_empty() {
            continue;
        }
        let (arrivals, waiting): (Vec<_>, Vec<_>) = jobs.drain(..).unzip();
        match store.store_events(place, &arrivals).await {
            Ok(watermarks) => {
                for (done, watermark) in waiting.into_iter().zip(watermarks) {
                    // They may have hung up just now.
                    let _ = done.send(Some(watermark));
                }
                changes.send(Change::Event);
            }
            Err(error) => {
                let uploads = arrivals.len();
                tracing::error!(error = &error as &dyn std::error::Error, uploads, "events could not be written");
                for done in waiting {
                    let _ = done.send(None);
                }
            }
        }
    }
}
