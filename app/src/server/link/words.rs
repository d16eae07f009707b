//! What devices say, as pages show it.

use crate::model;
use gateway::wire::{DeviceInfo, EntryFailure, FailureKind, Reason, RollbackCause, ServerEntry};

/// The longest text of a device that is kept, in characters.
const MAX_FOREIGN_CHARS: usize = 200;

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
    let words = match failure.kind {
        FailureKind::Unknown => "failed",
        FailureKind::NotTried => "not tried",
        FailureKind::NameNotFound => "name not found",
        FailureKind::Refused => "refused",
        FailureKind::TimedOut => "timed out",
        FailureKind::Unreachable => "unreachable",
        FailureKind::Tls => "TLS handshake failed",
        FailureKind::ForeignInstallation => "foreign installation",
        FailureKind::NotAdmitted => "not admitted",
        FailureKind::Busy => "busy",
        FailureKind::Closed => "closed before it was confirmed",
    };
    let text = foreign_text(&failure.text);
    let explained = matches!(failure.kind, FailureKind::Unknown | FailureKind::Tls | FailureKind::NotAdmitted);
    let entry = entry_of(&failure.entry);
    model::EntryFailure {
        priority: entry.priority,
        address: entry.address,
        port: entry.port,
        reason: if explained && !text.is_empty() { format!("{words}: {text}") } else { words.to_owned() },
    }
}

/// Why a device went back.
pub(super) fn cause_text(cause: RollbackCause) -> &'static str {
    match cause {
        RollbackCause::Unknown => "the device went back to its former list",
        RollbackCause::TimedOut => "no server of the new list confirmed it in time",
        RollbackCause::Restarted => "the device restarted during the trial",
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
    }
}

/// Text from a device: one line of bounded length.
pub(super) fn foreign_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_FOREIGN_CHARS).collect()
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
    fn failures_are_told_in_words_and_the_device_adds_to_them_where_they_are_not_enough() {
        let entry = ServerEntry { priority: 2, address: "server2.example".parse().unwrap(), port: 51213 };
        let failure = |kind, text: &str| EntryFailure { entry: entry.clone(), kind, text: text.to_owned() };
        assert_eq!(failure_of(&failure(FailureKind::Refused, "os error 111")).reason, "refused");
        assert_eq!(failure_of(&failure(FailureKind::NameNotFound, "")).reason, "name not found");
        assert_eq!(failure_of(&failure(FailureKind::ForeignInstallation, "x")).reason, "foreign installation");
        assert_eq!(failure_of(&failure(FailureKind::Tls, "expired")).reason, "TLS handshake failed: expired");
        assert_eq!(failure_of(&failure(FailureKind::Tls, "")).reason, "TLS handshake failed");
        assert_eq!(failure_of(&failure(FailureKind::Unknown, &"x\n".repeat(999))).reason.len(), "failed: ".len() + 200);
    }

    #[test]
    fn an_unknown_device_type_shows_its_number() {
        assert_eq!(type_name(3), "BioLite Net");
        assert_eq!(type_name(0xfe), "Type 0xFE");
    }
}
