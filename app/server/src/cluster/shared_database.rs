//! The active role where two servers share one database file: it goes with the lease on the file, and with nothing else.

use super::{lease::Keeper, role_changes::unwritten, roles::RoleRecord};
use crate::{
    Service,
    actor::Actor,
    db::{Installation, PromotionKind},
};
use model::{Fault, Role, ServerObstacle};
use std::{sync::Arc, time::Duration};

/// How long a server that was given the role waits for the lock that comes with it.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(100);

impl Service {
    /// The database file is shared under this lease; a second call is ignored.
    pub(crate) fn attach_lease(&self, keeper: Arc<Keeper>) {
        let _ = self.lease.set(keeper);
    }

    /// The lease was free and is held now: this server becomes active on the shared database. Nothing changes if it is
    /// active already.
    ///
    /// # Errors
    ///
    /// The database cannot be used; then the lease has to be given back.
    pub(crate) async fn take_shared_database(&self) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        if self.role() == Role::Active {
            return Ok(());
        }
        let system = Actor::system();
        self.become_active(
            &system,
            PromotionKind::Takeover,
            Some("the lease on the shared database was free".to_owned()),
            None,
        )
        .await
    }

    /// This server must not write the shared database any more: it works with a copy from now on, and gives the lease back
    /// when nothing here has the file open.
    pub(crate) async fn leave_shared_database(&self, because: &str) {
        let _turn = self.turn.lock().await;
        let Some(keeper) = self.lease.get() else { return };
        tracing::warn!(because, "this server gives the shared database up");
        let standby = |now: &RoleRecord| Some(RoleRecord::new(Role::Standby, now.epoch.clone()));
        if let Err(error) = self.roles.change(standby) {
            // On disk it may still be active; the next start asks the lease.
            let _ = unwritten(&error);
            self.roles.override_role(Role::Standby);
        }
        let now = self.clock.now_text();
        let outline = Installation::outline(&self.identity.installation_id, &self.roles.now().epoch, now.clone());
        if let Err(error) = self.store.leave_shared_database(&outline, &now).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no copy of the shared database could be kept here"
            );
        }
        keeper.release();
        self.role_changed();
    }

    /// Waits for the lock after the other server gave its role.
    pub(crate) async fn await_lease(&self) -> Result<(), Fault> {
        let Some(keeper) = self.lease.get() else { return Ok(()) };
        let wait = async {
            loop {
                match keeper.try_take(&self.identity.server_id, &self.identity.server_name) {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(_)) => tokio::time::sleep(LOCK_PAUSE).await,
                    Err(error) => return Err(error.to_string()),
                }
            }
        };
        let got = tokio::time::timeout(LOCK_PATIENCE, wait).await;
        let got = got.unwrap_or_else(|_| Err("another server holds the lease on it".to_owned()));
        got.map_err(|because| ServerObstacle::SharedDatabaseNotOpened { because }.into())
    }

    /// With a shared database: whether this server holds the lease on it.
    pub(crate) fn holds_lease(&self) -> Option<bool> {
        self.lease.get().map(|keeper| keeper.is_held())
    }

    /// Whether the role goes with a lease.
    pub(crate) fn shares_its_database(&self) -> bool {
        self.lease.get().is_some()
    }
}
