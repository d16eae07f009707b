//! Strict types to protobuf; cannot fail.

use super::{
    generated::{self as pb, frame::Message as Wire},
    probes,
    words::{encode_cause, encode_failure, encode_reason, encode_role},
};
use crate::wire::{
    DeviceInfo, DeviceSettings, Enrol, Enrolled, EntryFailure, Epoch, Hello, IpConfig, ListVersion, Message,
    Registered, Rollback, SerialConfig, ServerEntry, ServerList, ServerStart,
};

/// The frame that carries a message.
pub(in crate::wire) fn frame_of(message: Message) -> pb::Frame {
    pb::Frame { message: wire_of(message) }
}

fn wire_of(message: Message) -> Option<Wire> {
    Some(match message {
        Message::Enrol(enrol) => Wire::Enrol(enrol.into()),
        Message::EnrolWaiting { keep_alive_s } => {
            Wire::EnrolWaiting(pb::EnrolWaiting { keep_alive_seconds: keep_alive_s })
        }
        Message::Enrolled(enrolled) => Wire::Enrolled(enrolled.into()),
        Message::Hello(hello) => Wire::Hello(hello.into()),
        Message::Registered(registered) => Wire::Registered(registered.into()),
        Message::Busy { retry_after_s } => Wire::Busy(pb::Busy { retry_after_seconds: retry_after_s }),
        Message::Goodbye(goodbye) => Wire::Goodbye(pb::Goodbye {
            reason: encode_reason(goodbye.reason),
            text: goodbye.text,
            reconnect_spread_seconds: goodbye.reconnect_spread_s,
        }),
        Message::Ping { nonce } => Wire::Ping(pb::Ping { nonce }),
        Message::Pong { nonce } => Wire::Pong(pb::Pong { nonce }),
        Message::Unsupported { message } => Wire::Unsupported(pb::Unsupported { message }),
        Message::StageList(list) => Wire::StageList(pb::StageList { list: Some(list.into()) }),
        Message::ListStaged(version) => Wire::ListStaged(pb::ListStaged { version: Some(version.into()) }),
        Message::StageRefused { version, text } => {
            Wire::StageRefused(pb::StageRefused { version: Some(version.into()), text })
        }
        Message::StartTrial { version, timeout_s } => {
            Wire::StartTrial(pb::StartTrial { version: Some(version.into()), timeout_seconds: timeout_s })
        }
        Message::TrialStarted(version) => Wire::TrialStarted(pb::TrialStarted { version: Some(version.into()) }),
        Message::ConfirmTrial(version) => Wire::ConfirmTrial(pb::ConfirmTrial { version: Some(version.into()) }),
        Message::ListCommitted(version) => Wire::ListCommitted(pb::ListCommitted { version: Some(version.into()) }),
        Message::RollbackNoted(version) => Wire::RollbackNoted(pb::RollbackNoted { version: Some(version.into()) }),
        Message::Upload(upload) => upload.into(),
        Message::EventsStored { ring, watermark } => {
            Wire::EventsStored(pb::EventsStored { ring: ring.0.to_vec(), watermark })
        }
        Message::Probe { protocol_version, device } => Wire::Probe(pb::Probe { protocol_version, device_id: device.0 }),
        Message::ProbeAnswer(answer) => Wire::ProbeAnswer(answer.into()),
        Message::ProbeList { request, entries } => {
            Wire::ProbeList(pb::ProbeList { request, entries: entries.iter().map(Into::into).collect() })
        }
        Message::ProbeTable { request, rows } => probes::table(request, rows),
        Message::Move { request, entry, ttl_s } => {
            Wire::Move(pb::Move { request, entry: Some((&entry).into()), ttl_seconds: ttl_s })
        }
        Message::MoveAnswer { request, refused } => Wire::MoveAnswer(pb::MoveAnswer { request, refused }),
        Message::AskEpoch { request } => Wire::AskEpoch(pb::AskEpoch { request }),
        Message::EpochAnswer { request, epoch } => {
            Wire::EpochAnswer(pb::EpochAnswer { request, epoch: epoch.map(Into::into) })
        }
        Message::AskList { request } => Wire::AskList(pb::AskList { request }),
        Message::ListAnswer { request, list } => {
            Wire::ListAnswer(pb::ListAnswer { request, list: Some((*list).into()) })
        }
        Message::ServerChanged { role, epoch } => {
            Wire::ServerChanged(pb::ServerChanged { role: encode_role(role), epoch: Some(epoch.into()) })
        }
        Message::RevokedServers(servers) => Wire::RevokedServers(pb::RevokedServers {
            servers: servers
                .into_iter()
                .map(|server| pb::RevokedServer { server_id: server.server_id, seal: server.seal })
                .collect(),
        }),
        Message::RenewCertificate { request } => {
            Wire::RenewCertificate(pb::RenewCertificate { certificate_request: request })
        }
        Message::CertificateRenewed { certificate } => Wire::CertificateRenewed(pb::CertificateRenewed { certificate }),
        Message::RenewalRefused { text } => Wire::RenewalRefused(pb::RenewalRefused { text }),
        Message::Unknown => return None,
    })
}

impl From<Enrol> for pb::Enrol {
    fn from(enrol: Enrol) -> Self {
        Self {
            protocol_version: enrol.protocol_version,
            info: Some(enrol.info.into()),
            provisioning_id: enrol.provisioning_id,
            proof: enrol.proof,
            certificate_request: enrol.certificate_request,
        }
    }
}

impl From<Enrolled> for pb::Enrolled {
    fn from(enrolled: Enrolled) -> Self {
        Self {
            certificate: enrolled.certificate,
            authority_certificate: enrolled.authority_certificate,
            installation_id: enrolled.installation_id,
            list: Some(enrolled.list.into()),
            server_time_unix_ms: enrolled.server_time_unix_ms,
        }
    }
}

impl From<Hello> for pb::Hello {
    fn from(hello: Hello) -> Self {
        Self {
            protocol_version: hello.protocol_version,
            capabilities: hello.capabilities,
            info: Some(hello.info.into()),
            boot_id: hello.boot_id,
            connection_sequence: hello.connection_sequence,
            dialled: Some((&hello.dialled).into()),
            committed: Some(hello.committed.into()),
            trial: hello.trial.map(Into::into),
            rollback: hello.rollback.map(Into::into),
            epoch: hello.epoch.map(Into::into),
            move_failure: hello.move_failure.map(Into::into),
            starts: hello.starts.into_iter().map(Into::into).collect(),
            event_ring: hello.ring.map(Into::into),
        }
    }
}

impl From<Registered> for pb::Registered {
    fn from(registered: Registered) -> Self {
        Self {
            connection_sequence: registered.connection_sequence,
            installation_id: registered.installation_id,
            server_id: registered.server_id,
            server_name: registered.server_name,
            role: encode_role(registered.role),
            epoch: Some(registered.epoch.into()),
            server_time_unix_ms: registered.server_time_unix_ms,
            keep_alive_seconds: registered.keep_alive_s,
            silence_limit_seconds: registered.silence_limit_s,
            reconnect_spread_seconds: registered.reconnect_spread_s,
            start: registered.start.map(Into::into),
            event_watermark: registered.event_watermark,
        }
    }
}

impl From<ServerStart> for pb::ServerStart {
    fn from(start: ServerStart) -> Self {
        Self { server_id: start.server_id, number: start.number, token: start.token }
    }
}

impl From<Epoch> for pb::Epoch {
    fn from(epoch: Epoch) -> Self {
        Self { number: epoch.number, server_id: epoch.server_id, seal: epoch.seal }
    }
}

impl From<&ServerEntry> for pb::ServerEntry {
    fn from(entry: &ServerEntry) -> Self {
        Self {
            priority: entry.priority.into(),
            server_addr: entry.address.to_string(),
            ssl_server_port: entry.port.into(),
        }
    }
}

impl From<ListVersion> for pb::ListVersion {
    fn from(version: ListVersion) -> Self {
        Self { epoch: version.epoch, number: version.number, hash: version.hash.0.to_vec() }
    }
}

impl From<ServerList> for pb::ServerList {
    fn from(list: ServerList) -> Self {
        Self {
            version: Some(list.version().into()),
            base_hash: list.base().map(|hash| hash.0.to_vec()).unwrap_or_default(),
            entries: list.entries().iter().map(Into::into).collect(),
            settings: (*list.settings() != DeviceSettings::default()).then(|| (*list.settings()).into()),
            seal: list.seal().to_vec(),
        }
    }
}

impl From<Rollback> for pb::Rollback {
    fn from(rollback: Rollback) -> Self {
        Self {
            version: Some(rollback.version.into()),
            cause: encode_cause(rollback.cause),
            failures: rollback.failures.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<EntryFailure> for pb::EntryFailure {
    fn from(failure: EntryFailure) -> Self {
        Self { entry: Some((&failure.entry).into()), kind: encode_failure(failure.kind), text: failure.text }
    }
}

impl From<DeviceInfo> for pb::DeviceInfo {
    fn from(info: DeviceInfo) -> Self {
        Self {
            device_id: info.device_id.0,
            device_type: info.device_type,
            product_name: info.product_name,
            firmware_version: info.firmware_version,
            kernel_version: info.kernel_version,
            hardware_version: info.hardware_version,
            ip_config: Some(info.ip_config.into()),
            serial_config: Some(info.serial_config.into()),
        }
    }
}

impl From<IpConfig> for pb::IpConfig {
    fn from(config: IpConfig) -> Self {
        Self {
            use_dhcp: config.use_dhcp,
            ip_addr: config.ip_addr,
            subnet_mask: config.subnet_mask,
            gateway: config.gateway,
            port: config.port.into(),
            dns_server: config.dns_server,
            mtu_size: config.mtu_size,
            base_band_100: config.base_band_100,
        }
    }
}

impl From<SerialConfig> for pb::SerialConfig {
    fn from(config: SerialConfig) -> Self {
        Self { rs485_mode: config.rs485_mode, baud_rate: config.baud_rate }
    }
}
