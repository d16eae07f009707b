//! The servers of the installation: who is active, who answers, who holds which devices.

use super::{quorum::Letter, revoking::RevocationNews, shared_database::NO_RECORDS};
use crate::{
    Service,
    actor::SYSTEM,
    changes::Change,
    db::{Manifest, StoreError},
    interfaces::peers::{Exchange, ExchangeReply, Heard, News, ServerFacts, Told},
};
use model::{Banner, EpochBegin, Fault, PeerState, Role, SAVED_ALONE, Server};
use std::{collections::HashMap, time::Instant};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

impl Service {
    /// All servers of the installation, in the order in which they joined.
    ///
    /// # Errors
    ///
    /// When a database cannot be read.
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
            return Banner { text: NO_RECORDS.to_owned() };
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
                 stopped. This message goes when it has been seen to give way."
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
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
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
    async fn forks(&self) -> Result<Vec<(u64, u64)>, StoreError> {
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

    /// What this server has to tell `peer`, which has its sightings up to version `since`.
    pub(crate) async fn exchange_for(&self, peer: &str, since: Option<u64>) -> Result<Exchange, StoreError> {
        let letter = self.quorum.get().and_then(|quorum| quorum.write_letter(peer));
        Ok(Exchange {
            news: self.news_for(peer, since, letter).await?,
            outcomes: self.store.list_unnoted_outcomes().await?,
            events: self.event_news().await?,
            records: self.records_for(peer).await?,
        })
    }

    async fn news_for(&self, peer: &str, since: Option<u64>, letter: Option<Letter>) -> Result<News, StoreError> {
        let RevocationNews { count: revoked, digest: revoked_digest, rows: revocations } =
            self.revocations_for(peer).await?;
        Ok(News {
            server: self.own_facts(),
            have: self.store.newest_sighting_version(peer).await?,
            sightings: match since {
                Some(since) => self.store.list_sightings_since(&self.identity.server_id, since).await?,
                None => Vec::new(),
            },
            change: self.store.newest_change().await?,
            holds: self.store.copy().map(|copy| copy.content),
            forks: self.forks().await?,
            seen: self.peers.latest_start_of(peer),
            revoked,
            revoked_digest,
            revocations,
            at: Some(self.clock.now_text()),
            letter,
        })
    }

    /// The active server's half of an exchange.
    pub(crate) async fn answer_exchange(
        &self,
        exchange: Exchange,
        copy: Option<Manifest>,
    ) -> Result<ExchangeReply, Fault> {
        let (peer, have) = (exchange.news.server.id.clone(), exchange.news.have);
        let read = exchange.news.letter.clone();
        self.hear(exchange.news).await?;
        let letter = self.quorum.get().and_then(|quorum| quorum.write_letter(&peer));
        let mut noted: Vec<i64> = Vec::new();
        if self.role() == Role::Active && !exchange.outcomes.is_empty() {
            noted.extend(exchange.outcomes.iter().map(|outcome| outcome.id));
            self.note_outcomes(exchange.outcomes).await?;
        }
        let events_noted = self.note_events(&exchange.events).await?;
        let held = self.note_records(&peer, &exchange.records).await;
        let letter = letter.map(|letter| letter.for_reader_of(read.as_ref()));
        Ok(ExchangeReply { news: self.news_for(&peer, Some(have), letter).await?, noted, events_noted, held, copy })
    }

    /// Takes in what the other server answered to `told`, but for the copy. Says whether there is more to tell.
    pub(crate) async fn take_reply(&self, reply: ExchangeReply, told: &Exchange) -> Result<bool, Fault> {
        let peer = reply.news.server.id.clone();
        self.store.go_on_after_sightings(&self.identity.server_id, reply.news.have).await?;
        self.hear(reply.news).await?;
        if !reply.noted.is_empty() {
            self.store.mark_outcomes_noted(&reply.noted, &self.clock.now_text()).await?;
        }
        if reply.events_noted {
            self.store.mark_events_forwarded(&told.events, &self.clock.now_text()).await?;
        }
        let more = match reply.held {
            Some(held) => self.store.note_records_told(&peer, &told.records, held).await?,
            None => false,
        };
        Ok(more || reply.events_noted && told.events.is_full())
    }

    /// Another server said something; pages are told what that changes.
    async fn hear(&self, news: News) -> Result<(), Fault> {
        self.compare_starts(news.seen.as_ref()).await?;
        let id = news.server.id.clone();
        self.meet_epoch(&news.server.epoch, &news.server.name).await?;
        if let Some(copy) = &news.holds {
            self.compare_databases(copy, &id).await?;
        }
        if self.is_starting() {
            self.resume_active("the other server knows of no later epoch").await?;
        }
        let clock_ahead_ms = news.at.as_deref().and_then(|at| self.ahead_of_this_clock(at));
        let News { change, forks, revoked, revoked_digest, .. } = news;
        let told = Told { change, forks, revoked, revoked_digest, clock_ahead_ms };
        let heard = self.peers.hear(news.server, told, Instant::now(), self.clock.now_text());
        self.store_peer_sightings(&id, &news.sightings).await?;
        match heard {
            Heard::AsBefore => {}
            Heard::OfItself => self.changed(Change::Server),
            Heard::Again => {
                self.end_outage(&id).await?;
                self.tell_reachability(&id).await?;
            }
        }
        self.note_revocations(&news.revocations).await?;
        if let Some(letter) = &news.letter {
            self.read_letter(&id, letter).await?;
        }
        Ok(())
    }

    fn ahead_of_this_clock(&self, at: &str) -> Option<i64> {
        let there = OffsetDateTime::parse(at, &Rfc3339).ok()?;
        i64::try_from((there - self.clock.now()).whole_milliseconds()).ok()
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
