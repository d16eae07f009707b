//! What the servers of an installation tell one another: who joins, who is connected where, and the database's copies.
//!
//! HTTP/1.1 with JSON over TLS 1.3, both ends with certificates of the installation's authority; only a newcomer has none
//! yet. A server that is not active dials the others every second, the active one those that it does not hear. All remember
//! where the others answer.

mod copier;
mod exchange;
mod join;
mod line;
mod listener;
mod memory;
mod message;
mod news;
mod peer_requests;
mod snapshots;

pub use copier::{FirstCopyError, open_standby};
pub use join::{Applicant, JoinError, join};
pub use message::{Exchange, ExchangeReply, News};

use crate::{
    Service,
    cluster::{copy_schedule::Schedule, peer_board::ServerFacts, peers_file},
    keys::Keys,
};
use gateway::tls::{self, Clock, TlsError, Trust};
use rustls::ClientConfig;
use snapshots::Snapshot;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

/// The one protocol spoken here.
const ALPN: &[&[u8]] = &[b"http/1.1"];
/// How often the standby calls, and silence is looked for.
const TICK: Duration = Duration::from_secs(1);
/// Before devices are asked again for lists that could not be compared.
const LEARN_RETRY: Duration = Duration::from_secs(10);
/// How often it is looked whether a restore test is due.
const RESTORE_TEST_LOOK: Duration = Duration::from_secs(10);

/// What all connections between servers share.
struct Peers {
    service: Arc<Service>,
    /// How to dial another server.
    dial: Arc<ClientConfig>,
    /// The newest snapshot of the database; `None` on a server that has written none since it started.
    latest: watch::Sender<Option<Arc<Snapshot>>>,
    /// The snapshot that was sent last, kept for a transfer that breaks off.
    sent: Mutex<Option<Arc<Snapshot>>>,
    /// One copy arrives at a time.
    transfer: tokio::sync::Mutex<()>,
    /// What `peers.json` holds.
    remembered: Mutex<Vec<ServerFacts>>,
}

/// Answers other servers on `listener` until `stop`, and calls them if this one is standby. `advertised` are the
/// `address:port` under which the others reach it. The task ends when all connections have.
///
/// # Errors
///
/// Keys that do not fit together.
pub fn start(
    service: &Arc<Service>,
    listener: TcpListener,
    advertised: Vec<String>,
    schedule: Schedule,
    stop: CancellationToken,
) -> Result<JoinHandle<()>, TlsError> {
    let installation = &service.identity().installation_id;
    let server = tls::server_config(&service.keys.server_credentials()?, ALPN)?;
    let dial = client_config(&service.keys, installation)?;
    service.peers.listens_at(advertised);
    let remembered = peers_file::load(service.store.folder());
    for facts in &remembered {
        service.peers.remember(facts.clone());
    }
    let peers = Arc::new(Peers {
        service: service.clone(),
        dial,
        latest: watch::Sender::new(None),
        sent: Mutex::default(),
        transfer: tokio::sync::Mutex::default(),
        remembered: Mutex::new(remembered),
    });
    let mut tasks = JoinSet::new();
    tasks.spawn(listener::serve(listener, server, peers.clone(), stop.clone()));
    tasks.spawn(watch_silence(service.clone(), stop.clone()));
    tasks.spawn(test_restores(service.clone(), stop.clone()));
    tasks.spawn(learn(service.clone(), stop.clone()));
    tasks.spawn(watch_database(service.clone(), stop.clone()));
    tasks.spawn(watch_quorum(service.clone(), stop.clone()));
    let (asked, peer_requests) = mpsc::channel(1);
    service.attach_peers(asked);
    let (wanted, offered) = watch::channel(None);
    tasks.spawn(exchange::call(peers.clone(), wanted, stop.clone()));
    tasks.spawn(copier::follow(peers.clone(), offered, stop.clone()));
    tasks.spawn(peer_requests::run(peers.clone(), peer_requests, stop.clone()));
    tasks.spawn(snapshots::keep(peers, schedule, stop));
    Ok(tokio::spawn(async move { while tasks.join_next().await.is_some() {} }))
}

/// Large copies take their time, and nothing waits for it.
async fn test_restores(service: Arc<Service>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(RESTORE_TEST_LOOK)).await.is_some() {
        if let Err(fault) = service.test_restore().await {
            tracing::warn!(%fault, "a failover to the copy could not be tested");
        }
    }
}

/// Looks every second how the database server is, where there is one.
async fn watch_database(service: Arc<Service>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Err(fault) = service.look_at_replication().await {
            tracing::error!(%fault, "this server could not follow what its database has become");
        }
    }
}

/// Looks every second whether a server has to take over or to step down.
async fn watch_quorum(service: Arc<Service>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Err(fault) = service.keep_quorum().await {
            tracing::error!(%fault, "the fleet quorum could not be kept");
        }
    }
}

/// Devices take their time to answer, and nothing else waits for it.
async fn learn(service: Arc<Service>, stop: CancellationToken) {
    let mut pause = TICK;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = match service.learn_from_connected().await {
            Ok(()) => TICK,
            Err(fault) => {
                tracing::warn!(%fault, "the devices' lists could not all be compared with the database");
                LEARN_RETRY
            }
        };
    }
}

async fn watch_silence(service: Arc<Service>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Err(fault) = service.expire_peers().await {
            tracing::error!(%fault, "pages could not be told that the other server is silent");
        }
        if let Err(fault) = service.write_outages().await {
            tracing::warn!(%fault, "how the failover goes could not be put on record yet");
        }
        if let Err(fault) = service.close_revoked().await {
            tracing::warn!(%fault, "it could not be seen whether a certificate was revoked");
        }
        if let Err(fault) = service.adopt_what_is_left().await {
            tracing::warn!(%fault, "what this server learned as standby is not in its database yet");
        }
        if let Err(fault) = service.resume_if_overdue().await {
            tracing::warn!(%fault, "this server could not become active again yet");
        }
        if let Err(fault) = service.rejoin_after_handover().await {
            tracing::warn!(%fault, "this server gave its role away and could not become standby yet");
        }
    }
}

/// Dials as a server of the installation, and only servers of it.
fn client_config(keys: &Keys, installation_id: &str) -> Result<Arc<ClientConfig>, TlsError> {
    let own = keys.server_credentials()?;
    let trust = Trust::Authority { der: own.authority_der, installation_id: installation_id.to_owned() };
    tls::client_config(trust, Some((own.certificate_der, own.key_der)), Clock::system(), ALPN)
}
