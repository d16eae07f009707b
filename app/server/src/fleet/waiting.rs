//! Devices that asked to belong: an operator accepts or rejects them.

use super::{
    connection_settings::settings_of,
    server_lists::entries_of,
    store::{Acceptance, Revision, WaitingRecord, WaitingState},
};
use crate::{
    Service,
    actor::Actor,
    changes::Change,
    cluster::store::DeviceRevocation,
    names::{default_device_name, device_name_of},
};
use gateway::{
    enrolment::KeyFingerprint,
    wire::{DeviceId, ListHash, Reason, ServerList},
};
use model::{DeviceObstacle, DeviceSummary, Fault, Missing, RevisionSource, ServerEntry, WaitingDevice};
use serde_json::json;

impl Service {
    /// Devices nobody has decided on, the one that has waited longest first.
    pub async fn list_waiting(&self) -> Result<Vec<WaitingDevice>, Fault> {
        let waiting = self.store.list_waiting().await?;
        let ids = waiting.iter().map(|record| record.device_id).collect();
        let known = self.store.list_device_names(&ids).await?;
        let devices = waiting.into_iter().map(|record| WaitingDevice {
            replaces: known.contains_key(&record.device_id),
            id: record.fingerprint,
            device_id: record.device_id,
            device_type: record.info.device_type_name,
            product_name: record.info.product_name,
            peer: record.peer,
            provisioning_id: record.provisioning_id,
            first_seen: record.first_seen,
            last_seen: record.last_seen,
        });
        Ok(devices.collect())
    }

    /// Accepts the waiting device with that key: it gets a certificate and the servers of its provisioning string. If
    /// its Device ID belonged here before, the older certificate is revoked and its servers are sent to it again.
    ///
    /// # Errors
    ///
    /// Not active, no such device, decided on already, or the store fails.
    pub async fn accept_waiting(&self, actor: &Actor, id: &str) -> Result<DeviceSummary, Fault> {
        self.require_active().await?;
        let waiting = self.undecided(id).await?;
        let acceptance = self.acceptance_of(actor, &waiting).await?;
        if !self.store.accept_waiting(&acceptance).await? {
            return Err(DeviceObstacle::DecidedMeanwhile.into());
        }
        tracing::info!(device = waiting.device_id, key = id, operator = actor.login, "device accepted");
        if let (Some(gateway), Some(_)) = (self.gateway.get(), &acceptance.revoked) {
            let text = "This certificate was replaced.";
            gateway.close(DeviceId(waiting.device_id), Reason::Revoked, text);
        }
        self.decided(&waiting.fingerprint);
        self.changed(Change::Device { id: waiting.device_id });
        self.find_summary(waiting.device_id).await
    }

    /// Accepts the one waiting device that claims this Device ID.
    ///
    /// # Errors
    ///
    /// As [`accept_waiting`](Self::accept_waiting); also when several devices claim it.
    pub async fn accept_waiting_by_device_id(&self, actor: &Actor, device: u32) -> Result<DeviceSummary, Fault> {
        self.require_active().await?;
        let claims: Vec<_> = self.store.list_waiting().await?.into_iter().filter(|w| w.device_id == device).collect();
        match claims.as_slice() {
            [] => Err(Missing::WaitingDevice { device }.into()),
            [only] => self.accept_waiting(actor, &only.fingerprint).await,
            several => Err(DeviceObstacle::SeveralClaims { device, claims: several.len() }.into()),
        }
    }

    /// Rejects the waiting device with that key, for good.
    ///
    /// # Errors
    ///
    /// Not active, no such device, decided on already, or the store fails.
    pub async fn reject_waiting(&self, actor: &Actor, id: &str) -> Result<(), Fault> {
        self.require_active().await?;
        let waiting = self.undecided(id).await?;
        let before = json!({ "key": waiting.fingerprint, "peer": waiting.peer });
        let audit = self.audit(actor, "waiting_device.reject", device_name_of(waiting.device_id), Some(before), None);
        if !self.store.reject_waiting(&waiting.fingerprint, &audit).await? {
            return Err(DeviceObstacle::DecidedMeanwhile.into());
        }
        tracing::info!(device = waiting.device_id, key = id, operator = actor.login, "device rejected");
        self.decided(&waiting.fingerprint);
        Ok(())
    }

    async fn undecided(&self, id: &str) -> Result<WaitingRecord, Fault> {
        let waiting = self.store.find_waiting(&id.to_lowercase()).await?;
        let waiting = waiting.ok_or(Missing::WaitingKey)?;
        match waiting.state {
            WaitingState::Waiting => Ok(waiting),
            WaitingState::Accepted => Err(DeviceObstacle::AcceptedAlready.into()),
            WaitingState::Rejected => Err(DeviceObstacle::RejectedAlready.into()),
        }
    }

    async fn acceptance_of(&self, actor: &Actor, waiting: &WaitingRecord) -> Result<Acceptance, Fault> {
        let device = waiting.device_id;
        let issued = self.keys.authority().issue_device(&waiting.request, DeviceId(device), self.clock.now());
        let issued = issued.map_err(|error| {
            tracing::warn!(device, %error, "no certificate could be issued");
            DeviceObstacle::NotAcceptable { because: error.to_string() }
        })?;
        let before = self.store.find_device(device).await?;
        let wanted = match &before {
            Some(before) => self.store.find_revision(device, before.wanted_revision).await?,
            None => None,
        };
        let provisioned = self.provisioned_revision(actor, waiting, wanted.as_ref()).await?;
        let restored = wanted
            .filter(|wanted| wanted.entries != provisioned.entries)
            .map(|wanted| self.restored_revision(&provisioned, &wanted, &actor.login))
            .transpose()?;
        let serial = hex::encode(&issued.serial);
        let (name, info) = (&waiting.info.product_name, &waiting.info.ip_config.ip_addr);
        let after = json!({ "key": waiting.fingerprint, "serial": serial, "entries": provisioned.entries });
        let previous = before.as_ref().map(|before| json!({ "serial": before.certificate_serial }));
        Ok(Acceptance {
            fingerprint: waiting.fingerprint.clone(),
            device_id: device,
            name: default_device_name(name, device, info),
            info: waiting.info.clone(),
            certificate: issued.der,
            certificate_serial: serial,
            provisioned,
            restored,
            revoked: before.map(|before| DeviceRevocation {
                serial: before.certificate_serial,
                device,
                reason: "the device was accepted again with another key".to_owned(),
                by: actor.login.clone(),
                at: self.clock.now_text(),
            }),
            audit: self.audit(actor, "waiting_device.accept", device_name_of(device), previous, Some(after)),
        })
    }

    /// The servers of the string the device came with, as its next revision.
    async fn provisioned_revision(
        &self,
        actor: &Actor,
        waiting: &WaitingRecord,
        wanted: Option<&Revision>,
    ) -> Result<Revision, Fault> {
        let string = self.store.find_provisioning(&waiting.provisioning_id).await?.ok_or_else(|| {
            tracing::error!(
                id = waiting.provisioning_id,
                "the database lacks the provisioning string of a waiting device"
            );
            Fault::Internal
        })?;
        let entries: Vec<ServerEntry> = super::provisioning::entries_from(&string.addresses)?;
        let number = wanted.map_or(1, |wanted| wanted.number + 1);
        let base = wanted.and_then(|wanted| wanted.hash.parse::<ListHash>().ok());
        let list = ServerList::new(self.epoch().await?, number, base, entries_of(&entries)?);
        Ok(self.revision_of(waiting.device_id, &list, RevisionSource::Provisioning, &actor.login))
    }

    /// The servers the Device ID had before, on top of those it enrols with: they come back by a safe push.
    fn restored_revision(&self, provisioned: &Revision, wanted: &Revision, by: &str) -> Result<Revision, Fault> {
        let base = provisioned.hash.parse::<ListHash>().ok();
        let list = ServerList::new(provisioned.epoch, provisioned.number + 1, base, entries_of(&wanted.entries)?)
            .with_settings(settings_of(&wanted.settings)?);
        Ok(self.revision_of(provisioned.device, &list, RevisionSource::Edit, by))
    }

    /// Tells open pages, the copy and the device, which waits on its connection.
    fn decided(&self, fingerprint: &str) {
        self.changed(Change::WaitingDevice);
        self.changed(Change::Database);
        let mut key = [0; 32];
        if let (Some(gateway), Ok(())) = (self.gateway.get(), hex::decode_to_slice(fingerprint, &mut key)) {
            gateway.wake_waiting(KeyFingerprint(key));
        }
    }
}
