//! The ring between the device's tasks and the disk, which is never waited for on the runtime's threads.

use super::{
    ClientError,
    disk::Disk,
    event_log::{Entry, EventLog},
    ring::Ring,
};
use crate::wire::{DeviceId, Event, RingSpan};
use std::io;

pub(super) struct Logbook {
    device: DeviceId,
    /// Away while the disk is at work; lost only if that work panics.
    ring: Option<Ring>,
    span: RingSpan,
    log: Option<EventLog>,
    /// Keeps the folder until the last write has ended.
    disk: Disk,
}

impl Logbook {
    /// Opens the ring in the device's folder.
    pub(super) async fn open(
        disk: &Disk,
        device: DeviceId,
        capacity: u64,
        log: Option<EventLog>,
    ) -> Result<Self, ClientError> {
        let folder = disk.events_folder();
        let failed = |source| ClientError::Disk { path: folder.clone(), verb: "read", source };
        let (lock, at) = (disk.clone(), folder.clone());
        let opening = tokio::task::spawn_blocking(move || {
            let ring = Ring::open(&at, capacity);
            drop(lock);
            ring
        });
        let ring = opening.await.map_err(|error| failed(error.into()))?.map_err(failed)?;
        Ok(Self { device, span: ring.span(), ring: Some(ring), log, disk: disk.clone() })
    }

    /// Which events the ring keeps.
    pub(super) fn span(&self) -> RingSpan {
        self.span
    }

    /// The next events that somebody makes happen; never, if nobody can.
    pub(super) async fn next_entry(&self) -> Entry {
        match &self.log {
            Some(log) => log.next().await,
            None => std::future::pending().await,
        }
    }

    /// Writes what somebody made happen, and tells them.
    pub(super) async fn enter(&mut self, entry: Entry) -> RingSpan {
        let Entry { events, done } = entry;
        let written = self.append(events).await;
        // They may be gone.
        let _ = done.send(written);
        self.span
    }

    /// Writes events; says whether all of them are durable.
    pub(super) async fn append(&mut self, events: Vec<Event>) -> bool {
        let outcome = self.with_ring(move |ring| ring.append(&events)).await;
        self.told("events could not be logged", outcome).is_some()
    }

    /// Reads events from an id on; none if they cannot be read.
    pub(super) async fn read(&mut self, from: u64, count: usize) -> Vec<Event> {
        let outcome = self.with_ring(move |ring| ring.read(from, count)).await;
        self.told("events could not be read", outcome).unwrap_or_default()
    }

    /// Opens another ring in place of this one.
    pub(super) async fn renew(&mut self) {
        let outcome = self.with_ring(Ring::renew).await;
        self.told("a new ring could not be opened", outcome);
    }

    async fn with_ring<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Ring) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let mut ring = self.ring.take().ok_or_else(|| io::Error::other("the ring was lost in an earlier failure"))?;
        let lock = self.disk.clone();
        let (ring, outcome) = tokio::task::spawn_blocking(move || {
            let outcome = act(&mut ring);
            drop(lock);
            (ring, outcome)
        })
        .await?;
        self.span = ring.span();
        self.ring = Some(ring);
        outcome
    }

    fn told<T>(&self, what: &str, outcome: io::Result<T>) -> Option<T> {
        outcome.inspect_err(|error| tracing::error!(device = self.device.0, %error, "{what}")).ok()
    }
}
