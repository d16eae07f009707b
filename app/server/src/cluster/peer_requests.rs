//! What the rules have this server ask of another one: to step down, to take its role back, for a first copy, or something
//! for a device.

use model::{ProbeRow, ServerEntry};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// One peer request; `reply` hears what came of it, for people.
#[derive(Debug)]
pub enum PeerRequest {
    /// The server says how it stands now.
    Hear {
        /// Its id.
        server: String,
        /// Hears whether it answered.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// The server gives its role, and this one works with all that it wrote.
    StepDown {
        /// Its id.
        server: String,
        /// The operator.
        by: String,
        /// Hears the outcome.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// The role could not be taken: the server is active as before.
    GiveBack {
        /// Its id.
        server: String,
        /// Hears the outcome.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// The server carries an order out on a device that is connected to it.
    Order {
        /// Its id.
        server: String,
        /// The device.
        device: u32,
        /// What the device shall do.
        order: Order,
        /// Hears what the device found.
        reply: oneshot::Sender<Result<Vec<ProbeRow>, String>>,
    },
    /// The server renews the certificate of a device that is connected here.
    Renew {
        /// Its id.
        server: String,
        /// What the device asked for.
        renewal: Renew,
        /// Hears the certificate, DER.
        reply: oneshot::Sender<Result<Vec<u8>, String>>,
    },
    /// The server's copy lies ready; it is not put to use yet.
    FirstCopy {
        /// Its id.
        server: String,
        /// Hears the outcome.
        reply: oneshot::Sender<Result<(), String>>,
    },
}

/// What a connected device shall do at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Try servers from its own network.
    Probe {
        /// Which.
        entries: Vec<ServerEntry>,
    },
    /// Go to another server of its list.
    Move {
        /// Which.
        to: ServerEntry,
        /// How long it stays; 0 for good.
        ttl_seconds: u32,
    },
}

/// A device that is connected to the caller wants another certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// The device.
    pub device: u32,
    /// Serial number of the certificate that it showed, lower-case hex.
    pub shown: String,
    /// PKCS #10 over its key, DER, hexadecimal.
    pub certificate_request: String,
}
