//! Certificates that are no longer good count on every server at once, whatever copy of the database it has.

use super::store::{DeviceRevocation, Revocation};
use crate::{Service, actor::Actor, changes::Change, db::StoreError, names::device_name_of};
use aws_lc_rs::digest::{Context, SHA256};
use gateway::{
    authority::{Authority, AuthorityError},
    revocation,
    wire::{DeviceId, Reason, RevokedServer},
};
use model::{Banner, Fault, Missing, PeerState, Role, Server, ServerObstacle};
use serde_json::json;
use std::sync::{Arc, PoisonError, RwLock};

/// What another server is told of certificates that are no longer good.
pub(crate) struct RevocationNews {
    /// How many there are.
    pub(crate) count: u64,
    /// Tells them from any others.
    pub(crate) digest: String,
    /// They, unless it knows them.
    pub(crate) rows: Vec<Revocation>,
}

/// Servers that were removed, as devices are told; each is sealed once, in the order in which this server learned of them.
#[derive(Default)]
pub(crate) struct RevokedServers(RwLock<Arc<[RevokedServer]>>);

impl RevokedServers {
    /// Those known by now.
    pub(crate) fn read(&self) -> Arc<[RevokedServer]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// `true` if one was not known.
    fn learn<'a>(&self, servers: impl Iterator<Item = &'a str>, authority: &Authority) -> Result<bool, AuthorityError> {
        let known = self.read();
        let unknown = servers.filter(|id| known.iter().all(|server| server.server_id != *id));
        let sealed = unknown.map(|id| revocation::seal(authority, id)).collect::<Result<Vec<_>, _>>()?;
        if sealed.is_empty() {
            return Ok(false);
        }
        let all = known.iter().cloned().chain(sealed).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(true)
    }
}

impl Service {
    /// Takes a device out of the installation: all its certificates are revoked, here and on the other server, and its session
    /// ends. Its events stay.
    ///
    /// # Errors
    ///
    /// Not active, no such device, or the store fails.
    pub async fn remove_device(&self, actor: &Actor, id: u32) -> Result<(), Fault> {
        self.require_active().await?;
        let no_such = || Fault::from(Missing::Device { device: id });
        let device = self.store.find_device(id).await?.ok_or_else(no_such)?;
        let before =
            json!({ "name": device.name, "serial": device.certificate_serial, "revision": device.wanted_revision });
        let audit = self.audit(actor, "device.remove", device_name_of(id), Some(before), None);
        let revocation = DeviceRevocation {
            // One that another server renewed may not be on record here.
            serial: self.certificates_shown.serial_of(id).unwrap_or(device.certificate_serial),
            device: id,
            reason: "the device was removed".to_owned(),
            by: actor.login.clone(),
            at: audit.at.clone(),
        };
        if !self.store.remove_device(&revocation, &audit).await? {
            return Err(no_such());
        }
        tracing::warn!(device = id, operator = actor.login, "device removed");
        self.close_revoked().await?;
        self.changed(Change::Device { id });
        self.changed(Change::Database);
        Ok(())
    }

    /// Takes a server that does not come back out of the installation: it is refused from now on.
    ///
    /// # Errors
    ///
    /// Not active, no such server, this one, one that answers, or the store fails.
    pub async fn remove_server(&self, actor: &Actor, id: &str) -> Result<Vec<Server>, Fault> {
        self.require_active().await?;
        let server = self.list_servers().await?.into_iter().find(|server| server.id == id);
        let server = server.ok_or_else(|| Missing::Server { server: id.to_owned() })?;
        match server.state {
            PeerState::This => return Err(ServerObstacle::OwnServer.into()),
            PeerState::Reachable => return Err(ServerObstacle::ServerAnswers { server: server.name }.into()),
            PeerState::Unreachable => {}
        }
        let before = json!({ "name": server.name });
        let audit = self.audit(actor, "server.remove", format!("server {}", server.name), Some(before), None);
        self.store.remove_server(id, &audit).await?;
        tracing::warn!(server = id, name = server.name, operator = actor.login, "server removed");
        self.peers.forget(id);
        self.close_revoked().await?;
        self.changed(Change::Server);
        self.changed(Change::Database);
        self.list_servers().await
    }

    /// Ends the sessions of devices whose certificate was revoked since they came, and forgets servers that were removed, by whomever. To be
    /// called now and then.
    pub(crate) async fn close_revoked(&self) -> Result<(), Fault> {
        let rows = self.store.list_revocations().await?;
        self.tell_devices_of_servers(&rows);
        for row in rows {
            if row.kind == "server" && row.subject != self.identity.server_id && self.peers.forget(&row.subject) {
                self.changed(Change::Server);
            }
            let Some(device) = row.subject.parse().ok().filter(|_| row.kind == "device") else { continue };
            if self.certificates_shown.forget(device, &row.serial)
                && let Some(gateway) = self.gateway.get()
            {
                tracing::warn!(device, "the device's certificate was revoked: its session ends");
                gateway.close(DeviceId(device), Reason::Revoked, "This device's certificate was revoked.");
            }
        }
        Ok(())
    }

    /// Devices have nothing to do with a server any more that was removed.
    fn tell_devices_of_servers(&self, rows: &[Revocation]) {
        let servers = rows.iter().filter(|row| row.kind == "server").map(|row| row.subject.as_str());
        match self.revoked_servers.learn(servers, self.keys.authority()) {
            Ok(false) => {}
            Ok(true) => {
                if let Some(gateway) = self.gateway.get() {
                    gateway.wake_all();
                }
            }
            Err(error) => tracing::error!(%error, "devices cannot be told which servers were removed"),
        }
    }

    /// Names of the other servers, each with how many revoked certificates are known here and not yet there, as far as it has
    /// said since this server's start.
    pub(crate) async fn revocations_unknown(&self) -> Result<Vec<(String, u64)>, Fault> {
        let known = self.store.list_revocations().await?.len() as u64;
        let unknown = self.peers.peers().into_iter().filter_map(|peer| {
            let there = self.peers.revoked_at(&peer.facts.id)?;
            Some((peer.facts.name, known.saturating_sub(there)))
        });
        Ok(unknown.collect())
    }

    /// What every page says while another server has not heard of a revocation.
    pub(crate) async fn revocation_banners(&self) -> Vec<Banner> {
        let unknown = self.revocations_unknown().await.unwrap_or_default();
        let banner = |(server, count)| {
            let text = match count {
                0 => return None,
                1 => format!("1 revocation is not yet known at {server}: what was removed here is still let in there."),
                many => format!(
                    "{many} revocations are not yet known at {server}: what was removed here is still let in there."
                ),
            };
            Some(Banner { text })
        };
        unknown.into_iter().filter_map(banner).collect()
    }

    /// What is known here, and all of it for a server that did not say it knows the same: as many may be others, after a time
    /// in which the servers did not hear each other.
    pub(crate) async fn revocations_for(&self, peer: &str) -> Result<RevocationNews, StoreError> {
        let all = self.store.list_revocations().await?;
        let (count, digest) = (all.len() as u64, digest_of(&all));
        let knows = self.peers.knows_revoked(peer, &digest);
        Ok(RevocationNews { count, digest, rows: if knows { Vec::new() } else { all } })
    }

    /// Another server told what it knows.
    pub(crate) async fn note_revocations(&self, rows: &[Revocation]) -> Result<(), Fault> {
        let mut unknown = Vec::new();
        for row in rows {
            if !self.store.is_revoked(&row.serial).await? {
                unknown.push(row.clone());
            }
        }
        for row in &unknown {
            tracing::warn!(serial = row.serial, subject = row.subject, "a certificate is no longer good");
        }
        match self.role() {
            Role::Active => Ok(self.store.adopt_revocations(&unknown).await?),
            Role::Standby | Role::ReadOnly => Ok(self.store.keep_revocations(&unknown).await?),
        }
    }
}

/// They come in the order of their serial numbers.
fn digest_of(rows: &[Revocation]) -> String {
    let mut context = Context::new(&SHA256);
    for row in rows {
        context.update(row.serial.as_bytes());
        context.update(b"\n");
    }
    hex::encode(context.finish())
}

#[cfg(test)]
mod tests;
