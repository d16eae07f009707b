//! The way back: a server that was active in an earlier epoch works as standby of the one that is active now. What it wrote
//! alone is kept.

use super::{
    peer_requests::PeerRequest,
    role_changes::unwritten,
    roles::{Pause, RoleRecord},
};
use crate::{Service, actor::Actor, db::CopyFlaw};
use model::{DivergentChange, Fault, Role, Server, ServerObstacle};
use serde_json::json;
use std::sync::Arc;

impl Service {
    /// Makes this server a standby of the active one: fetches its copy, keeps this server's own database aside, and lists
    /// what only that holds.
    ///
    /// # Errors
    ///
    /// Not this server, not read-only, no active server answers, or what the store says: then nothing has changed.
    pub async fn rejoin(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Vec<Server>, Fault> {
        self.require_own(id)?;
        let (service, by) = (self.clone(), actor.clone());
        let work = tokio::spawn(async move { service.rejoin_in_turn(&by).await });
        work.await.map_err(|error| {
            tracing::error!(%error, "rejoining was cut off");
            Fault::Internal
        })??;
        let subject = format!("server {}", self.identity.server_name);
        self.record_act(&self.audit(actor, "server.rejoin", subject, None, None)).await?;
        self.list_servers().await
    }

    async fn rejoin_in_turn(&self, actor: &Actor) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        let record = self.roles.now();
        match (record.role, &record.pause) {
            (
                Role::ReadOnly,
                Some(
                    Pause::Superseded
                    | Pause::Outranked
                    | Pause::HandedOver { .. }
                    | Pause::Outdated
                    | Pause::Behind { .. }
                    | Pause::OtherLine
                    | Pause::Detached { .. }
                    | Pause::Restored,
                ),
            ) => {}
            (Role::ReadOnly, Some(Pause::Starting | Pause::Alone | Pause::Unproven) | None)
            | (Role::Active | Role::Standby, _) => {
                return Err(ServerObstacle::RejoinNotNeeded.into());
            }
        }
        let active = self.peers.peers().into_iter().find(|peer| peer.reachable && peer.facts.role == Role::Active);
        let active = active.filter(|peer| peer.facts.epoch >= record.epoch);
        let Some(active) = active else {
            return Err(ServerObstacle::NoActiveServer.into());
        };
        if self.store.is_on_a_server() {
            return self.detach(&active.forks, &actor.login).await;
        }
        let server = active.facts.id.clone();
        let fetched = self.run_peer_request(|reply| PeerRequest::FirstCopy { server, reply }).await;
        let name = active.facts.name;
        fetched.map_err(|because| ServerObstacle::CopyNotArrived { active: name, because })?;
        let found = self.store.keep_divergent_changes(&self.clock.now_text()).await.map_err(|flaw| {
            if let CopyFlaw::Store(error) = flaw {
                Fault::from(error)
            } else {
                ServerObstacle::CopyUnusable { because: flaw.to_string() }.into()
            }
        })?;
        self.go_on_from_here()?;
        let standby = |now: &RoleRecord| Some(RoleRecord::new(Role::Standby, now.epoch.clone()));
        self.roles.change(standby).map_err(|error| unwritten(&error))?;
        let archive = self.store.demote_database().await?;
        let archive = archive.map(|file| file.display().to_string());
        tracing::warn!(by = actor.login, lone = found, archive, "this server is standby now");
        self.role_changed();
        Ok(())
    }

    /// Joins again by itself where nothing can have been written alone: the role was handed over, and taken.
    ///
    /// # Errors
    ///
    /// As [`rejoin`](Self::rejoin).
    pub(crate) async fn rejoin_after_handover(self: &Arc<Self>) -> Result<(), Fault> {
        let record = self.roles.now();
        let Some(Pause::HandedOver { to }) = &record.pause else { return Ok(()) };
        let taken = self.peers.peers().into_iter().any(|peer| {
            peer.facts.id == *to
                && peer.reachable
                && peer.facts.role == Role::Active
                && peer.facts.epoch == record.epoch
        });
        if taken && record.epoch.server_id == *to {
            let system = Actor::system();
            self.rejoin_in_turn(&system).await?;
        }
        Ok(())
    }

    /// What this server wrote while another one was active already, as long as nobody has dealt with it.
    pub async fn list_divergent_changes(&self) -> Result<Vec<DivergentChange>, Fault> {
        Ok(self.store.list_divergent_changes().await?)
    }

    /// An operator has dealt with all that is listed.
    pub async fn settle_divergent_changes(&self, actor: &Actor) -> Result<(), Fault> {
        let open = self.store.count_divergent_changes().await?;
        self.store.settle_divergent_changes(&actor.login, &self.clock.now_text()).await?;
        self.changed(crate::changes::Change::Server);
        if open == 0 {
            return Ok(());
        }
        let subject = format!("server {}", self.identity.server_name);
        let (before, after) = (json!({ "open": open }), json!({ "open": 0 }));
        self.record_act(&self.audit(actor, "divergent_changes.settle", subject, Some(before), Some(after))).await
    }
}
