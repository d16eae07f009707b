//! What the portal holds of a running gateway.

use super::KeyFingerprint;
use crate::wire::{DeviceId, Reason};

/// Reaches the sessions of a running gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {}

impl Handle {
    /// Something about the device changed: its session asks the directory again.
    pub fn wake(&self, _device: DeviceId) {}

    /// A waiting device was decided on.
    pub fn wake_waiting(&self, _waiting: KeyFingerprint) {}

    /// Ends the device's session.
    pub fn close(&self, _device: DeviceId, _reason: Reason, _text: &str) {}

    /// How many devices are registered.
    #[must_use]
    pub fn connected(&self) -> usize {
        0
    }
}
