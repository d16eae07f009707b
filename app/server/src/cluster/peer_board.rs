//! Which of the installation's servers answer, from the last time each was heard.

use super::starts::Start;
use crate::epoch::EpochToken;
use model::{CopyFacts, Replication, Role};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

/// A server that was not heard for this long does not answer.
pub(crate) const SILENCE_LIMIT: Duration = Duration::from_secs(5);

/// What a server says of itself in every exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// The highest epoch it knows.
    pub epoch: EpochToken,
    /// `address:port` where it answers other servers, first choice first.
    pub addresses: Vec<String>,
    /// When the database it works with was taken; `None` on an active server.
    pub copy_taken_at: Option<String>,
    /// More of that copy.
    #[serde(default)]
    pub copy: Option<CopyFacts>,
    /// Where its database is on a database server: how that stands.
    #[serde(default)]
    pub replication: Option<Replication>,
    /// Which start of it this is.
    #[serde(default)]
    pub start: Start,
}

/// Another server, as last heard.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) facts: ServerFacts,
    /// RFC 3339; `None` while it was not heard since this server's start.
    pub(crate) last_heard: Option<String>,
    pub(crate) reachable: bool,
    /// How many changes its database held when it was heard.
    pub(crate) change: Option<u64>,
    /// Its epochs, with the change at which each began.
    pub(crate) forks: Vec<(u64, u64)>,
    /// How far its clock is ahead of this server's, in milliseconds.
    pub(crate) clock_ahead_ms: Option<i64>,
    /// How many certificates it said it knows to be no longer good, and what tells those from any others.
    revoked: Option<(u64, String)>,
    heard: Option<Instant>,
}

impl Peer {
    /// How long it was silent; `None` if it was not heard since this server's start.
    pub(crate) fn silent_for(&self, now: Instant) -> Option<Duration> {
        self.heard.map(|heard| now.saturating_duration_since(heard))
    }
}

/// What a server says of its database, and what time it was there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// How many changes it holds.
    pub(crate) change: u64,
    /// Its epochs, with the change at which each began.
    pub(crate) forks: Vec<(u64, u64)>,
    /// How many certificates it knows to be no longer good.
    pub(crate) revoked: u64,
    /// Tells those from any others.
    pub(crate) revoked_digest: String,
    /// How far its clock is ahead of this server's, in milliseconds.
    pub(crate) clock_ahead_ms: Option<i64>,
}

/// What is new about a server that was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing.
    AsBefore,
    /// What it says of itself.
    OfItself,
    /// That it answers.
    Again,
}

/// The other servers, in memory. Cheap to clone; all clones are one board.
#[derive(Clone, Debug)]
pub struct PeerBoard {
    own_id: Arc<str>,
    own_addresses: Arc<OnceLock<Vec<String>>>,
    peers: Arc<Mutex<BTreeMap<String, Peer>>>,
}

impl PeerBoard {
    /// An empty board of the server `own_id`.
    #[must_use]
    pub fn new(own_id: &str) -> Self {
        Self { own_id: own_id.into(), own_addresses: Arc::default(), peers: Arc::default() }
    }

    /// Does that server answer? This one always does; an unknown one does not.
    #[must_use]
    pub fn is_reachable(&self, server_id: &str) -> bool {
        *server_id == *self.own_id || self.lock().get(server_id).is_some_and(|peer| peer.reachable)
    }

    /// Whether that server said last that it is active.
    #[must_use]
    pub fn is_active(&self, server_id: &str) -> bool {
        self.lock().get(server_id).is_some_and(|peer| peer.facts.role == Role::Active)
    }

    /// The name another server gave itself.
    #[must_use]
    pub fn name_of(&self, server_id: &str) -> Option<String> {
        self.lock().get(server_id).map(|peer| peer.facts.name.clone())
    }

    /// When that server was last heard since this server's start, RFC 3339.
    pub(crate) fn last_heard_of(&self, server_id: &str) -> Option<String> {
        self.lock().get(server_id).and_then(|peer| peer.last_heard.clone())
    }

    /// The other servers, by id.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        self.lock().values().cloned().collect()
    }

    /// Remembers a server from an earlier run; it counts as unreachable until it is heard.
    pub(crate) fn remember(&self, facts: ServerFacts) {
        self.lock().entry(facts.id.clone()).or_insert(Peer {
            facts,
            last_heard: None,
            reachable: false,
            change: None,
            forks: Vec::new(),
            clock_ahead_ms: None,
            revoked: None,
            heard: None,
        });
    }

    /// That server was removed. Says whether it was known.
    pub(crate) fn forget(&self, server_id: &str) -> bool {
        self.lock().remove(server_id).is_some()
    }

    /// A server was heard.
    pub(crate) fn hear(&self, facts: ServerFacts, told: Told, now: Instant, at: String) -> Heard {
        let peer = Peer {
            facts,
            last_heard: Some(at),
            reachable: true,
            change: Some(told.change),
            forks: told.forks,
            clock_ahead_ms: told.clock_ahead_ms,
            revoked: Some((told.revoked, told.revoked_digest)),
            heard: Some(now),
        };
        let mut peers = self.lock();
        // An old image does not make the later start forgotten.
        let latest = peers.get(&peer.facts.id).map(|old| old.facts.start.clone()).filter(|old| *old > peer.facts.start);
        let start = latest.unwrap_or_else(|| peer.facts.start.clone());
        let peer = Peer { facts: ServerFacts { start, ..peer.facts }, ..peer };
        let heard = match peers.get(&peer.facts.id) {
            Some(old) if old.reachable && old.facts == peer.facts => Heard::AsBefore,
            Some(old) if old.reachable => Heard::OfItself,
            Some(_) | None => Heard::Again,
        };
        peers.insert(peer.facts.id.clone(), peer);
        heard
    }

    /// How many certificates that server said it knows to be no longer good.
    pub(crate) fn revoked_at(&self, server_id: &str) -> Option<u64> {
        self.lock().get(server_id).and_then(|peer| Some(peer.revoked.as_ref()?.0))
    }

    /// Whether that server said it knows just these certificates to be no longer good.
    pub(crate) fn knows_revoked(&self, server_id: &str, digest: &str) -> bool {
        let peers = self.lock();
        let said = peers.get(server_id).and_then(|peer| peer.revoked.as_ref());
        said.is_some_and(|(_, said)| said == digest)
    }

    /// The latest start of that server that was ever heard of here.
    pub(crate) fn latest_start_of(&self, server_id: &str) -> Option<Start> {
        self.lock().get(server_id).map(|peer| peer.facts.start.clone())
    }

    /// `address:port` where this server answers others; empty before it listens.
    pub(crate) fn own_addresses(&self) -> Vec<String> {
        self.own_addresses.get().cloned().unwrap_or_default()
    }

    /// This server listens; a second call is ignored.
    pub(crate) fn listens_at(&self, addresses: Vec<String>) {
        let _ = self.own_addresses.set(addresses);
    }

    /// It did not answer a question.
    pub(crate) fn lose(&self, server_id: &str) {
        if let Some(peer) = self.lock().get_mut(server_id) {
            peer.reachable = false;
        }
    }

    /// Marks the servers that fell silent; their ids, each told once.
    pub(crate) fn expire(&self, now: Instant) -> Vec<String> {
        let mut silent = Vec::new();
        for (id, peer) in self.lock().iter_mut() {
            let since = peer.heard.map(|heard| now.saturating_duration_since(heard));
            if peer.reachable && since.is_none_or(|since| since >= SILENCE_LIMIT) {
                peer.reachable = false;
                silent.push(id.clone());
            }
        }
        silent
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(id: &str) -> ServerFacts {
        ServerFacts {
            id: id.to_owned(),
            name: format!("Server {id}"),
            role: Role::Standby,
            epoch: EpochToken { number: 1, server_id: "a".to_owned(), seal: String::new() },
            addresses: vec!["127.0.0.1:51215".to_owned()],
            copy_taken_at: None,
            copy: None,
            replication: None,
            start: Start::default(),
        }
    }

    #[test]
    fn a_server_is_reachable_until_it_was_silent_for_the_limit() {
        let board = PeerBoard::new("a");
        let start = Instant::now();
        assert!(board.is_reachable("a"));
        assert!(!board.is_reachable("b"));
        assert_eq!(board.hear(facts("b"), Told::default(), start, "t".to_owned()), Heard::Again);
        assert!(board.is_reachable("b"));
        assert_eq!(
            board.hear(facts("b"), Told::default(), start + Duration::from_secs(1), "t".to_owned()),
            Heard::AsBefore
        );
        let renamed = ServerFacts { name: "Renamed".to_owned(), ..facts("b") };
        assert_eq!(
            board.hear(renamed, Told::default(), start + Duration::from_secs(1), "t".to_owned()),
            Heard::OfItself
        );
        assert!(board.expire(start + Duration::from_secs(5)).is_empty());
        assert_eq!(board.expire(start + Duration::from_secs(6)), ["b"]);
        assert!(!board.is_reachable("b"));
        assert!(board.expire(start + Duration::from_secs(7)).is_empty(), "told once");
        assert_eq!(
            board.hear(facts("b"), Told::default(), start + Duration::from_secs(8), "t".to_owned()),
            Heard::Again
        );
    }

    #[test]
    fn a_remembered_server_has_a_name_and_does_not_answer() {
        let board = PeerBoard::new("a");
        board.remember(facts("b"));
        assert_eq!(board.name_of("b").as_deref(), Some("Server b"));
        assert!(!board.is_reachable("b"));
        assert!(board.expire(Instant::now()).is_empty());
    }
}
