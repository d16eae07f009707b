//! Carries out what the rules have this server ask of another one.

use super::{
    Peers,
    copier::{CopyError, fetch, renew},
    line::{CallError, Line},
    message::{Carried, Carry, ORDER, RENEW, Renewed, STEP_DOWN, StepDown, SteppedDown, TAKE_BACK},
};
use crate::{
    cluster::{
        peer_requests::{Order, PeerRequest, Renew},
        roles::Pause,
    },
    db::{Copies, adopt},
};
use model::ProbeRow;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a replica may take to receive the last that the active server wrote.
const REPLICA_PATIENCE: Duration = Duration::from_secs(20);

/// Runs peer requests until `stop`, one after another.
pub(super) async fn run(peers: Arc<Peers>, mut peer_requests: mpsc::Receiver<PeerRequest>, stop: CancellationToken) {
    while let Some(Some(peer_request)) = stop.run_until_cancelled(peer_requests.recv()).await {
        let (reply, outcome) = match peer_request {
            PeerRequest::StepDown { server, by, reply } => (reply, peers.have_step_down(&server, by).await),
            PeerRequest::GiveBack { server, reply } => (reply, peers.give_back(&server).await.map_err(Into::into)),
            PeerRequest::FirstCopy { server, reply } => (reply, peers.fetch_first_copy(&server).await),
            PeerRequest::Hear { server, reply } => {
                let peers = peers.clone();
                // A dead server may take its time to be known as such.
                tokio::spawn(async move { reply.send(peers.hear(&server).await) });
                continue;
            }
            PeerRequest::Order { server, device, order, reply } => {
                let peers = peers.clone();
                // A device may take its time, and others wait for nothing of it.
                tokio::spawn(async move {
                    let answer = peers.have_carried_out(&server, device, order).await;
                    let _ = reply.send(answer.map_err(|error| error.to_string()));
                });
                continue;
            }
            PeerRequest::Renew { server, renewal, reply } => {
                let peers = peers.clone();
                tokio::spawn(async move {
                    let answer = peers.have_renewed(&server, renewal).await;
                    let _ = reply.send(answer.map_err(|error| error.to_string()));
                });
                continue;
            }
        };
        // Whoever asked may have gone; what was done stays done.
        let _ = reply.send(outcome.map_err(|error| error.to_string()));
    }
}

impl Peers {
    async fn have_step_down(&self, server: &str, by: String) -> Result<(), CopyError> {
        let mut line = self.dial(server).await?;
        let taken = self.take_all(&mut line, by).await;
        if taken.is_err()
            // It may have stepped down although its answer was lost.
            && let Err(error) = self.give_back(server).await
        {
            tracing::warn!(server, %error, "the server that was asked for its role did not take it back");
        }
        taken
    }

    async fn take_all(&self, line: &mut Line, by: String) -> Result<(), CopyError> {
        let stepped: SteppedDown = line.post_patiently(STEP_DOWN, &StepDown { by }).await?;
        if self.service.shares_its_database() {
            return Ok(());
        }
        if self.service.store.is_on_a_server() {
            let Some(position) = stepped.position else {
                return Err(CopyError::Altered("its database is not on a database server".to_owned()));
            };
            return Ok(self.service.store.await_position(position, REPLICA_PATIENCE).await?);
        }
        // An operator went back to earlier records: what came after them stays with the other server.
        if self.service.roles.now().pause == Some(Pause::Restored) {
            return Ok(());
        }
        let manifest = renew(self, line).await?;
        if Some(manifest.sha256) == stepped.manifest.map(|announced| announced.sha256) {
            Ok(())
        } else {
            Err(CopyError::Altered("it is not the one that was announced".to_owned()))
        }
    }

    async fn give_back(&self, server: &str) -> Result<(), CallError> {
        let mut line = self.dial(server).await?;
        line.post_patiently::<_, serde_json::Value>(TAKE_BACK, &serde_json::json!({})).await.map(drop)
    }

    async fn have_carried_out(&self, server: &str, device: u32, order: Order) -> Result<Vec<ProbeRow>, CallError> {
        let mut line = self.dial(server).await?;
        let done: Carried = line.post_patiently(ORDER, &Carry { device, order }).await?;
        Ok(done.rows)
    }

    async fn have_renewed(&self, server: &str, renewal: Renew) -> Result<Vec<u8>, CallError> {
        let mut line = self.dial(server).await?;
        let renewed: Renewed = line.post(RENEW, &renewal).await?;
        hex::decode(renewed.certificate).map_err(|error| CallError::Malformed(error.to_string()))
    }

    async fn fetch_first_copy(&self, server: &str) -> Result<(), CopyError> {
        let copies = Copies::of(self.service.store.folder());
        let mut line = self.dial(server).await?;
        let _turn = self.transfer.lock().await;
        let manifest = fetch(&mut line, &copies).await?;
        let epoch = self.service.roles.now().epoch.number;
        let known = (self.service.identity().installation_id.as_str(), epoch);
        adopt(&copies, &manifest, Some(known)).await?.close().await;
        Ok(())
    }
}
