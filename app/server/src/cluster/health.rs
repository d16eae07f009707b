//! What load balancers and cluster managers ask.

use crate::Service;
use model::{Fault, Role, ServerObstacle};

impl Service {
    /// Can this server serve people and devices?
    ///
    /// # Errors
    ///
    /// Why not: a database that does not answer, a device gateway that does not listen yet.
    pub async fn check_ready(&self) -> Result<(), Fault> {
        self.store.ping().await?;
        match self.gateway.get() {
            Some(_) => Ok(()),
            None => Err(ServerObstacle::GatewayNotListening.into()),
        }
    }

    /// Is this the server that writes?
    ///
    /// # Errors
    ///
    /// Why not: not ready, or standby.
    pub async fn check_active(&self) -> Result<(), Fault> {
        self.check_ready().await?;
        match self.role() {
            Role::Active => Ok(()),
            Role::Standby | Role::ReadOnly => self.require_active().await,
        }
    }
}
