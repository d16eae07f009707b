//! Sending this server's devices to others, before it is stopped or looked after.

use super::{Actor, Service};
use crate::{
    model::{Banner, Draining, Fault, PeerState, Role},
    server::changes::Change,
};
use gateway::{server::Refusal, wire::Reason};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};

const TEXT: &str = "This server sends its devices to other servers and is not returned to, until somebody lets it take devices again. Devices that find no other server stay here.";

/// Whether devices are sent away; until it is ended, or the server restarts.
#[derive(Default)]
pub(super) struct Drained(AtomicBool);

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
            let reason = "No other server of the installation answers: the devices would have nowhere to go.";
            return Err(Fault::WrongState { reason: reason.to_owned() });
        }
        let gateway = self.gateway.get().ok_or_else(|| wrong("The device gateway does not listen."))?.clone();
        if self.drained.0.swap(true, Ordering::SeqCst) {
            return Err(wrong("This server sends its devices away already."));
        }
        let devices = gateway.connected() as u64;
        tracing::info!(operator = actor.login, devices, "devices are sent to other servers");
        tokio::spawn(async move { gateway.drain(gateway.waves()).await });
        self.record_drain(actor, true).await?;
        Ok(Draining { draining: true, devices })
    }

    /// Takes devices again; they come back as their settings say.
    ///
    /// # Errors
    ///
    /// Another server was meant, or the store fails.
    pub async fn end_drain(&self, actor: &Actor, server: &str) -> Result<Draining, Fault> {
        self.require_this(server)?;
        if self.drained.0.swap(false, Ordering::SeqCst) {
            tracing::info!(operator = actor.login, "devices are taken again");
            self.record_drain(actor, false).await?;
        }
        let devices = self.gateway.get().map_or(0, |gateway| gateway.connected() as u64);
        Ok(Draining { draining: false, devices })
    }

    pub(super) fn is_draining(&self) -> bool {
        self.drained.0.load(Ordering::SeqCst)
    }

    pub(super) fn drain_banner(&self) -> Option<Banner> {
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
        if server == self.site.server_id {
            return Ok(());
        }
        Err(wrong("Only a server itself can send its devices away: do this in its own portal."))
    }

    async fn record_drain(&self, actor: &Actor, draining: bool) -> Result<(), Fault> {
        self.changed(Change::Server);
        match self.site.role {
            Role::Active => {
                let subject = format!("server {}", self.site.server_name);
                let (before, after) = (json!({ "draining": !draining }), json!({ "draining": draining }));
                let entry = self.audit(actor, "server.drain", subject, Some(before), Some(after));
                Ok(self.store.append_audit(&entry).await?)
            }
            // The log has it; a standby's book is a copy.
            Role::Standby => Ok(()),
        }
    }
}

fn wrong(reason: &str) -> Fault {
    Fault::WrongState { reason: reason.to_owned() }
}
