//! What two servers tell each other every second, put together from what the rooms have, and taken in by them.

use super::{Exchange, ExchangeReply, News};
use crate::{
    Service,
    changes::Change,
    cluster::{
        peer_board::{Heard, Told},
        quorum::Letter,
        revoking::RevocationNews,
    },
    db::{Manifest, StoreError},
};
use model::{Fault, Role};
use std::time::Instant;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

impl Service {
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
}
