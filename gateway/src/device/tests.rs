//! The device against scripted servers in virtual time.

mod approach;
mod attempts;
mod events;
mod failback;
mod limits;
mod list_model;
mod moving;
mod probing;
mod renewal;
mod revoked;
mod rota_model;
mod rules;
mod sessions;
mod simulation;
mod trials;
mod world;

use super::*;
use crate::simulation::{EventStore, MemoryRing};
use crate::wire::{DeviceId, Entries, FailureKind, IpConfig, Reason, SERVER_CONNECTED, SerialConfig, ServerList};
use world::{Health, World};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn info() -> DeviceInfo {
    DeviceInfo {
        device_id: DeviceId(547_846_001),
        device_type: 3,
        product_name: "BioLite Net".into(),
        firmware_version: "2.3.3".into(),
        kernel_version: "1.0".into(),
        hardware_version: "1.0.0".into(),
        ip_config: IpConfig::default(),
        serial_config: SerialConfig::default(),
    }
}

/// Server `n` listens on port `50000 + n`; the list's order is their priority.
fn entries(servers: &[u16]) -> Entries {
    let entries =
        servers.iter().zip(1..).map(|(server, priority)| (priority, "192.0.2.1", 50_000 + i64::from(*server)));
    Entries::parse(entries).unwrap()
}

fn list(number: u64, servers: &[u16]) -> ServerList {
    ServerList::new(1, number, None, entries(servers))
}
