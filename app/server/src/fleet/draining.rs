//! Sending this server's devices to others, before it is stopped or looked after.

use crate::{Service, actor::Actor, changes::Change};
use gateway::{server::Refusal, wire::Reason};
use model::{Banner, Draining, Fault, PeerState, ServerObstacle};
use serde_json::json;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

const TEXT: &str = "This server sends its devices to other servers and is not returned to, until somebody lets it take devices again. Devices that find no other server stay here.";

/// Set while devices are sent away, which is until it is ended or the server restarts: what sends the waves.
#[derive(Default)]
pub(crate) struct Drained(Mutex<Option<AbortHandle>>);

impl Drained {
    fn lock(&self) -> MutexGuard<'_, Option<AbortHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Sends every device that is connected here to other servers, in waves. None comes back by itself before
    /// [`end_drain`](Self::end_drain); those that find no other server do.
    ///
    /// # Errors
    ///
    /// Another server was meant, none answers, it is under way already, or the store fails.
    pub async fn drain(&self, actor: &Actor, server: &str) -> Result<Draining, Fault> {
        self.require_this(server)?;
        let others = self.list_servers().await?;
        if !others.iter().any(|other| other.state == PeerState::Reachable) {
            return Err(ServerObstacle::NowhereToGo.into());
        }
        let gateway = self.gateway.get().ok_or(ServerObstacle::GatewayNotListening)?.clone();
        let devices = gateway.connected() as u64;
        {
            let mut drained = self.drained.lock();
            if drained.is_some() {
                return Err(ServerObstacle::Draining.into());
            }
            let waves = tokio::spawn(async move { gateway.drain(gateway.waves()).await });
            *drained = Some(waves.abort_handle());
        }
        tracing::info!(operator = actor.login, devices, "devices are sent to other servers");
        self.record_drain(actor, true).await?;
        Ok(Draining { draining: true, devices })
    }

    /// Takes devices again, and sends no more away; they come back as their settings say.
    ///
    /// # Errors
    ///
    /// Another server was meant, or the store fails.
    pub async fn end_drain(&self, actor: &Actor, server: &str) -> Result<Draining, Fault> {
        self.require_this(server)?;
        let ended = self.drained.lock().take();
        if let Some(waves) = ended {
            waves.abort();
            tracing::info!(operator = actor.login, "devices are taken again");
            self.record_drain(actor, false).await?;
        }
        let devices = self.gateway.get().map_or(0, |gateway| gateway.connected() as u64);
        Ok(Draining { draining: false, devices })
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drained.lock().is_some()
    }

    pub(crate) fn drain_banner(&self) -> Option<Banner> {
        self.is_draining().then(|| Banner { text: TEXT.to_owned() })
    }

    /// Whether a device that only asks would be registered, and is welcome.
    ///
    /// # Errors
    ///
    /// As [`may_register`](Self::may_register), and while devices are sent away.
    pub async fn may_come(&self, device: u32, certificate_serial: &str) -> Result<(), Refusal> {
        if self.is_draining() {
            let text = "This server sends its devices to other servers.";
            return Err(Refusal::Goodbye(Reason::Draining, text.to_owned()));
        }
        self.may_register(device, certificate_serial).await
    }

    fn require_this(&self, server: &str) -> Result<(), Fault> {
        if server == self.identity.server_id {
            return Ok(());
        }
        Err(ServerObstacle::DrainElsewhere.into())
    }

    async fn record_drain(&self, actor: &Actor, draining: bool) -> Result<(), Fault> {
        self.changed(Change::Server);
        let subject = format!("server {}", self.identity.server_name);
        let (before, after) = (json!({ "draining": !draining }), json!({ "draining": draining }));
        let entry = self.audit(actor, "server.drain", subject, Some(before), Some(after));
        self.record_act(&entry).await
    }
}
