//! What failed on the way to a server, in words; and what devices found, as pages show it.

use super::server_lists::model_entry;
use gateway::wire::{EntryProbe, FailureKind, Role};
use model::{ProbeRow, ProbedServer};

/// The longest text of a device that is kept, in characters.
const MAX_FOREIGN_CHARS: usize = 200;

/// What failed, with what the device adds where the kind alone does not say enough.
pub(crate) fn in_words(kind: FailureKind, text: &str) -> String {
    let words = match kind {
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
        FailureKind::ServerRevoked => "removed from the installation",
        FailureKind::Closed => "closed before it was confirmed",
    };
    let text = foreign_text(text);
    let explained = matches!(kind, FailureKind::Unknown | FailureKind::Tls | FailureKind::NotAdmitted);
    if explained && !text.is_empty() { format!("{words}: {text}") } else { words.to_owned() }
}

/// Text from a device: one line of bounded length.
pub(crate) fn foreign_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_FOREIGN_CHARS).collect()
}

/// A device's table.
pub(crate) fn rows_of(probes: &[EntryProbe]) -> Vec<ProbeRow> {
    let mut rows: Vec<ProbeRow> = probes.iter().map(row_of).collect();
    rows.sort_by_key(|row| row.priority);
    rows
}

fn row_of(probe: &EntryProbe) -> ProbeRow {
    let entry = model_entry(&probe.entry);
    let server = probe.outcome.as_ref().ok().map(|answer| ProbedServer {
        id: foreign_text(&answer.server_id),
        name: foreign_text(&answer.server_name),
        role: match answer.role {
            Role::Active => "active",
            Role::Standby => "standby",
            Role::ReadOnly => "read_only",
        }
        .to_owned(),
    });
    ProbeRow {
        priority: entry.priority,
        address: entry.address,
        port: entry.port,
        passed: server.is_some(),
        resolved: probe.resolved.as_deref().map(foreign_text),
        tcp_ms: probe.tcp_ms,
        tls_ms: probe.tls_ms,
        answer_ms: probe.answer_ms,
        server,
        reason: probe.outcome.as_ref().err().map(|(kind, text)| in_words(*kind, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_adds_to_the_words_where_they_are_not_enough() {
        assert_eq!(in_words(FailureKind::Refused, "os error 111"), "refused");
        assert_eq!(in_words(FailureKind::NameNotFound, ""), "name not found");
        assert_eq!(in_words(FailureKind::ForeignInstallation, "x"), "foreign installation");
        assert_eq!(in_words(FailureKind::Tls, "expired"), "TLS handshake failed: expired");
        assert_eq!(in_words(FailureKind::Tls, ""), "TLS handshake failed");
        assert_eq!(in_words(FailureKind::Unknown, &"x\n".repeat(999)).len(), "failed: ".len() + 200);
    }
}
