//! The standby's calls: every second its news for the other's, which also tells both that the other is alive.

use super::{
    ExchangeReply, Peers, TICK,
    copier::Offer,
    line::{CallError, Line},
    message::EXCHANGE,
};
use crate::cluster::peer_board::Peer;
use model::{Fault, Role};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Further calls at once while there are events or records that did not fit into one.
const MORE_CALLS: u32 = 10;
/// How long the active server waits for a call before it calls itself.
const QUIET: Duration = Duration::from_secs(3);

/// What is known of one other server between calls.
#[derive(Default)]
struct Link {
    line: Option<Line>,
    /// The newest version of our sightings that it has; `None` until it said so.
    has: Option<u64>,
    /// Its last call failed; one line in the log is enough.
    failing: bool,
}

#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("its answer is in the name of another server")]
    OtherName,
}

/// Calls every other server until `stop`; copies that are newer than ours go to `wanted`.
pub(super) async fn call(peers: Arc<Peers>, wanted: watch::Sender<Option<Offer>>, stop: CancellationToken) {
    let work = async {
        let mut links: HashMap<String, Link> = HashMap::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            for peer in peers.callees() {
                let id = peer.facts.id;
                let link = links.entry(id.clone()).or_default();
                match peers.exchange_with(&id, link, &wanted).await {
                    Ok(()) if link.failing => {
                        tracing::info!(server = id, "the other server answers again");
                        link.failing = false;
                    }
                    Ok(()) => {}
                    Err(error) => {
                        if !link.failing {
                            tracing::warn!(server = id, %error, "no exchange with the other server");
                        }
                        *link = Link { failing: true, ..Link::default() };
                    }
                }
            }
            peers.remember();
        }
    };
    stop.run_until_cancelled(work).await;
}

impl Peers {
    /// Whom to call now. Whoever is active is called, and calls only if it hears nothing.
    fn callees(&self) -> Vec<Peer> {
        match self.service.role() {
            Role::Active => {
                let now = Instant::now();
                // Of two active servers on one database one calls the other, as a standby does.
                let fellow =
                    |peer: &Peer| peer.facts.role == Role::Active && peer.facts.id > self.service.identity().server_id;
                let due = |peer: &Peer| fellow(peer) || peer.silent_for(now).is_none_or(|silent| silent >= QUIET);
                self.service.peers.peers().into_iter().filter(due).collect()
            }
            Role::Standby | Role::ReadOnly => self.service.peers.peers(),
        }
    }

    /// A new connection to a server, at the first of its addresses that works.
    pub(super) async fn dial(&self, server: &str) -> Result<Line, CallError> {
        let peers = self.service.peers.peers();
        let addresses = peers.into_iter().find(|peer| peer.facts.id == server).map(|peer| peer.facts.addresses);
        let mut failure = CallError::Malformed("it never said where it answers".to_owned());
        for address in addresses.unwrap_or_default() {
            match self.dial_at(&address, server).await {
                Ok(line) => return Ok(line),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn dial_at(&self, address: &str, server: &str) -> Result<Line, CallError> {
        let line = Line::dial(address, &self.dial).await?;
        let (id, serial) = &line.server;
        if id != server {
            return Err(CallError::Malformed(format!("{address} is server {id}, not {server}")));
        }
        let revoked = self.service.store.is_server_revoked(id, serial).await;
        if revoked.map_err(|error| CallError::Malformed(error.to_string()))? {
            return Err(CallError::Malformed(format!(
                "the server at {address} was removed, or its certificate revoked"
            )));
        }
        Ok(line)
    }

    /// Asks a server how it stands, outside of the usual calls.
    pub(super) async fn hear(&self, server: &str) -> Result<(), String> {
        // Copies are offered again with every usual call.
        let (unused, _) = watch::channel(None);
        self.exchange_with(server, &mut Link::default(), &unused).await.map_err(|error| error.to_string())
    }

    async fn exchange_with(
        &self,
        server: &str,
        link: &mut Link,
        wanted: &watch::Sender<Option<Offer>>,
    ) -> Result<(), ExchangeError> {
        let mut line = match link.line.take() {
            Some(line) => line,
            None => self.dial(server).await?,
        };
        // The first call learns what the other has; the second brings what it lacks.
        let mut calls = if link.has.is_none() { 2 } else { 1 };
        let mut more = 0;
        while calls > 0 {
            calls -= 1;
            let told = self.service.exchange_for(server, link.has).await.map_err(Fault::from)?;
            let reply: ExchangeReply = line.post(EXCHANGE, &told).await?;
            if reply.news.server.id != server {
                return Err(ExchangeError::OtherName);
            }
            link.has = Some(reply.news.have);
            self.offer(&reply, wanted);
            if self.service.take_reply(reply, &told).await? && more < MORE_CALLS {
                more += 1;
                calls = calls.max(1);
            }
        }
        link.line = Some(line);
        Ok(())
    }

    /// Passes on that the active server has another database than ours.
    fn offer(&self, reply: &ExchangeReply, wanted: &watch::Sender<Option<Offer>>) {
        let Some(manifest) = reply.copy.clone() else { return };
        let ours = self.service.store.copy();
        let same = ours.is_some_and(|ours| ours.sha256 == manifest.sha256);
        if reply.news.server.role == Role::Active && !same {
            // Sent again with every call until it is in use, so a refused copy gets another chance.
            wanted.send_replace(Some(Offer { manifest, server: reply.news.server.id.clone() }));
        }
    }
}
