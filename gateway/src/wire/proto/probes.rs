//! Probes, moves and settings, both ways.

use super::{
    fields::{Parsed, entries_of, entry, needed, text},
    generated::{self as pb, frame::Message as Wire},
    words::{decode_failure, decode_role, encode_failure, encode_role},
};
use crate::wire::{
    DayWindow, DeviceId, DeviceSettings, EntryProbe, Failback, MAX_PROBES, Message, MoveFailure, ProbeAnswer,
};

pub(super) fn probe(probe: &pb::Probe) -> Parsed<Message> {
    if probe.device_id == 0 {
        return Err("probe.device_id is 0".to_owned());
    }
    Ok(Message::Probe { protocol_version: probe.protocol_version, device: DeviceId(probe.device_id) })
}

pub(super) fn probe_list(list: &pb::ProbeList) -> Parsed<Message> {
    Ok(Message::ProbeList { request: list.request, entries: entries_of(&list.entries)? })
}

pub(super) fn probe_table(table: pb::ProbeTable) -> Parsed<Message> {
    if table.rows.len() > MAX_PROBES {
        return Err(format!("probe_table.rows are more than {MAX_PROBES}"));
    }
    let rows = table.rows.into_iter().map(TryInto::try_into).collect::<Parsed<_>>()?;
    Ok(Message::ProbeTable { request: table.request, rows })
}

pub(super) fn move_order(order: pb::Move) -> Parsed<Message> {
    let entry = entry("move.entry", order.entry)?;
    Ok(Message::Move { request: order.request, entry, ttl_s: order.ttl_seconds })
}

pub(super) fn move_answer(answer: pb::MoveAnswer) -> Parsed<Message> {
    Ok(Message::MoveAnswer { request: answer.request, refused: text("move_answer.refused", answer.refused)? })
}

pub(super) fn epoch_answer(answer: pb::EpochAnswer) -> Parsed<Message> {
    let epoch = answer.epoch.map(TryInto::try_into).transpose()?;
    Ok(Message::EpochAnswer { request: answer.request, epoch })
}

pub(super) fn server_changed(changed: pb::ServerChanged) -> Parsed<Message> {
    let epoch = needed("server_changed.epoch", changed.epoch)?.try_into()?;
    Ok(Message::ServerChanged { role: decode_role(changed.role), epoch })
}

impl TryFrom<pb::ProbeAnswer> for ProbeAnswer {
    type Error = String;

    fn try_from(answer: pb::ProbeAnswer) -> Parsed<Self> {
        Ok(Self {
            installation_id: text("probe_answer.installation_id", answer.installation_id)?,
            server_id: text("probe_answer.server_id", answer.server_id)?,
            server_name: text("probe_answer.server_name", answer.server_name)?,
            role: decode_role(answer.role),
            epoch: needed("probe_answer.epoch", answer.epoch)?.try_into()?,
        })
    }
}

impl TryFrom<pb::EntryProbe> for EntryProbe {
    type Error = String;

    fn try_from(row: pb::EntryProbe) -> Parsed<Self> {
        let failure = (decode_failure(row.failure), text("entry_probe.text", row.text)?);
        Ok(Self {
            entry: entry("entry_probe.entry", row.entry)?,
            resolved: Some(text("entry_probe.resolved_addr", row.resolved_addr)?).filter(|text| !text.is_empty()),
            tcp_ms: row.tcp_ms,
            tls_ms: row.tls_ms,
            answer_ms: row.answer_ms,
            outcome: row.server.map(TryInto::try_into).transpose()?.ok_or(failure),
        })
    }
}

impl TryFrom<pb::MoveFailure> for MoveFailure {
    type Error = String;

    fn try_from(failed: pb::MoveFailure) -> Parsed<Self> {
        let failure = needed("move_failure.failure", failed.failure)?.try_into()?;
        Ok(Self { request: failed.request, failure })
    }
}

impl TryFrom<pb::DeviceSettings> for DeviceSettings {
    type Error = String;

    fn try_from(settings: pb::DeviceSettings) -> Parsed<Self> {
        let default = Self::default();
        let failback = match pb::Failback::try_from(settings.failback) {
            Ok(pb::Failback::Auto) => Failback::Auto,
            Ok(pb::Failback::Sticky) => Failback::Sticky,
            Ok(pb::Failback::Manual) => Failback::Manual,
            Ok(pb::Failback::Window) => {
                let window = DayWindow::new(settings.window_from_minute, settings.window_to_minute);
                Failback::Window(window.ok_or("settings have a window that is no part of a day")?)
            }
            Err(_) => return Err("settings.failback is not known here".to_owned()),
        };
        let parsed = Self {
            failback,
            hold_down_s: settings.hold_down_seconds.unwrap_or(default.hold_down_s),
            probe_interval_s: settings.probe_interval_seconds.unwrap_or(default.probe_interval_s),
            failback_spread_s: settings.failback_spread_seconds.unwrap_or(default.failback_spread_s),
            connect_limit_s: settings.connect_limit_seconds.unwrap_or(default.connect_limit_s),
            registration_limit_s: settings.registration_limit_seconds.unwrap_or(default.registration_limit_s),
            attempts_per_entry: settings.attempts_per_entry.unwrap_or(default.attempts_per_entry),
            backoff_max_s: settings.backoff_max_seconds.unwrap_or(default.backoff_max_s),
            previous_list_after_s: settings.previous_list_after_seconds.unwrap_or(default.previous_list_after_s),
        };
        let wrong =
            |errors: Vec<_>| format!("settings: {}", errors.first().map(ToString::to_string).unwrap_or_default());
        parsed.check().map_err(|errors: Vec<crate::wire::SettingError>| wrong(errors))?;
        Ok(parsed)
    }
}

pub(super) fn table(request: u64, rows: Vec<EntryProbe>) -> Wire {
    Wire::ProbeTable(pb::ProbeTable { request, rows: rows.into_iter().map(Into::into).collect() })
}

impl From<ProbeAnswer> for pb::ProbeAnswer {
    fn from(answer: ProbeAnswer) -> Self {
        Self {
            installation_id: answer.installation_id,
            server_id: answer.server_id,
            server_name: answer.server_name,
            role: encode_role(answer.role),
            epoch: Some(answer.epoch.into()),
        }
    }
}

impl From<EntryProbe> for pb::EntryProbe {
    fn from(row: EntryProbe) -> Self {
        let (server, failure, text) = match row.outcome {
            Ok(answer) => (Some(answer.into()), 0, String::new()),
            Err((kind, text)) => (None, encode_failure(kind), text),
        };
        Self {
            entry: Some((&row.entry).into()),
            resolved_addr: row.resolved.unwrap_or_default(),
            tcp_ms: row.tcp_ms,
            tls_ms: row.tls_ms,
            answer_ms: row.answer_ms,
            server,
            failure,
            text,
        }
    }
}

impl From<MoveFailure> for pb::MoveFailure {
    fn from(failed: MoveFailure) -> Self {
        Self { request: failed.request, failure: Some(failed.failure.into()) }
    }
}

impl From<DeviceSettings> for pb::DeviceSettings {
    fn from(settings: DeviceSettings) -> Self {
        let (failback, window) = match settings.failback {
            Failback::Auto => (pb::Failback::Auto, None),
            Failback::Sticky => (pb::Failback::Sticky, None),
            Failback::Manual => (pb::Failback::Manual, None),
            Failback::Window(window) => (pb::Failback::Window, Some(window)),
        };
        let default = DeviceSettings::default();
        let unless = |value: u32, default: u32| (value != default).then_some(value);
        Self {
            failback: failback as i32,
            window_from_minute: window.map_or(0, |window| window.from().into()),
            window_to_minute: window.map_or(0, |window| window.to().into()),
            hold_down_seconds: unless(settings.hold_down_s, default.hold_down_s),
            probe_interval_seconds: unless(settings.probe_interval_s, default.probe_interval_s),
            failback_spread_seconds: unless(settings.failback_spread_s, default.failback_spread_s),
            connect_limit_seconds: unless(settings.connect_limit_s, default.connect_limit_s),
            registration_limit_seconds: unless(settings.registration_limit_s, default.registration_limit_s),
            attempts_per_entry: unless(settings.attempts_per_entry, default.attempts_per_entry),
            backoff_max_seconds: unless(settings.backoff_max_s, default.backoff_max_s),
            previous_list_after_seconds: unless(settings.previous_list_after_s, default.previous_list_after_s),
        }
    }
}
