//! Devices and servers with a network between them, all in virtual time and from one seed: the rules of both sides, the
//! push and the events included, under partitions of either direction, crashes, restarts, changes of role, new lists and
//! servers that go on from older data.

mod arrivals;
mod database;
mod desk;
mod events;
mod flaw;
mod flaws;
mod link;
mod names;
mod network;
mod pushes;
mod removal;
mod ring;
mod scenarios;
mod seeds;
mod serving;
mod standing;
mod storm;
mod takeover;
mod trace;
mod unit;
mod zone;

pub(crate) use ring::{EventStore, MemoryRing};
pub(crate) use seeds::for_each_seed;

use crate::device::{Activity, AttemptId, Config, Device, Input, Output as DeviceOutput, Stored};
use crate::server::SessionId;
use crate::wire::{
    DeviceId, DeviceInfo, Entries, Epoch, IpConfig, RingId, Role, SerialConfig, ServerEntry, ServerList,
};
use std::time::Duration;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Server `n`, from 0, listens on port `50000 + n`.
fn port_of(server: usize) -> i64 {
    50_000 + i64::try_from(server).unwrap()
}

fn server_of(port: u16) -> usize {
    usize::from(port) - 50_000
}

fn info(device: usize) -> DeviceInfo {
    DeviceInfo {
        device_id: id_of(device),
        device_type: 3,
        product_name: "BioLite Net".into(),
        firmware_version: "2.3.3".into(),
        kernel_version: "1.0".into(),
        hardware_version: "1.0.0".into(),
        ip_config: IpConfig::default(),
        serial_config: SerialConfig::default(),
    }
}

fn id_of(device: usize) -> DeviceId {
    DeviceId(u32::try_from(device).unwrap() + 1)
}
