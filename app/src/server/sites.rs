//! What the servers of an installation tell one another: who joins, who is connected where, and the book's copies.
//!
//! HTTP/1.1 with JSON over TLS 1.3, both ends with certificates of the installation's authority; only a newcomer has none
//! yet. The standby dials the active server every second. Both remember where the other answers.

mod board;
mod copier;
mod exchange;
mod join;
mod join_string;
mod line;
mod listener;
mod message;
mod peers_file;
mod snapshots;

pub(in crate::server) use board::Heard;
pub use board::{PeerBoard, ServerFacts};
pub use copier::{FirstCopyError, open_standby};
pub use join::{Applicant, JoinError, join};
pub(in crate::server) use join_string::proof_holds;
pub use join_string::{JoinString, JoinStringError};
pub use message::{Exchange, ExchangeReply, JoinAnswer, JoinReply, JoinRequest};
pub use peers_file::remember_servers;

use super::{keys::Keys, service::Service};
use crate::model::Role;
use gateway::tls::{self, Clock, TlsError, Trust};
use rustls::ClientConfig;
use snapshots::Snapshot;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

/// The one protocol spoken here.
const ALPN: &[&[u8]] = &[b"http/1.1"];
/// How often the standby calls, and silence is looked for.
const TICK: Duration = Duration::from_secs(1);

/// What all connections between servers share.
struct Sites {
    service: Arc<Service>,
    /// How to dial another server.
    dial: Arc<ClientConfig>,
    /// The newest snapshot of the book; `None` on a standby.
    snapshot: watch::Receiver<Option<Arc<Snapshot>>>,
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
    stop: CancellationToken,
) -> Result<JoinHandle<()>, TlsError> {
    let installation = &service.site().installation_id;
    let server = tls::server_config(&service.keys.server_credentials()?, ALPN)?;
    let dial = client_config(&service.keys, installation)?;
    service.peers.listens_at(advertised);
    let remembered = peers_file::load(service.store.folder());
    for facts in &remembered {
        service.peers.remember(facts.clone());
    }
    let (latest, snapshot) = watch::channel(None);
    let sites = Arc::new(Sites { service: service.clone(), dial, snapshot, remembered: Mutex::new(remembered) });
    let mut tasks = JoinSet::new();
    tasks.spawn(listener::serve(listener, server, sites.clone(), stop.clone()));
    tasks.spawn(watch_silence(service.clone(), stop.clone()));
    match service.site().role {
        Role::Active => {
            tasks.spawn(snapshots::keep(service.clone(), latest, stop));
        }
        Role::Standby => {
            let (wanted, offered) = watch::channel(None);
            tasks.spawn(exchange::call(sites.clone(), wanted, stop.clone()));
            tasks.spawn(copier::follow(sites, offered, stop));
        }
    }
    Ok(tokio::spawn(async move { while tasks.join_next().await.is_some() {} }))
}

async fn watch_silence(service: Arc<Service>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Err(fault) = service.expire_peers().await {
            tracing::error!(%fault, "pages could not be told that the other server is silent");
        }
    }
}

/// Dials as a server of the installation, and only servers of it.
fn client_config(keys: &Keys, installation_id: &str) -> Result<Arc<ClientConfig>, TlsError> {
    let own = keys.server_credentials()?;
    let trust = Trust::Authority { der: own.authority_der, installation_id: installation_id.to_owned() };
    tls::client_config(trust, Some((own.certificate_der, own.key_der)), Clock::system(), ALPN)
}
