//! What every room asks of the parts that [`Service`] holds together.

use crate::{
    Service,
    changes::{Change, Changes},
    cluster::{peer_requests::PeerRequest, quorum::QuorumKeeper, roles::RoleRecord, starts::Starts},
    epoch::EpochToken,
    identity::Identity,
    interfaces::metrics::Metrics,
};
use gateway::server::Handle;
use model::{Banner, Fault, Role};
use std::collections::BTreeSet;
use tokio::sync::{broadcast, mpsc, watch};

impl Service {
    /// Who this server is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The certificate of the installation's authority, PEM.
    #[must_use]
    pub fn authority_certificate(&self) -> String {
        self.keys.authority().certificate_pem().to_owned()
    }

    /// What is measured.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What changes, as it changes.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Says which start of this server this is.
    pub(crate) fn begin_start(&self, start: Starts) {
        *self.start.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = start;
    }

    /// Attaches the listening device gateway; a second call is ignored.
    pub fn attach_gateway(&self, handle: Handle) {
        let _ = self.gateway.set(handle);
    }

    /// Attaches the fleet quorum; a second call is ignored.
    pub(crate) fn attach_quorum(&self, quorum: QuorumKeeper) {
        let _ = self.quorum.set(quorum);
    }

    /// Attaches the link to the other servers; a second call is ignored.
    pub(crate) fn attach_peers(&self, peer_requests: mpsc::Sender<PeerRequest>) {
        let _ = self.peer_requests.set(peer_requests);
    }

    /// Says which devices may speak in the clear; a second call is ignored.
    pub(crate) fn let_in_plainly(&self, devices: BTreeSet<u32>) {
        let _ = self.plain_devices.set(devices);
    }

    /// Whether anybody could say that it is this device.
    pub(crate) fn is_plain(&self, device: u32) -> bool {
        self.plain_devices.get().is_some_and(|devices| devices.contains(&device))
    }

    /// Puts a warning on top of every page.
    pub fn warn(&self, warning: String) {
        self.warnings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(warning);
    }

    pub(crate) fn warnings(&self) -> Vec<Banner> {
        let warnings = self.warnings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        warnings.iter().map(|text| Banner { text: text.clone() }).collect()
    }

    /// Ends all use of the databases; the last step of stopping.
    pub(crate) async fn close_store(&self) {
        self.store.close().await;
    }

    /// The role of this server now.
    #[must_use]
    pub fn role(&self) -> Role {
        let role = self.roles.role();
        // Also a moment before it is noticed and shown.
        let objects = || self.quorum.get().is_some_and(|quorum| quorum.objection().is_some());
        if role == Role::Active && objects() { Role::ReadOnly } else { role }
    }

    /// Hears of every change of the role.
    #[must_use]
    pub fn watch_role(&self) -> watch::Receiver<RoleRecord> {
        self.roles.watch()
    }

    /// The highest epoch that is known here.
    #[must_use]
    pub fn known_epoch(&self) -> EpochToken {
        self.roles.now().epoch
    }

    /// Refuses edits on every server but the active one.
    ///
    /// # Errors
    ///
    /// [`Fault::NotActive`] with the active server's name.
    pub(crate) async fn require_active(&self) -> Result<(), Fault> {
        match self.role() {
            Role::Active => Ok(()),
            Role::Standby | Role::ReadOnly => Err(Fault::NotActive { active: self.active_server_name().await }),
        }
    }

    pub(crate) fn changed(&self, change: Change) {
        if let (Change::Database, Some(quorum)) = (&change, self.quorum.get()) {
            quorum.wrote(self.clock.now_text());
        }
        self.own_changes.send(change.clone());
        self.changes.send(change);
    }

    /// What this server itself changes, from now on.
    pub(crate) fn own_changes(&self) -> broadcast::Receiver<Change> {
        self.own_changes.listen()
    }
}
