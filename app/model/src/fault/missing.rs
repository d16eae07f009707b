//! What was looked for and is not there.

use serde::{Deserialize, Serialize};

/// What is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Missing {
    /// A device.
    Device {
        /// Its Device ID.
        device: u32,
    },
    /// A device by a text that is no Device ID.
    DeviceText {
        /// As it stands in the address.
        text: String,
    },
    /// A revision of a device's server list.
    Revision {
        /// Whose.
        device: u32,
        /// Its number.
        revision: u64,
    },
    /// A revision by a text that is no number.
    RevisionText {
        /// Whose.
        device: u32,
        /// As it stands in the address.
        text: String,
    },
    /// A rollout.
    Rollout {
        /// Its number.
        rollout: u64,
    },
    /// A rollout by a text that is no number.
    RolloutText {
        /// As it stands in the address.
        text: String,
    },
    /// A waiting device, by the Device ID that it claims.
    WaitingDevice {
        /// That Device ID.
        device: u32,
    },
    /// A waiting device, by its key.
    WaitingKey,
    /// A drill.
    Drill {
        /// Its id.
        drill: String,
    },
    /// A server of the installation.
    Server {
        /// Its id.
        server: String,
    },
    /// A server that asks to join.
    Newcomer {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// An operator.
    Operator {
        /// The login.
        login: String,
    },
    /// A resource of the REST API.
    Resource {
        /// Its address.
        path: String,
    },
    /// A page.
    Page {
        /// Its address.
        path: String,
    },
}
