//! Where the other servers answered last is written down as often as it changes.

use super::Peers;
use crate::cluster::{peer_board::ServerFacts, peers_file::remember_servers};
use std::sync::PoisonError;

impl Peers {
    /// Keeps `peers.json` as new as the board.
    pub(crate) fn remember(&self) {
        let now: Vec<ServerFacts> = self
            .service
            .peers
            .peers()
            .into_iter()
            // Changes all the time and says nothing about where it answers.
            .map(|peer| ServerFacts { copy_taken_at: None, copy: None, ..peer.facts })
            .collect();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if *remembered != now {
            match remember_servers(self.service.store.folder(), &now) {
                Ok(()) => *remembered = now,
                Err(error) => tracing::warn!(%error, "the other servers' addresses cannot be written down"),
            }
        }
    }
}
