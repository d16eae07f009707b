//! Where a device is connected.

use serde::{Deserialize, Serialize};

/// The session a device holds, as the device itself reported it when it registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The address it dialled.
    pub address: String,
    /// The port it dialled.
    pub port: u16,
    /// The priority of the entry it dialled.
    pub priority: u8,
    /// The id of the server that answered.
    pub server: String,
    /// That server's name.
    pub server_name: String,
    /// Since when.
    pub since: String,
}

impl Connection {
    /// Whether it runs over that entry.
    #[must_use]
    pub fn is_at(&self, address: &str, port: u16) -> bool {
        self.port == port && self.address.eq_ignore_ascii_case(address)
    }
}
