//! What a copy of the database lacks of a device is learned from the device: itself, if another server accepted it, and a
//! list that another server of the installation made, and that came after all that are known here.

use super::{
    connection_settings::model_settings,
    list_seal::is_sealed,
    server_lists::model_entry,
    standing::MAX_NUMBER,
    store::{Learned, LearnedDevice, ReportedList, Revision, Sighting},
};
use crate::{
    Service,
    actor::Actor,
    changes::Change,
    names::{default_device_name, device_name_of},
};
use gateway::wire::{DeviceId, ServerList};
use model::{DeviceInfo, Fault, PushState, RevisionSource, Role};
use serde_json::json;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// Who is named as the author of such a list.
const AUTHOR: &str = "learned from the device";
/// Of a list without the installation's seal.
const FOREIGN: &str = "the device came with a list that nobody here wrote";
/// How often, and how long apart, a device that has just been admitted is asked.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

impl Service {
    /// The device has registered with a list: if one of the two is not known here, the device is asked for its list.
    pub(crate) fn learn_from(self: &Arc<Self>, device: u32, info: &DeviceInfo, kept: &ReportedList) {
        if self.role() != Role::Active {
            return;
        }
        let (service, info, kept) = (Arc::clone(self), info.clone(), kept.clone());
        tokio::spawn(async move {
            if let Err(fault) = service.learn(device, &info, &kept).await {
                tracing::warn!(device, %fault, "what the device brings could not be learned");
            }
        });
    }

    /// After this server has become active: the devices that registered before bring what they have, too. To be called now and
    /// then; does nothing if that is done. A device of which nothing can be learned keeps no other from it: it is asked again
    /// with the next call.
    ///
    /// # Errors
    ///
    /// The store fails, and the first reason why.
    pub(crate) async fn learn_from_connected(&self) -> Result<(), Fault> {
        if self.role() != Role::Active || !self.unlearned.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let mut outcome = Ok(());
        match self.store.list_sightings().await {
            Ok(sightings) => {
                let here = |seen: &Sighting| seen.server_id == self.identity.server_id && seen.ended_at.is_none();
                for sighting in sightings.into_iter().filter(here) {
                    outcome = outcome.and(self.learn_from_sighting(&sighting).await);
                }
            }
            Err(error) => outcome = Err(error.into()),
        }
        self.unlearned.fetch_or(outcome.is_err(), Ordering::Relaxed);
        outcome
    }

    async fn learn_from_sighting(&self, sighting: &Sighting) -> Result<(), Fault> {
        self.look_for_drift(sighting.device_id, &sighting.committed).await?;
        self.learn(sighting.device_id, &sighting.info, &sighting.committed).await
    }

    async fn learn(&self, device: u32, info: &DeviceInfo, kept: &ReportedList) -> Result<(), Fault> {
        if self.store.is_known_to_keep(device, &kept.hash).await?
            || self.store.find_revision_by_hash(device, &kept.hash).await?.is_some()
        {
            return Ok(());
        }
        let Some(list) = self.ask_list(device).await else { return Ok(()) };
        let genuine = list.version().hash.to_string() == kept.hash && is_sealed(&list, device, &self.keys);
        if !genuine {
            tracing::warn!(
                device,
                hash = kept.hash,
                "no server of this installation made the list that the device keeps"
            );
        }
        if self.store.find_device(device).await?.is_none() {
            return self.adopt_device(device, info, &list, genuine).await;
        }
        if genuine { self.adopt_list(device, &list).await } else { Ok(()) }
    }

    /// Takes in a device that another server accepted: its session has shown a certificate of the installation.
    async fn adopt_device(
        &self,
        device: u32,
        info: &DeviceInfo,
        list: &ServerList,
        genuine: bool,
    ) -> Result<(), Fault> {
        self.require_active().await?;
        let Some(certificate_serial) = self.certificates_shown.serial_of(device) else { return Ok(()) };
        let kept = self.learned_revision(device, list);
        let push = if genuine { (PushState::Committed, None) } else { (PushState::Drifted, Some(FOREIGN)) };
        let after = json!({ "serial": certificate_serial, "revision": kept.number, "entries": kept.entries });
        let audit = self.audit(&Actor::system(), "device.learn", device_name_of(device), None, Some(after));
        let name = default_device_name(&info.product_name, device, &info.ip_config.ip_addr);
        let learned = LearnedDevice { name, info: info.clone(), certificate_serial, kept, push, audit };
        if self.store.learn_device(&learned).await? {
            tracing::warn!(device, "this server's copy lacked the device: it was learned from it");
            self.changed(Change::Device { id: device });
            self.changed(Change::Database);
        }
        Ok(())
    }

    fn learned_revision(&self, device: u32, list: &ServerList) -> Revision {
        let version = list.version();
        Revision {
            device,
            // One that no server made may count wildly.
            number: version.number.clamp(1, MAX_NUMBER),
            epoch: version.epoch.max(1),
            base_hash: list.base().map(|hash| hash.to_string()),
            hash: version.hash.to_string(),
            entries: list.entries().iter().map(model_entry).collect(),
            settings: model_settings(list.settings()),
            source: RevisionSource::Edit,
            created_by: AUTHOR.to_owned(),
            created_at: self.clock.now_text(),
        }
    }

    /// The session is there a moment after it was admitted.
    async fn ask_list(&self, device: u32) -> Option<ServerList> {
        let gateway = self.gateway.get()?;
        for _ in 0..TRIES {
            if let Ok(list) = gateway.ask_list(DeviceId(device)).await {
                return Some(list);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    /// Takes the list as the wanted one, unless an operator's change waits for the device.
    async fn adopt_list(&self, device: u32, list: &ServerList) -> Result<(), Fault> {
        self.require_active().await?;
        let Some(record) = self.store.find_device(device).await? else { return Ok(()) };
        let newest = self.store.find_revision(device, record.wanted_revision).await?;
        let version = list.version();
        let newer = newest.is_none_or(|newest| {
            version.number > newest.number && (version.epoch, version.number) > (newest.epoch, newest.number)
        });
        let push = self.store.find_push(device, record.wanted_revision).await?;
        let waits = push.is_some_and(|push| !push.state.is_final() || push.state == PushState::Conflict);
        if !newer || waits {
            return Ok(());
        }
        let revision = self.learned_revision(device, list);
        let system = Actor::system();
        let after = json!({ "revision": revision.number, "entries": revision.entries });
        let before = json!({ "revision": record.wanted_revision });
        let audit = self.audit(&system, "device.servers.learn", device_name_of(device), Some(before), Some(after));
        let number = revision.number;
        if self.store.learn_revision(&Learned { revision, wanted: record.wanted_revision, audit }).await? {
            tracing::warn!(device, number, "learned from the device what this server's copy lacked");
            self.changed(Change::Device { id: device });
            self.changed(Change::Database);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
