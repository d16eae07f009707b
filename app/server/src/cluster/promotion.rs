//! An operator makes this server the active one.

use super::{
    peer_board::ServerFacts,
    peer_requests::PeerRequest,
    replication::is_written_in,
    role_changes::unwritten,
    roles::{Pause, RoleRecord},
};
use crate::{
    Service,
    actor::Actor,
    db::{Promotion, PromotionKind},
    epoch::EpochToken,
};
use model::{
    AccountRule, Evidence, Fault, FieldError, Missing, OtherServer, PromotionInput, ReplicationPart, Role, Server,
    ServerObstacle,
};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, time::timeout};

/// The longest account of how a server was stopped, in characters.
const MAX_STOPPED_CHARACTERS: usize = 200;
/// How long the other servers have to say how they stand before one is promoted over their heads.
const HEARING: Duration = Duration::from_secs(3);

impl Service {
    /// What an operator should know before this server is made active.
    ///
    /// # Errors
    ///
    /// The store fails, or `id` is another server.
    pub async fn promotion_evidence(&self, id: &str) -> Result<Evidence, Fault> {
        self.require_own(id)?;
        let devices = self.store.count_devices().await?;
        let held = self.devices_per_server().await?;
        let copy = self.store.copy();
        let peers = self.peers.peers();
        let newest = peers.iter().filter_map(|peer| peer.change).max();
        let held_here = match (&copy, self.role()) {
            (Some(copy), _) => Some(copy.content.change),
            (None, Role::Standby) => Some(self.store.newest_change().await?),
            (None, Role::Active | Role::ReadOnly) => None,
        };
        let others = peers.into_iter().map(|peer| OtherServer {
            devices: held.get(&peer.facts.id).copied().unwrap_or_default(),
            name: peer.facts.name,
            role: peer.facts.role,
            epoch: peer.facts.epoch.number,
            reachable: peer.reachable,
            last_heard: peer.last_heard,
        });
        Ok(Evidence {
            role: self.role(),
            epoch: self.roles.now().epoch.number,
            devices,
            devices_here: held.get(&self.identity.server_id).copied().unwrap_or_default(),
            copy_taken_at: copy.as_ref().map(|copy| copy.taken_at.clone()),
            changes_missing: held_here.map(|held| newest.unwrap_or_default().saturating_sub(held)),
            replication: self.own_replication(),
            needs_account: self.needs_account(),
            others: others.collect(),
        })
    }

    /// Makes this server the active one. If another one is active and answers, it gives its role first and nothing is lost;
    /// if it does not answer, the operator has to say how it was stopped.
    ///
    /// # Errors
    ///
    /// Not this server, active already, a confirmation that is not its name, no word about a server that does not answer,
    /// or what the store says: then nothing has changed.
    pub async fn promote(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        input: &PromotionInput,
    ) -> Result<Vec<Server>, Fault> {
        self.require_own(id)?;
        // To its end, also when whoever asked has hung up.
        let (service, actor, input) = (self.clone(), actor.clone(), input.clone());
        let work = tokio::spawn(async move { service.promote_in_turn(&actor, &input).await });
        work.await.map_err(|error| {
            tracing::error!(%error, "a promotion was cut off");
            Fault::Internal
        })??;
        self.list_servers().await
    }

    async fn promote_in_turn(&self, actor: &Actor, input: &PromotionInput) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        if self.role() == Role::Active {
            return Err(ServerObstacle::AlreadyActive { server: self.identity.server_name.clone() }.into());
        }
        self.hear_others().await?;
        let stopped = self.check_promotion(input)?;
        let from = self.ask_for_the_role(&actor.login).await?;
        self.await_lease().await?;
        let kind = if from.is_some() { PromotionKind::Handover } else { PromotionKind::Takeover };
        let promoted = self.become_active(actor, kind, stopped, None).await;
        if promoted.is_err()
            && let Some(server) = from
        {
            self.run_peer_request(|reply| PeerRequest::GiveBack { server, reply }).await.unwrap_or_else(|reason| {
                tracing::error!(reason, "the server that gave its role could not be told to take it back");
            });
        }
        promoted
    }

    /// What is known of the others may be seconds old: one may have taken the role since, be gone, or be back.
    async fn hear_others(&self) -> Result<(), Fault> {
        // Where both share a database the lock on it decides.
        let asked = if self.shares_its_database() { Vec::new() } else { self.peers.peers() };
        for peer in asked {
            let server = peer.facts.id;
            let hearing = self.run_peer_request(|reply| PeerRequest::Hear { server: server.clone(), reply });
            let heard = timeout(HEARING, hearing).await.unwrap_or_else(|_| Err("it takes too long".to_owned()));
            if let (Err(reason), true) = (heard, peer.reachable) {
                tracing::warn!(server, reason, "the other server does not answer before this one is made active");
                self.peers.lose(&server);
                self.begin_outage(&server).await?;
                self.tell_reachability(&server).await?;
            }
        }
        Ok(())
    }

    /// The account of how the other server was stopped, if one was given.
    fn check_promotion(&self, input: &PromotionInput) -> Result<Option<String>, Fault> {
        let mut errors = Vec::new();
        if input.confirm.trim() != self.identity.server_name {
            let server = self.identity.server_name.clone();
            errors.push(FieldError::new("confirm", AccountRule::Confirm { server }));
        }
        let stopped = input.stopped.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if self.needs_account() && stopped.is_none() {
            errors.push(FieldError::new("stopped", AccountRule::NoAccount));
        }
        if stopped
            .is_some_and(|text| text.chars().count() > MAX_STOPPED_CHARACTERS || text.chars().any(char::is_control))
        {
            errors.push(FieldError::new("stopped", AccountRule::OneLine { most: MAX_STOPPED_CHARACTERS }));
        }
        if errors.is_empty() { Ok(stopped.map(str::to_owned)) } else { Err(Fault::Invalid { errors }) }
    }

    /// Another server may be active without anybody here seeing it.
    fn needs_account(&self) -> bool {
        let peers = self.peers.peers();
        // A lock keeps the other one out.
        !self.shares_its_database() && (peers.is_empty() || peers.iter().any(|peer| !peer.reachable))
    }

    /// It was active, and no copy may take the place of what it wrote before that is kept aside.
    fn has_records_of_its_own(&self) -> bool {
        let gone_back = self.roles.now().pause == Some(Pause::Restored);
        let overtaken = matches!(
            self.roles.now().pause,
            Some(Pause::Superseded | Pause::Outranked | Pause::Outdated | Pause::Behind { .. })
        );
        let own_file = self.store.has_file() && self.store.copy().is_none() && !self.shares_its_database();
        overtaken || (own_file && !gone_back)
    }

    /// Asks the active server to step down, and fetches what it wrote last. `None` if no active server answers.
    async fn ask_for_the_role(&self, by: &str) -> Result<Option<String>, Fault> {
        let active = self.peers.peers().into_iter().find(|peer| peer.reachable && peer.facts.role == Role::Active);
        let Some(active) = active else { return Ok(None) };
        if self.has_records_of_its_own() {
            return Err(ServerObstacle::ActiveServerAnswers { active: active.facts.name }.into());
        }
        self.require_following(&active.facts).await?;
        let (server, by) = (active.facts.id.clone(), by.to_owned());
        let asked = self.run_peer_request(|reply| PeerRequest::StepDown { server, by, reply }).await;
        let name = active.facts.name;
        asked.map_err(|because| ServerObstacle::RoleNotHandedOver { active: name, because })?;
        Ok(Some(active.facts.id))
    }

    /// Refuses where the database server here neither follows that of `active` nor is the same: it would never have what that
    /// one wrote last, however far its own log has come.
    async fn require_following(&self, active: &ServerFacts) -> Result<(), Fault> {
        let Some(seen) = self.store.look_at_cluster().await? else { return Ok(()) };
        let is_same = seen.part == ReplicationPart::Primary && is_written_in(&seen, &active.epoch);
        if is_same || seen.part == ReplicationPart::Replica {
            return Ok(());
        }
        Err(ServerObstacle::DatabaseNotFollowing { active: active.name.clone() }.into())
    }

    /// Begins an epoch. With a pause the role is held back until that ends.
    pub(crate) async fn become_active(
        &self,
        actor: &Actor,
        kind: PromotionKind,
        stopped: Option<String>,
        pause: Option<Pause>,
    ) -> Result<(), Fault> {
        self.go_on_from_here()?;
        let before = self.roles.now().epoch;
        // A shared database may have seen more epochs than this server.
        let known = before.number.max(self.store.epoch_of_shared_database().await?);
        let epoch = EpochToken::seal(&self.keys, known + 1, &self.identity.server_id).map_err(|error| {
            tracing::error!(%error, "no epoch could be sealed");
            Fault::Internal
        })?;
        let subject = format!("server {}", self.identity.server_name);
        let after = json!({ "epoch": epoch.number, "kind": kind, "stopped": stopped });
        let audit = self.audit(actor, "server.promote", subject, Some(json!({ "epoch": before.number })), Some(after));
        self.store.promote_database(&Promotion { epoch: epoch.clone(), kind, stopped, audit }).await?;
        // Only now does it count: a start before this line finds a standby, and puts the unused database aside.
        let role = if pause.is_some() { Role::ReadOnly } else { Role::Active };
        let changed = self.roles.change(|_| Some(RoleRecord { role, pause, epoch: epoch.clone() }));
        if let Err(error) = changed {
            let fault = unwritten(&error);
            self.store.demote_database().await?;
            return Err(fault);
        }
        if let Some(quorum) = self.quorum.get() {
            quorum.follow(&self.roles.now());
        }
        tracing::warn!(epoch = epoch.number, by = actor.login, ?kind, "the role is this server's now");
        if kind == PromotionKind::Takeover {
            self.outages.note_takeover(Instant::now());
        }
        self.role_changed();
        if let Err(fault) = self.adopt_own_local_database().await {
            // The role is this server's all the same.
            tracing::warn!(%fault, "what this server learned as standby is not in its database yet: it is tried again");
        }
        Ok(())
    }

    /// Has another server asked, and waits for what comes of it.
    pub(crate) async fn run_peer_request<T>(
        &self,
        peer_request: impl FnOnce(oneshot::Sender<Result<T, String>>) -> PeerRequest,
    ) -> Result<T, String> {
        let (reply, answer) = oneshot::channel();
        let stopping = || "this server is being stopped".to_owned();
        let peer_requests = self.peer_requests.get().ok_or_else(stopping)?;
        peer_requests.send(peer_request(reply)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }

    /// Refuses what only a server itself can do.
    pub(crate) fn require_own(&self, id: &str) -> Result<(), Fault> {
        if id == self.identity.server_id {
            return Ok(());
        }
        match self.peers.name_of(id) {
            Some(server) => Err(ServerObstacle::OtherServer { server }.into()),
            None => Err(Missing::Server { server: id.to_owned() }.into()),
        }
    }
}
