//! Lists that come in pages.

use super::DeviceStatus;
use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last.
    pub next_cursor: Option<String>,
    /// How many there are on all pages.
    pub total: u64,
}

/// Which devices to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceQuery {
    /// Part of the name, the Device ID or the IP address.
    pub q: Option<String>,
    /// Only these.
    pub status: Option<DeviceStatus>,
    /// Only devices on this server.
    pub server: Option<String>,
    /// At most so many, 1 to 200; 50 if not given.
    pub limit: Option<u32>,
    /// From a page's `next_cursor`.
    pub cursor: Option<String>,
}
