//! What devices say, as pages show it.

use crate::fleet::{foreign_text, in_words};
use gateway::wire::{DeviceInfo, EntryFailure, EntryProbe, Reason, RollbackCause, ServerEntry};
use model;

/// What a device says of itself.
pub(super) fn info_of(info: &DeviceInfo) -> model::DeviceInfo {
    model::DeviceInfo {
        device_type: info.device_type,
        device_type_name: type_name(info.device_type),
        product_name: foreign_text(&info.product_name),
        firmware_version: foreign_text(&info.firmware_version),
        kernel_version: foreign_text(&info.kernel_version),
        hardware_version: foreign_text(&info.hardware_version),
        ip_config: model::IpConfig {
            use_dhcp: info.ip_config.use_dhcp,
            ip_addr: foreign_text(&info.ip_config.ip_addr),
            subnet_mask: foreign_text(&info.ip_config.subnet_mask),
            gateway: foreign_text(&info.ip_config.gateway),
            port: info.ip_config.port,
            dns_server: foreign_text(&info.ip_config.dns_server),
            mtu_size: info.ip_config.mtu_size,
            base_band_100: info.ip_config.base_band_100,
        },
        serial_config: model::SerialConfig {
            rs485_mode: info.serial_config.rs485_mode,
            baud_rate: info.serial_config.baud_rate,
        },
    }
}

/// An entry a device names.
pub(super) fn entry_of(entry: &ServerEntry) -> model::ServerEntry {
    model::ServerEntry { address: entry.address.to_string(), port: entry.port, priority: entry.priority }
}

/// Why an entry failed in a trial.
pub(super) fn failure_of(failure: &EntryFailure) -> model::EntryFailure {
    let entry = entry_of(&failure.entry);
    model::EntryFailure {
        priority: entry.priority,
        address: entry.address,
        port: entry.port,
        reason: in_words(failure.kind, &failure.text),
    }
}

/// What failed of a list of which nothing works.
pub(super) fn failures_of(probes: &[EntryProbe]) -> Vec<model::EntryFailure> {
    let failed = probes.iter().filter_map(|probe| {
        let (kind, text) = probe.outcome.as_ref().err()?;
        let entry = entry_of(&probe.entry);
        let reason = in_words(*kind, text);
        Some(model::EntryFailure { priority: entry.priority, address: entry.address, port: entry.port, reason })
    });
    failed.collect()
}

/// Why a device went back.
pub(super) fn cause_text(cause: RollbackCause) -> &'static str {
    match cause {
        RollbackCause::Unknown => "the device went back to its former list",
        RollbackCause::TimedOut => "no server of the new list confirmed it in time",
        RollbackCause::Restarted => "the device restarted during the trial",
        RollbackCause::FormerFailed => {
            "no server confirmed the new list in time, but the server in use before failed too: it is tried again"
        }
    }
}

/// Why a session ended.
pub(super) fn reason_text(reason: Reason) -> &'static str {
    match reason {
        Reason::Unknown => "connection lost",
        Reason::ShuttingDown => "shutting down",
        Reason::Draining => "draining",
        Reason::Malformed => "malformed frame",
        Reason::Oversized => "oversized frame",
        Reason::UnsupportedVersion => "unsupported protocol version",
        Reason::UnexpectedMessage => "unexpected message",
        Reason::TimedOut => "timed out",
        Reason::Replaced => "replaced by a newer session",
        Reason::NotEnrolled => "not enrolled",
        Reason::Revoked => "certificate revoked",
        Reason::WrongIdentity => "wrong identity",
        Reason::Rejected => "rejected",
        Reason::BadProvisioning => "bad provisioning string",
        Reason::TryingList => "left to try a new list",
        Reason::Storage => "storage unavailable",
        Reason::Removed => "removed",
        Reason::Moving => "left for another server",
    }
}

/// The vendor's names of device types.
fn type_name(device_type: u32) -> String {
    let name = match device_type {
        0x01 => "BioEntry Plus",
        0x02 => "BioEntry W",
        0x03 => "BioLite Net",
        0x04 => "Xpass",
        0x05 => "Xpass S2",
        0x08 => "BioStation 2",
        0x09 => "BioStation A2",
        0x0a => "FaceStation 2",
        0x0c => "BioStation L2",
        0x0d => "BioEntry W2",
        0x0e => "CoreStation 40",
        0x11 => "BioEntry P2",
        0x12 => "BioLite N2",
        0x13 => "XPass 2",
        0x20 => "X-Station 2",
        0x23 => "BioStation 3",
        other => return format!("Type 0x{other:02X}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_device_type_shows_its_number() {
        assert_eq!(type_name(3), "BioLite Net");
        assert_eq!(type_name(0xfe), "Type 0xFE");
    }
}
