//! What is measured of the other servers.

use super::{Gauges, registered::Registered, set};
use crate::Service;
use prometheus_client::registry::Unit;
use std::time::Instant;

#[derive(Debug)]
pub(super) struct PeerMetrics {
    reachable: Gauges,
    last_heard: Gauges,
    revocations_unknown: Gauges,
}

impl PeerMetrics {
    pub(super) fn new(to: &mut Registered) -> Self {
        Self {
            reachable: to.empty("biostar_peer_reachable", None, "server", "Whether the other server answers: 1 or 0"),
            last_heard: to.empty(
                "biostar_peer_last_heard",
                Some(Unit::Seconds),
                "server",
                "How long ago the other server was heard; missing if it was not since the start",
            ),
            revocations_unknown: to.empty(
                "biostar_revocations_unknown",
                None,
                "server",
                "Revoked certificates that the other server is not known to know; missing if it was not heard since the start",
            ),
        }
    }

    /// Servers come and go; one that is no more leaves nothing behind.
    pub(super) async fn look(&self, service: &Service) {
        self.reachable.clear();
        self.last_heard.clear();
        self.revocations_unknown.clear();
        for peer in service.peers.peers() {
            set(&self.reachable, "server", peer.facts.name.clone(), f64::from(peer.reachable));
            if let Some(silent) = peer.silent_for(Instant::now()) {
                set(&self.last_heard, "server", peer.facts.name, silent.as_secs_f64());
            }
        }
        for (server, count) in service.revocations_unknown().await.unwrap_or_default() {
            set(&self.revocations_unknown, "server", server, count as f64);
        }
    }
}
