//! A connection's place in the registry, given back however the connection ends.

use crate::enrolment::KeyFingerprint;
use crate::server::directory::SessionId;
use crate::server::inbox::Inbox;
use crate::server::pressure::Room;
use crate::server::registry::{Entered, Registry};
use crate::wire::{DeviceId, Reason};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) struct Membership {
    session: SessionId,
    device: Option<DeviceId>,
    waiting: Option<KeyFingerprint>,
    registry: Arc<Mutex<Registry<Arc<Inbox>>>>,
}

impl Membership {
    pub(super) fn new(session: SessionId, registry: Arc<Mutex<Registry<Arc<Inbox>>>>) -> Self {
        Self { session, device: None, waiting: None, registry }
    }

    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    /// Whether the device may ask to be admitted: not if there is no room for it.
    pub(super) fn arrive(&mut self, device: DeviceId, inbox: Arc<Inbox>, room: (Room, Duration)) -> bool {
        let arrived = self.registry().arrive(self.session, device, inbox, room);
        if arrived {
            self.device = Some(device);
        }
        arrived
    }

    /// Whether a device that asked now would have to come back later.
    pub(super) fn is_full(&self, (room, now): (Room, Duration)) -> bool {
        self.registry().is_full(room, now)
    }

    /// How many devices a second are admitted while others wait; `None` if that does not show.
    pub(super) fn admitted_per_s(&self, now: Duration) -> Option<f64> {
        self.registry().admitted_per_s(now)
    }

    pub(super) fn enter(&mut self, sequence: u64, now: Duration) -> Entered<Arc<Inbox>> {
        self.registry().enter(self.session, sequence, now)
    }

    /// The device was answered, and not admitted.
    pub(super) fn refuse(&mut self, now: Duration) {
        self.registry().refuse(self.session, now);
    }

    /// Waits for an operator; an older connection with the same key is told to end.
    pub(super) fn wait(&mut self, fingerprint: KeyFingerprint, inbox: &Arc<Inbox>) {
        self.waiting = Some(fingerprint);
        let older = self.registry().wait(fingerprint, self.session, Arc::clone(inbox));
        if let Some(older) = older {
            older.close(Reason::Replaced, "a newer connection of this device took over");
        }
    }

    /// Gives the place back; the device, if the directory was ever asked to admit it.
    pub(super) fn leave(&mut self) -> Option<DeviceId> {
        if let Some(fingerprint) = self.waiting.take() {
            self.registry().stop_waiting(fingerprint, self.session);
        }
        let device = self.device.take();
        if let Some(device) = device {
            self.registry().leave(self.session, device);
        }
        device
    }

    /// For the log.
    pub(super) fn device_text(&self) -> String {
        self.device.map_or_else(|| "none".to_owned(), |device| device.to_string())
    }

    fn registry(&self) -> MutexGuard<'_, Registry<Arc<Inbox>>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave();
    }
}
