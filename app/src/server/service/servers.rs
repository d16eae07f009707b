//! The servers of the installation: who is active, who answers, who holds which devices.

use super::Service;
use crate::{
    model::{Banner, Fault, PeerState, Role, Server},
    server::{
        changes::Change,
        sites::{Exchange, ExchangeReply, Heard, ServerFacts},
        store::{EventNews, Manifest, Sighting, StoreError},
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

impl Service {
    /// All servers of the installation, in the order in which they joined.
    ///
    /// # Errors
    ///
    /// When a database cannot be read.
    pub async fn list_servers(&self) -> Result<Vec<Server>, Fault> {
        let installation = self.store.find_installation().await?;
        let (epoch, active) = installation.map(|known| (known.epoch, known.active_server)).unwrap_or_default();
        let devices = self.devices_per_server().await?;
        let peers: HashMap<String, _> =
            self.peers.peers().into_iter().map(|peer| (peer.facts.id.clone(), peer)).collect();
        let of_book = self.store.servers().await?;
        let server = |id: &str, name: &str| {
            let held = devices.get(id).copied().unwrap_or_default();
            let recorded = if active == id { Role::Active } else { Role::Standby };
            if id == self.site.server_id {
                return Server {
                    id: id.to_owned(),
                    name: name.to_owned(),
                    role: self.site.role,
                    epoch,
                    state: PeerState::This,
                    last_heard: None,
                    devices: held,
                    copy_taken_at: self.store.copy().map(|copy| copy.taken_at),
                    draining: self.is_draining(),
                };
            }
            let peer = peers.get(id);
            let reachable = peer.is_some_and(|peer| peer.reachable);
            Server {
                id: id.to_owned(),
                name: name.to_owned(),
                role: peer.map_or(recorded, |peer| peer.facts.role),
                epoch: peer.map_or(epoch, |peer| peer.facts.epoch),
                state: if reachable { PeerState::Reachable } else { PeerState::Unreachable },
                last_heard: peer.and_then(|peer| peer.last_heard.clone()),
                devices: held,
                copy_taken_at: peer.and_then(|peer| peer.facts.copy_taken_at.clone()),
                draining: false,
            }
        };
        let mut servers: Vec<Server> = of_book.iter().map(|row| server(&row.id, &row.name)).collect();
        // A copy that is older than a join does not know who joined.
        let unrecorded = |id: &str| of_book.iter().all(|row| row.id != id);
        if unrecorded(&self.site.server_id) {
            servers.push(server(&self.site.server_id, &self.site.server_name));
        }
        servers.extend(peers.values().filter(|p| unrecorded(&p.facts.id)).map(|p| server(&p.facts.id, &p.facts.name)));
        Ok(servers)
    }

    /// What every page says on top: warnings of the start and of a certificate that ends; on a standby, why nothing can be changed here, and where it
    /// can.
    pub async fn banners(&self) -> Vec<Banner> {
        let warning = self.warning.get().map(|text| Banner { text: (*text).to_owned() });
        let standby = match self.site.role {
            Role::Active => None,
            Role::Standby => Some(self.standby_banner().await),
        };
        let certificate = self.certificate_banner();
        warning.into_iter().chain(certificate).chain(standby).chain(self.drain_banner()).collect()
    }

    async fn standby_banner(&self) -> Banner {
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
                 nothing can be changed until {name} is back."
            )
        };
        Banner { text }
    }

    /// The name of the server where changes are made.
    pub(in crate::server) async fn active_server_name(&self) -> String {
        self.active_server().await.map_or_else(unnamed, |(_, name)| name)
    }

    /// Id and name of the active server. What it says of itself counts before what the book says.
    async fn active_server(&self) -> Option<(String, String)> {
        let mut peers = self.peers.peers().into_iter().filter(|peer| peer.facts.role == Role::Active);
        if let Some(peer) = peers.next() {
            return Some((peer.facts.id, peer.facts.name));
        }
        let id = self.store.find_installation().await.ok().flatten()?.active_server;
        let name = self.store.servers().await.ok()?.into_iter().find(|row| row.id == id)?.name;
        Some((id, name))
    }

    /// What this server says of itself to others.
    pub(in crate::server) async fn own_facts(&self) -> Result<ServerFacts, StoreError> {
        Ok(ServerFacts {
            id: self.site.server_id.clone(),
            name: self.site.server_name.clone(),
            role: self.site.role,
            epoch: self.store.find_installation().await?.map(|known| known.epoch).unwrap_or_default(),
            addresses: self.peers.own_addresses(),
            copy_taken_at: self.store.copy().map(|copy| copy.taken_at),
        })
    }

    /// What this server has to tell `peer`, which has its sightings up to version `since`.
    pub(in crate::server) async fn news_for(&self, peer: &str, since: Option<u64>) -> Result<Exchange, StoreError> {
        let own = &self.site.server_id;
        Ok(Exchange {
            server: self.own_facts().await?,
            have: self.store.newest_sighting_version(peer).await?,
            sightings: match since {
                Some(since) => self.store.list_sightings_since(own, since).await?,
                None => Vec::new(),
            },
            outcomes: self.store.list_unnoted_outcomes().await?,
            events: self.event_news().await?,
        })
    }

    /// The active server's half of an exchange.
    pub(in crate::server) async fn answer_exchange(
        &self,
        news: Exchange,
        copy: Option<Manifest>,
    ) -> Result<ExchangeReply, Fault> {
        let peer = news.server.id.clone();
        self.hear(news.server, &news.sightings).await?;
        let mut noted: Vec<i64> = Vec::new();
        if self.site.role == Role::Active && !news.outcomes.is_empty() {
            noted.extend(news.outcomes.iter().map(|outcome| outcome.id));
            self.note_outcomes(news.outcomes).await?;
        }
        let events_noted = self.note_events(&news.events).await?;
        Ok(ExchangeReply {
            server: self.own_facts().await?,
            have: self.store.newest_sighting_version(&peer).await?,
            sightings: self.store.list_sightings_since(&self.site.server_id, news.have).await?,
            noted,
            events_noted,
            copy,
        })
    }

    /// Takes in what the other server answered to `told`, but for the copy. Says whether there is more to tell.
    pub(in crate::server) async fn take_reply(&self, reply: ExchangeReply, told: &EventNews) -> Result<bool, Fault> {
        self.hear(reply.server, &reply.sightings).await?;
        if !reply.noted.is_empty() {
            self.store.mark_outcomes_noted(&reply.noted, &self.clock.now_text()).await?;
        }
        if reply.events_noted {
            self.store.mark_events_forwarded(told, &self.clock.now_text()).await?;
        }
        Ok(reply.events_noted && told.is_full())
    }

    /// Another server said something; pages are told what that changes.
    async fn hear(&self, server: ServerFacts, sightings: &[Sighting]) -> Result<(), Fault> {
        let id = server.id.clone();
        let heard = self.peers.hear(server, Instant::now(), self.clock.now_text());
        self.store_peer_sightings(&id, sightings).await?;
        match heard {
            Heard::AsBefore => {}
            Heard::OfItself => self.changed(Change::Server),
            Heard::Again => self.tell_reachability(&id).await?,
        }
        Ok(())
    }

    /// Notices which servers have fallen silent.
    pub(in crate::server) async fn expire_peers(&self) -> Result<(), Fault> {
        if self.newcomers.expire(Instant::now()) {
            self.changed(Change::Server);
        }
        for id in self.peers.expire(Instant::now()) {
            let name = self.peers.name_of(&id);
            tracing::warn!(server = id, name, "the other server does not answer");
            self.tell_reachability(&id).await?;
        }
        Ok(())
    }

    /// Every device on a server that comes or goes is shown differently.
    async fn tell_reachability(&self, server_id: &str) -> Result<(), Fault> {
        self.changed(Change::Server);
        for sighting in self.store.list_sightings_since(server_id, 0).await? {
            if sighting.ended_at.is_none() {
                self.changed(Change::Device { id: sighting.device_id });
            }
        }
        Ok(())
    }

    /// How many devices each server holds, as far as anybody can tell: the newest live session of each device counts.
    async fn devices_per_server(&self) -> Result<HashMap<String, u64>, Fault> {
        let mut newest: BTreeMap<u32, Sighting> = BTreeMap::new();
        for sighting in self.store.list_sightings().await? {
            if sighting.ended_at.is_some() || !self.peers.is_reachable(&sighting.server_id) {
                continue;
            }
            let order = |s: &Sighting| (s.connection_sequence, s.since.clone());
            if newest.get(&sighting.device_id).is_none_or(|old| order(old) < order(&sighting)) {
                newest.insert(sighting.device_id, sighting);
            }
        }
        let mut devices = HashMap::new();
        for sighting in newest.into_values() {
            *devices.entry(sighting.server_id).or_default() += 1;
        }
        Ok(devices)
    }
}

fn unnamed() -> String {
    "the active server".to_owned()
}
