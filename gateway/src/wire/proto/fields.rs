//! The fields that messages share, and what each may be. An error names the field and its rule.

use super::generated as pb;
use crate::wire::{Entries, ListHash, ListVersion, ServerEntry};

/// Long enough for any text of the protocol; keeps logs and pages readable.
const TEXT_BYTES_MAX: usize = 512;
pub(super) type Parsed<T> = Result<T, String>;

pub(super) fn needed<T>(field: &str, value: Option<T>) -> Parsed<T> {
    value.ok_or_else(|| format!("{field} is missing"))
}

pub(super) fn text(field: &str, value: String) -> Parsed<String> {
    match value {
        long if long.len() > TEXT_BYTES_MAX => Err(format!("{field} is longer than {TEXT_BYTES_MAX} bytes")),
        odd if odd.chars().any(char::is_control) => Err(format!("{field} contains control characters")),
        fine => Ok(fine),
    }
}

pub(super) fn port(field: &str, value: u32) -> Parsed<u16> {
    u16::try_from(value).map_err(|_| format!("{field} is over 65535"))
}

pub(super) fn hash(field: &str, bytes: &[u8]) -> Parsed<ListHash> {
    bytes.try_into().map(ListHash).map_err(|_| format!("{field} is not 32 bytes long"))
}

pub(super) fn version(field: &str, value: Option<pb::ListVersion>) -> Parsed<ListVersion> {
    let value = needed(field, value)?;
    Ok(ListVersion { epoch: value.epoch, number: value.number, hash: hash(field, &value.hash)? })
}

pub(super) fn entry(field: &str, value: Option<pb::ServerEntry>) -> Parsed<ServerEntry> {
    let entries = entries_of(&[needed(field, value)?]).map_err(|why| format!("{field}: {why}"))?;
    entries.iter().next().cloned().ok_or_else(|| format!("{field} is missing"))
}

pub(super) fn entries_of(values: &[pb::ServerEntry]) -> Parsed<Entries> {
    let raw = values.iter().map(|e| (e.priority.into(), e.server_addr.as_str(), e.ssl_server_port.into()));
    Entries::parse(raw).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}
