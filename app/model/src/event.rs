//! What devices logged.

use serde::{Deserialize, Serialize};

/// An event. `device_id`, `ring` and `id` together name it on every server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Who logged it.
    pub device_id: u32,
    /// That device's name.
    pub device_name: String,
    /// The ring it stands in: 32 hexadecimal digits, another one after the device was set back.
    pub ring: String,
    /// Its number in the ring, from 1.
    pub id: u64,
    /// When, by the device's clock.
    pub time: String,
    /// What happened, as the vendor numbers it.
    pub code: u32,
    /// The same in words.
    pub name: String,
    /// Who was at the door; empty if nobody.
    pub user_id: String,
    /// More about it.
    pub detail: String,
    /// When a server got it.
    pub received_at: String,
    /// The id of that server.
    pub server: String,
}

/// Which events to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventQuery {
    /// Only this device's.
    pub device: Option<u32>,
    /// Only this code.
    pub code: Option<u32>,
    /// Not older than this RFC 3339 time, by the device's clock.
    pub since: Option<String>,
    /// At most so many, 1 to 200; 50 if not given.
    pub limit: Option<u32>,
    /// From a page's `next_cursor`.
    pub cursor: Option<String>,
}
