//! Which server holds which device.

use super::store::Presence;
use crate::Service;
use model::Fault;
use std::collections::HashMap;

impl Service {
    /// The server that holds each device that is connected, as far as anybody can tell: the newest session that lives, on a
    /// server that answers.
    pub(crate) async fn seats(&self) -> Result<HashMap<u32, String>, Fault> {
        let mut newest: HashMap<u32, Presence> = HashMap::new();
        for presence in self.store.list_presences().await? {
            if presence.ended_at.is_some() || !self.peers.is_reachable(&presence.server_id) {
                continue;
            }
            let order = |p: &Presence| (p.connection_sequence, p.since.clone());
            if newest.get(&presence.device_id).is_none_or(|old| order(old) < order(&presence)) {
                newest.insert(presence.device_id, presence);
            }
        }
        Ok(newest.into_iter().map(|(device, presence)| (device, presence.server_id)).collect())
    }

    /// How many devices each server holds.
    pub(crate) async fn devices_per_server(&self) -> Result<HashMap<String, u64>, Fault> {
        let peers = self.peers.peers();
        let reachable = peers.iter().filter(|peer| peer.reachable).map(|peer| peer.facts.id.as_str());
        let servers: Vec<&str> = reachable.chain([self.identity.server_id.as_str()]).collect();
        Ok(self.store.count_seats(&servers).await?)
    }
}
