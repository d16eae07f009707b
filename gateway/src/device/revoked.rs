//! Servers that were removed from the installation: a device has nothing to do with them any more.

use super::{Device, Phase};
use crate::wire::{EntryProbe, FailureKind, RevokedServer, remember_revoked};
use std::time::Duration;

/// Why such a server is not met.
pub(super) const REMOVED: &str = "the server was removed from the installation";

impl Device {
    pub(super) fn is_revoked(&self, server: &str) -> bool {
        self.stored.revoked_servers.iter().any(|id| id == server)
    }

    /// Said with the authority's seal, so that it does not matter by whom.
    pub(super) fn servers_revoked(&mut self, servers: &[RevokedServer], now: Duration) {
        if !remember_revoked(&mut self.stored.revoked_servers, servers) {
            return;
        }
        self.persist();
        if let Phase::Connected(session) = &self.phase
            && self.is_revoked(&session.server().server_id)
        {
            self.leave_revoked(REMOVED, now);
        }
    }

    /// What a probe is worth.
    pub(super) fn unless_revoked(&self, probe: EntryProbe) -> EntryProbe {
        match &probe.outcome {
            Ok(answer) if self.is_revoked(&answer.server_id) => {
                EntryProbe { outcome: Err((FailureKind::ServerRevoked, REMOVED.to_owned())), answer_ms: None, ..probe }
            }
            Ok(_) | Err(_) => probe,
        }
    }
}
