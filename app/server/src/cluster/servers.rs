//! The servers of the installation: who is active, who answers, who holds which devices.

use super::peer_board::ServerFacts;
use crate::{Service, actor::SYSTEM, changes::Change, db::StoreError};
use model::{Banner, EpochBegin, Fault, PeerState, Role, SAVED_ALONE, Server, StorageTrouble};
use std::{collections::HashMap, time::Instant};

impl Service {
    /// All servers of the installation, in the order in which they joined.
    pub async fn list_servers(&self) -> Result<Vec<Server>, Fault> {
        let installation = self.store.find_installation().await?;
        let active = installation.map(|known| known.active_server).unwrap_or_default();
        let record = self.roles.now();
        let devices = self.devices_per_server().await?;
        let peers: HashMap<String, _> =
            self.peers.peers().into_iter().map(|peer| (peer.facts.id.clone(), peer)).collect();
        let of_database = self.store.servers().await?;
        let heard = peers.values().filter_map(|peer| peer.change).max().unwrap_or_default();
        let newest = self.store.newest_change().await?.max(heard);
        let server = |id: &str, name: &str| {
            let held = devices.get(id).copied().unwrap_or_default();
            let recorded = if active == id { Role::Active } else { Role::Standby };
            if id == self.identity.server_id {
                return Server {
                    id: id.to_owned(),
                    name: name.to_owned(),
                    role: record.role,
                    epoch: record.epoch.number,
                    state: PeerState::This,
                    last_heard: None,
                    devices: held,
                    copy_taken_at: self.store.copy().map(|copy| copy.taken_at),
                    copy: self.own_copy(),
                    replication: self.own_replication(),
                    draining: self.is_draining(),
                    pause: self.pause_in_words(),
                    clock_ahead_ms: None,
                };
            }
            let peer = peers.get(id);
            let reachable = peer.is_some_and(|peer| peer.reachable);
            Server {
                id: id.to_owned(),
                name: name.to_owned(),
                role: peer.map_or(recorded, |peer| peer.facts.role),
                epoch: peer.map_or(record.epoch.number, |peer| peer.facts.epoch.number),
                state: if reachable { PeerState::Reachable } else { PeerState::Unreachable },
                last_heard: peer.and_then(|peer| peer.last_heard.clone()),
                devices: held,
                copy_taken_at: peer.and_then(|peer| peer.facts.copy_taken_at.clone()),
                copy: peer.and_then(|peer| peer.facts.copy.clone()),
                replication: peer.and_then(|peer| peer.facts.replication.clone()),
                draining: false,
                pause: None,
                clock_ahead_ms: peer.filter(|peer| peer.reachable).and_then(|peer| peer.clock_ahead_ms),
            }
        };
        let mut servers: Vec<Server> = of_database.iter().map(|row| server(&row.id, &row.name)).collect();
        // A copy that is older than a join does not know who joined.
        let unrecorded = |id: &str| of_database.iter().all(|row| row.id != id);
        if unrecorded(&self.identity.server_id) {
            servers.push(server(&self.identity.server_id, &self.identity.server_name));
        }
        servers.extend(peers.values().filter(|p| unrecorded(&p.facts.id)).map(|p| server(&p.facts.id, &p.facts.name)));
        for server in &mut servers {
            if let Some(copy) = &mut server.copy {
                copy.changes_missing = newest.saturating_sub(copy.change);
                copy.age_seconds = server.copy_taken_at.as_ref().map_or(0, |at| self.clock.seconds_since(at));
            }
        }
        Ok(servers)
    }

    /// What every page says on top: warnings of the start and of a certificate that ends; on a standby, why nothing can be changed here, and where it
    /// can.
    pub async fn banners(&self) -> Vec<Banner> {
        let warnings = self.warnings();
        let role = match self.role() {
            Role::Active => self.doubt_banner().await.or_else(|| self.alone_banner()),
            Role::Standby => Some(self.standby_banner().await),
            Role::ReadOnly => self.pause_in_words().map(|text| Banner { text }),
        };
        let certificate = self.certificate_banner();
        warnings
            .into_iter()
            .chain(self.database_banner())
            .chain(self.overwritten_banner().await)
            .chain(self.hold_banner())
            .chain(certificate)
            .chain(role)
            .chain(self.drain_banner())
            .chain(self.revocation_banners().await)
            .collect()
    }

    async fn standby_banner(&self) -> Banner {
        if self.store.is_blank() {
            return Banner { text: StorageTrouble::NoRecords.to_string() };
        }
        let active = self.active_server().await;
        let name = active.as_ref().map_or_else(unnamed, |(_, name)| name.clone());
        let answers = active.is_some_and(|(id, _)| self.peers.is_reachable(&id));
        let text = if answers {
            format!(
                "This server is standby: it shows everything and serves devices, but changes nothing. Make changes on {name}."
            )
        } else {
            format!(
                "This server is standby, and {name} does not answer. Devices that list this server register here and work; \
                 nothing can be changed until {name} is back or this server is made active, on the Servers page."
            )
        };
        Banner { text }
    }

    /// Another server may believe that it is active: it was not heard since this one took the role without asking it.
    async fn doubt_banner(&self) -> Option<Banner> {
        let own = self.roles.now().epoch;
        let silent = self.peers.peers().into_iter().find(|peer| peer.facts.epoch < own)?.facts.name;
        let promoted_by = self.store.list_epochs().await.ok()?.into_iter().next()?.promoted_by;
        let text = if promoted_by == SYSTEM {
            format!(
                "{silent} was not heard since this server took over by itself. Should {silent} still run, it changes nothing: \
                 it has given way. When it is back, it can become a standby on the Servers page."
            )
        } else {
            format!(
                "Two servers may be active: {silent} was not heard since this server was made active. Make sure that it is \
                 stopped. This message goes when it has been seen to step down."
            )
        };
        Some(Banner { text })
    }

    /// What was changed may be undone by a server that takes over by itself.
    fn alone_banner(&self) -> Option<Banner> {
        let at = self.quorum.get()?.alone_since()?;
        // RFC 3339; the day is today's.
        let since = at.get(11..19).unwrap_or(&at);
        let text = format!(
            "What was changed here since {since} UTC is {SAVED_ALONE}. Should the other server take over, it is kept and listed."
        );
        Some(Banner { text })
    }

    /// Every time a server became active, the newest first.
    pub async fn list_epochs(&self) -> Result<Vec<EpochBegin>, Fault> {
        let names: HashMap<String, String> =
            self.store.all_servers().await?.into_iter().map(|row| (row.id, row.name)).collect();
        let rows = self.store.list_epochs().await?.into_iter().map(|row| EpochBegin {
            epoch: row.number,
            server: names.get(&row.server_id).cloned().unwrap_or(row.server_id),
            at: row.promoted_at,
            by: row.promoted_by,
            kind: row.kind,
            stopped: row.stopped,
        });
        Ok(rows.collect())
    }

    /// The name of the server where changes are made.
    pub(crate) async fn active_server_name(&self) -> String {
        self.active_server().await.map_or_else(unnamed, |(_, name)| name)
    }

    /// Id and name of the active server. What it says of itself counts before what the database says.
    pub(crate) async fn active_server(&self) -> Option<(String, String)> {
        let active = self.peers.peers().into_iter().filter(|peer| peer.facts.role == Role::Active);
        if let Some(peer) = active.max_by(|a, b| a.facts.epoch.cmp(&b.facts.epoch)) {
            return Some((peer.facts.id, peer.facts.name));
        }
        let id = self.store.find_installation().await.ok().flatten()?.active_server;
        let name = self.store.servers().await.ok()?.into_iter().find(|row| row.id == id)?.name;
        Some((id, name))
    }

    /// Where the epochs began, for a server that wrote on alone; only where no copies tell.
    pub(crate) async fn forks(&self) -> Result<Vec<(u64, u64)>, StoreError> {
        if self.store.is_on_a_server() { self.store.list_forks().await } else { Ok(Vec::new()) }
    }

    /// What this server says of itself to others.
    pub(crate) fn own_facts(&self) -> ServerFacts {
        let record = self.roles.now();
        ServerFacts {
            id: self.identity.server_id.clone(),
            name: self.identity.server_name.clone(),
            role: record.role,
            epoch: record.epoch,
            addresses: self.peers.own_addresses(),
            copy_taken_at: self.store.copy().map(|copy| copy.taken_at),
            copy: self.own_copy(),
            replication: self.own_replication(),
            start: self.start_now(),
        }
    }

    /// Notices which servers have fallen silent.
    pub(crate) async fn expire_peers(&self) -> Result<(), Fault> {
        if self.newcomers.expire(Instant::now()) {
            self.changed(Change::Server);
        }
        for id in self.peers.expire(Instant::now()) {
            let name = self.peers.name_of(&id);
            tracing::warn!(server = id, name, "the other server does not answer");
            self.begin_outage(&id).await?;
            self.tell_reachability(&id).await?;
        }
        Ok(())
    }

    /// Every device on a server that comes or goes is shown differently.
    pub(crate) async fn tell_reachability(&self, server_id: &str) -> Result<(), Fault> {
        self.changed(Change::Server);
        for sighting in self.store.list_sightings_since(server_id, 0).await? {
            if sighting.ended_at.is_none() {
                self.changed(Change::Device { id: sighting.device_id });
            }
        }
        Ok(())
    }
}

fn unnamed() -> String {
    "the active server".to_owned()
}
