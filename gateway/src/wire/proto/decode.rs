//! Protobuf to strict types. An error names the field and its rule.

use super::{
    events::{ring_id, span},
    fields::{Parsed, entries_of, entry, hash, needed, port, text, version},
    generated::{self as pb, frame::Message as Wire},
    probes,
    words::{decode_cause, decode_failure, decode_reason, decode_role},
};
use crate::wire::{
    DeviceId, DeviceInfo, Enrol, Enrolled, EntryFailure, Epoch, Goodbye, Hello, IpConfig, MAX_LIST_SEAL_BYTES,
    MAX_REVOKED_SERVERS, MAX_START_TOKEN_BYTES, MAX_STARTS, Message, Registered, RevokedServer, Rollback, SerialConfig,
    ServerList, ServerStart,
};

/// Random bytes and a P-256 signature take 88.
const MAX_SEAL_BYTES: usize = 128;

/// The message a frame carries.
pub(in crate::wire) fn message_of(frame: pb::Frame) -> Parsed<Message> {
    let Some(message) = frame.message else { return Ok(Message::Unknown) };
    Ok(match message {
        Wire::Enrol(enrol) => Message::Enrol(enrol.try_into()?),
        Wire::EnrolWaiting(waiting) => Message::EnrolWaiting { keep_alive_s: waiting.keep_alive_seconds },
        Wire::Enrolled(enrolled) => Message::Enrolled(enrolled.try_into()?),
        Wire::Hello(hello) => Message::Hello(hello.try_into()?),
        Wire::Registered(registered) => Message::Registered(registered.try_into()?),
        Wire::Busy(busy) => Message::Busy { retry_after_s: busy.retry_after_seconds },
        Wire::Goodbye(goodbye) => Message::Goodbye(Goodbye {
            reason: decode_reason(goodbye.reason),
            text: text("goodbye.text", goodbye.text)?,
            reconnect_spread_s: goodbye.reconnect_spread_seconds,
        }),
        Wire::Ping(ping) => Message::Ping { nonce: ping.nonce },
        Wire::Pong(pong) => Message::Pong { nonce: pong.nonce },
        Wire::Unsupported(unsupported) => Message::Unsupported { message: unsupported.message },
        Wire::StageList(stage) => Message::StageList(needed("stage_list.list", stage.list)?.try_into()?),
        Wire::ListStaged(staged) => Message::ListStaged(version("list_staged.version", staged.version)?),
        Wire::StageRefused(refused) => Message::StageRefused {
            version: version("stage_refused.version", refused.version)?,
            text: text("stage_refused.text", refused.text)?,
        },
        Wire::StartTrial(trial) => Message::StartTrial {
            version: version("start_trial.version", trial.version)?,
            timeout_s: trial.timeout_seconds,
        },
        Wire::TrialStarted(trial) => Message::TrialStarted(version("trial_started.version", trial.version)?),
        Wire::ConfirmTrial(trial) => Message::ConfirmTrial(version("confirm_trial.version", trial.version)?),
        Wire::ListCommitted(list) => Message::ListCommitted(version("list_committed.version", list.version)?),
        Wire::UploadEvents(upload) => Message::Upload(upload.try_into()?),
        Wire::ReportGap(gap) => Message::Upload(gap.try_into()?),
        Wire::ReportNewRing(opened) => Message::Upload(opened.try_into()?),
        Wire::EventsStored(stored) => {
            Message::EventsStored { ring: ring_id("events_stored.ring", &stored.ring)?, watermark: stored.watermark }
        }
        Wire::Probe(probe) => probes::probe(&probe)?,
        Wire::ProbeAnswer(answer) => Message::ProbeAnswer(answer.try_into()?),
        Wire::ProbeList(list) => probes::probe_list(&list)?,
        Wire::ProbeTable(table) => probes::probe_table(table)?,
        Wire::Move(order) => probes::move_order(order)?,
        Wire::MoveAnswer(answer) => probes::move_answer(answer)?,
        Wire::AskEpoch(ask) => Message::AskEpoch { request: ask.request },
        Wire::EpochAnswer(answer) => probes::epoch_answer(answer)?,
        Wire::AskList(ask) => Message::AskList { request: ask.request },
        Wire::ListAnswer(answer) => Message::ListAnswer {
            request: answer.request,
            list: Box::new(needed("list_answer.list", answer.list)?.try_into()?),
        },
        Wire::ServerChanged(changed) => probes::server_changed(changed)?,
        Wire::RevokedServers(revoked) => Message::RevokedServers(revoked_servers(revoked.servers)?),
        Wire::RenewCertificate(renew) => Message::RenewCertificate { request: renew.certificate_request },
        Wire::CertificateRenewed(renewed) => Message::CertificateRenewed { certificate: renewed.certificate },
        Wire::RenewalRefused(refused) => Message::RenewalRefused { text: text("renewal_refused.text", refused.text)? },
        Wire::RollbackNoted(list) => Message::RollbackNoted(version("rollback_noted.version", list.version)?),
    })
}

impl TryFrom<pb::ServerList> for ServerList {
    type Error = String;

    fn try_from(list: pb::ServerList) -> Parsed<Self> {
        let claimed = version("list.version", list.version)?;
        let base = match list.base_hash.as_slice() {
            [] => None,
            bytes => Some(hash("list.base_hash", bytes)?),
        };
        let settings = list.settings.map(TryInto::try_into).transpose()?.unwrap_or_default();
        let entries = entries_of(&list.entries)?;
        if list.seal.len() > MAX_LIST_SEAL_BYTES {
            return Err(format!("list.seal is longer than {MAX_LIST_SEAL_BYTES} bytes"));
        }
        let seal = list.seal;
        let list = Self::new(claimed.epoch, claimed.number, base, entries).with_settings(settings).with_seal(seal);
        if list.version() == claimed { Ok(list) } else { Err("list.version.hash does not match the list".to_owned()) }
    }
}

impl TryFrom<pb::Enrol> for Enrol {
    type Error = String;

    fn try_from(enrol: pb::Enrol) -> Parsed<Self> {
        Ok(Self {
            protocol_version: enrol.protocol_version,
            info: needed("enrol.info", enrol.info)?.try_into()?,
            provisioning_id: text("enrol.provisioning_id", enrol.provisioning_id)?,
            proof: enrol.proof,
            certificate_request: enrol.certificate_request,
        })
    }
}

impl TryFrom<pb::Enrolled> for Enrolled {
    type Error = String;

    fn try_from(enrolled: pb::Enrolled) -> Parsed<Self> {
        Ok(Self {
            certificate: enrolled.certificate,
            authority_certificate: enrolled.authority_certificate,
            installation_id: text("enrolled.installation_id", enrolled.installation_id)?,
            list: needed("enrolled.list", enrolled.list)?.try_into()?,
            server_time_unix_ms: enrolled.server_time_unix_ms,
        })
    }
}

impl TryFrom<pb::Hello> for Hello {
    type Error = String;

    fn try_from(hello: pb::Hello) -> Parsed<Self> {
        Ok(Self {
            protocol_version: hello.protocol_version,
            capabilities: hello.capabilities,
            info: needed("hello.info", hello.info)?.try_into()?,
            boot_id: hello.boot_id,
            connection_sequence: hello.connection_sequence,
            dialled: entry("hello.dialled", hello.dialled)?,
            committed: version("hello.committed", hello.committed)?,
            trial: hello.trial.map(|trial| version("hello.trial", Some(trial))).transpose()?,
            rollback: hello.rollback.map(TryInto::try_into).transpose()?,
            epoch: hello.epoch.map(TryInto::try_into).transpose()?,
            move_failure: hello.move_failure.map(TryInto::try_into).transpose()?,
            starts: starts(hello.starts)?,
            ring: hello.event_ring.map(span).transpose()?,
        })
    }
}

impl TryFrom<pb::Registered> for Registered {
    type Error = String;

    fn try_from(registered: pb::Registered) -> Parsed<Self> {
        Ok(Self {
            connection_sequence: registered.connection_sequence,
            installation_id: text("registered.installation_id", registered.installation_id)?,
            server_id: text("registered.server_id", registered.server_id)?,
            server_name: text("registered.server_name", registered.server_name)?,
            role: decode_role(registered.role),
            epoch: needed("registered.epoch", registered.epoch)?.try_into()?,
            server_time_unix_ms: registered.server_time_unix_ms,
            keep_alive_s: registered.keep_alive_seconds,
            silence_limit_s: registered.silence_limit_seconds,
            reconnect_spread_s: registered.reconnect_spread_seconds,
            start: registered.start.map(TryInto::try_into).transpose()?,
            event_watermark: registered.event_watermark,
        })
    }
}

fn revoked_servers(servers: Vec<pb::RevokedServer>) -> Parsed<Vec<RevokedServer>> {
    if servers.len() > MAX_REVOKED_SERVERS {
        return Err(format!("revoked_servers.servers has more than {MAX_REVOKED_SERVERS} entries"));
    }
    let revoked = |server: pb::RevokedServer| {
        if server.seal.len() > MAX_SEAL_BYTES {
            return Err(format!("revoked_servers.seal is longer than {MAX_SEAL_BYTES} bytes"));
        }
        Ok(RevokedServer { server_id: text("revoked_servers.server_id", server.server_id)?, seal: server.seal })
    };
    servers.into_iter().map(revoked).collect()
}

fn starts(starts: Vec<pb::ServerStart>) -> Parsed<Vec<ServerStart>> {
    if starts.len() > MAX_STARTS {
        return Err(format!("hello.starts has more than {MAX_STARTS} entries"));
    }
    starts.into_iter().map(TryInto::try_into).collect()
}

impl TryFrom<pb::ServerStart> for ServerStart {
    type Error = String;

    fn try_from(start: pb::ServerStart) -> Parsed<Self> {
        if start.token.len() > MAX_START_TOKEN_BYTES {
            return Err(format!("start.token is longer than {MAX_START_TOKEN_BYTES} bytes"));
        }
        Ok(Self { server_id: text("start.server_id", start.server_id)?, number: start.number, token: start.token })
    }
}

impl TryFrom<pb::Epoch> for Epoch {
    type Error = String;

    fn try_from(epoch: pb::Epoch) -> Parsed<Self> {
        if epoch.seal.len() > MAX_SEAL_BYTES {
            return Err(format!("epoch.seal is longer than {MAX_SEAL_BYTES} bytes"));
        }
        Ok(Self { number: epoch.number, server_id: text("epoch.server_id", epoch.server_id)?, seal: epoch.seal })
    }
}

impl TryFrom<pb::Rollback> for Rollback {
    type Error = String;

    fn try_from(rollback: pb::Rollback) -> Parsed<Self> {
        Ok(Self {
            version: version("rollback.version", rollback.version)?,
            cause: decode_cause(rollback.cause),
            failures: rollback.failures.into_iter().map(TryInto::try_into).collect::<Parsed<_>>()?,
        })
    }
}

impl TryFrom<pb::EntryFailure> for EntryFailure {
    type Error = String;

    fn try_from(failure: pb::EntryFailure) -> Parsed<Self> {
        Ok(Self {
            entry: entry("failure.entry", failure.entry)?,
            kind: decode_failure(failure.kind),
            text: text("failure.text", failure.text)?,
        })
    }
}

impl TryFrom<pb::DeviceInfo> for DeviceInfo {
    type Error = String;

    fn try_from(info: pb::DeviceInfo) -> Parsed<Self> {
        if info.device_id == 0 {
            return Err("info.device_id is 0".to_owned());
        }
        Ok(Self {
            device_id: DeviceId(info.device_id),
            device_type: info.device_type,
            product_name: text("info.product_name", info.product_name)?,
            firmware_version: text("info.firmware_version", info.firmware_version)?,
            kernel_version: text("info.kernel_version", info.kernel_version)?,
            hardware_version: text("info.hardware_version", info.hardware_version)?,
            ip_config: info.ip_config.unwrap_or_default().try_into()?,
            serial_config: info.serial_config.unwrap_or_default().into(),
        })
    }
}

impl TryFrom<pb::IpConfig> for IpConfig {
    type Error = String;

    fn try_from(config: pb::IpConfig) -> Parsed<Self> {
        Ok(Self {
            use_dhcp: config.use_dhcp,
            ip_addr: text("ip_config.ip_addr", config.ip_addr)?,
            subnet_mask: text("ip_config.subnet_mask", config.subnet_mask)?,
            gateway: text("ip_config.gateway", config.gateway)?,
            port: port("ip_config.port", config.port)?,
            dns_server: text("ip_config.dns_server", config.dns_server)?,
            mtu_size: config.mtu_size,
            base_band_100: config.base_band_100,
        })
    }
}

impl From<pb::SerialConfig> for SerialConfig {
    fn from(config: pb::SerialConfig) -> Self {
        Self { rs485_mode: config.rs485_mode, baud_rate: config.baud_rate }
    }
}
