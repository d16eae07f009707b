//! Automatic promotion: a standby takes over by itself when the active server is silent and most devices are on it, and an
//! active server that hears neither steps down. The rules are [`gateway::quorum`]'s.

use super::{
    quorum::{Letter, QuorumKeeper, QuorumView},
    role_changes::unwritten,
    roles::{Pause, RoleRecord},
};
use crate::{Service, actor::Actor, changes::Change, db::PromotionKind, epoch::EpochToken};
use gateway::{
    quorum::ProposalRefused,
    wire::{DeviceId, Epoch},
};
use model::{AutomaticPromotion, Fault, Role, ServerEntry, ServerObstacle};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Service {
    /// What an operator sees of it.
    pub async fn automatic_promotion(&self) -> Result<AutomaticPromotion, Fault> {
        let wanted = self.store.find_automatic_promotion().await?;
        let devices = self.store.count_devices().await?;
        let Some(quorum) = self.quorum.get() else {
            let note = Some(ServerObstacle::LeaseDecides.to_string());
            return Ok(AutomaticPromotion { devices, note, ..AutomaticPromotion::default() });
        };
        let view = quorum.view();
        let note = if wanted { self.why_not_in_force(&view, quorum.electors_min()) } else { None };
        Ok(AutomaticPromotion {
            possible: true,
            wanted,
            in_force: view.in_force,
            electors: view.electors as u64,
            electors_here: view.held as u64,
            devices,
            hold_seconds: quorum.hold().as_secs(),
            window_seconds: quorum.window().as_secs(),
            note,
        })
    }

    /// Switches it on or off; only the active server does.
    ///
    /// # Errors
    ///
    /// Not active, a shared database file, or the store fails.
    pub async fn set_automatic_promotion(&self, actor: &Actor, wanted: bool) -> Result<AutomaticPromotion, Fault> {
        self.require_active().await?;
        let Some(quorum) = self.quorum.get() else {
            return Err(ServerObstacle::LeaseDecides.into());
        };
        let (before, after) = (json!({ "automatic_promotion": !wanted }), json!({ "automatic_promotion": wanted }));
        let subject = "installation".to_owned();
        let audit = self.audit(actor, "installation.automatic_promotion", subject, Some(before), Some(after));
        if self.store.set_automatic_promotion(wanted, &audit).await? {
            tracing::warn!(by = actor.login, wanted, "automatic promotion");
            self.changed(Change::Server);
            self.changed(Change::Database);
        }
        self.propose_electorate(quorum).await?;
        self.automatic_promotion().await
    }

    fn why_not_in_force(&self, view: &QuorumView, electors_min: usize) -> Option<String> {
        let others = self.peers.peers().len();
        Some(match view.refused {
            _ if others != 1 => "It needs exactly two servers.".to_owned(),
            _ if view.odd_peer => {
                "The other server works with another --promotion-hold; give both the same and start them again."
                    .to_owned()
            }
            _ if view.in_force => return None,
            None if view.electors < electors_min && self.role() == Role::Active => format!(
                "At least {electors_min} devices must have both servers on their list and have reached both, connected or by \
                 Test from device. {} have.",
                view.electors
            ),
            None | Some(ProposalRefused::Outstanding) if self.role() == Role::Active => {
                "The other server has to confirm which devices count; it does not answer, or has not since the last change or \
                 failover."
                    .to_owned()
            }
            None | Some(ProposalRefused::Outstanding | ProposalRefused::NotActive | ProposalRefused::TooFew) => {
                "The active server has not put it in force yet.".to_owned()
            }
        })
    }

    /// To be called about once a second.
    pub(crate) async fn keep_quorum(self: &Arc<Self>) -> Result<(), Fault> {
        let Some(quorum) = self.quorum.get() else { return Ok(()) };
        quorum.follow(&self.roles.now());
        let peers = self.peers.peers();
        quorum.know_peers(&peers.iter().map(|peer| peer.facts.id.as_str()).collect::<Vec<_>>());
        if self.role() == Role::Active && quorum.is_proposal_due() {
            self.propose_electorate(quorum).await?;
        }
        self.ask_electors(quorum);
        if quorum.tick() {
            self.promote_by_quorum(quorum).await?;
        }
        if quorum.is_news() {
            self.changed(Change::Server);
        }
        self.heed_objection(quorum).await
    }

    /// Says who should count: the devices whose list names both servers, as far as they were seen to reach both by it.
    async fn propose_electorate(&self, quorum: &QuorumKeeper) -> Result<(), Fault> {
        let wanted = self.store.find_automatic_promotion().await?;
        let others: Vec<String> = self.peers.peers().into_iter().map(|peer| peer.facts.id).collect();
        let members = match others.as_slice() {
            [other] if wanted => self.devices_of_both(other).await?,
            _ => BTreeSet::new(),
        };
        let before = quorum.view();
        quorum.propose(&members, wanted);
        let now = quorum.view();
        if (before.in_force, before.electors) != (now.in_force, now.electors) {
            tracing::info!(in_force = now.in_force, electors = now.electors, "who counts for an automatic promotion");
        }
        Ok(())
    }

    async fn devices_of_both(&self, other: &str) -> Result<BTreeSet<u32>, Fault> {
        let lists: BTreeMap<u32, Vec<ServerEntry>> = self.store.list_kept_entries().await?.into_iter().collect();
        let mut reached: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
        let mut note = |device: u32, server: &str, address: &str, port: u16| {
            let entries = lists.get(&device).into_iter().flatten();
            if entries.into_iter().any(|entry| entry.is_at(address, port)) {
                reached.entry(device).or_default().insert(server.to_owned());
            }
        };
        for sighting in self.store.list_sightings().await? {
            note(sighting.device_id, &sighting.server_id, &sighting.address, sighting.port);
        }
        for (device, rows) in self.store.list_probe_rows().await? {
            for row in &rows {
                if let Some(server) = row.server.as_ref().filter(|_| row.passed) {
                    note(device, &server.id, &row.address, row.port);
                }
            }
        }
        let both = |servers: &BTreeSet<String>| servers.contains(&self.identity.server_id) && servers.contains(other);
        let counts = |(device, servers): &(u32, BTreeSet<String>)| both(servers) && !self.is_plain(*device);
        Ok(reached.into_iter().filter(counts).map(|(device, _)| device).collect())
    }

    /// Asks those who count, and are connected here, which epoch they have on disk.
    pub(crate) fn ask_electors(self: &Arc<Self>, quorum: &QuorumKeeper) {
        let Some(gateway) = self.gateway.get() else { return };
        for device in quorum.due() {
            let asked = quorum.ask(device, || {
                let (session, answer) = gateway.ask_epoch(DeviceId(device))?;
                Some((session.0, answer))
            });
            if let Some((session, nonce, answer)) = asked {
                let service = Arc::clone(self);
                tokio::spawn(async move {
                    if let Ok(epoch) = answer.await {
                        service.take_epoch(device, session, nonce, epoch).await;
                    }
                });
            }
        }
    }

    async fn take_epoch(&self, device: u32, session: u64, nonce: u64, epoch: Option<Epoch>) {
        let Some(quorum) = self.quorum.get() else { return };
        if let Some(token) = epoch.clone().map(EpochToken::from)
            && let Err(fault) = self.meet_epoch(&token, "a device").await
        {
            tracing::error!(%fault, "a later epoch could not be put on record");
            return;
        }
        quorum.follow(&self.roles.now());
        let known = self.roles.now().epoch.on_the_wire();
        // One that is higher still has no seal of the installation.
        quorum.answered(device, session, nonce, epoch.as_ref().filter(|epoch| **epoch <= known));
    }

    /// A device's session is over.
    pub(crate) fn elector_gone(&self, device: u32, session: u64) {
        if let Some(quorum) = self.quorum.get() {
            quorum.gone(device, session);
        }
    }

    /// The other server's letter, which came with its news.
    pub(crate) async fn read_letter(&self, from: &str, letter: &Letter) -> Result<(), Fault> {
        let Some(quorum) = self.quorum.get() else { return Ok(()) };
        self.meet_epoch(letter.epoch(), from).await?;
        if *letter.epoch() <= self.roles.now().epoch {
            quorum.follow(&self.roles.now());
            quorum.read_letter(from, letter);
        }
        Ok(())
    }

    /// This standby takes over, and writes as soon as most devices know.
    async fn promote_by_quorum(&self, quorum: &QuorumKeeper) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        if self.role() != Role::Standby {
            return Ok(());
        }
        let QuorumView { held, electors, .. } = quorum.view();
        let silent = quorum.window().as_secs();
        tracing::error!(held, electors, silent, "the active server is silent and most devices are here: taking over");
        let how = format!("silent for {silent} s, while {held} of the {electors} devices that count were here");
        self.become_active(&Actor::system(), PromotionKind::Takeover, Some(how), Some(Pause::Unproven)).await
    }

    /// Stops writing where the rules object, and goes on when they do not any more.
    async fn heed_objection(&self, quorum: &QuorumKeeper) -> Result<(), Fault> {
        let now = self.roles.now();
        match (now.role, now.pause, quorum.objection_now()) {
            (Role::Active, _, Some(standing)) => {
                if self.roles.hold_back(Pause::Alone) {
                    tracing::error!(
                        ?standing,
                        "neither the other server nor half of the devices answer: this server changes nothing until they do"
                    );
                    self.role_changed();
                }
            }
            (Role::ReadOnly, Some(Pause::Alone), None) => {
                if self.roles.resume_from(&Pause::Alone) {
                    tracing::warn!(
                        "the other server or half of the devices answer again: this server changes things again"
                    );
                    self.adopt_own_local_database().await?;
                    self.role_changed();
                }
            }
            (Role::ReadOnly, Some(Pause::Unproven), None) => {
                let proven = |now: &RoleRecord| {
                    (now.pause == Some(Pause::Unproven)).then(|| RoleRecord::new(Role::Active, now.epoch.clone()))
                };
                if self.roles.change(proven).map_err(|error| unwritten(&error))? {
                    tracing::warn!("more than half of the devices know that this server took over: it is active now");
                    self.adopt_own_local_database().await?;
                    self.role_changed();
                }
            }
            (Role::Active | Role::Standby | Role::ReadOnly, _, _) => {}
        }
        Ok(())
    }
}
