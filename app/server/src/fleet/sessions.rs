//! Registered devices: who may register, which sessions live, and what other servers saw.

use super::{
    standing::newest,
    store::{ReportedList, Sighting, SightingChange, SightingChanged},
};
use crate::{Service, changes::Change, cluster::starts::Start, epoch::EpochToken};
use gateway::{
    server::{Admission, Refusal},
    wire::{DeviceId, Reason, RingId, ServerStart},
};
use model::{DeviceInfo, Fault, Malformed, ServerEntry, StorageTrouble};
use std::time::{Duration, Instant};

/// How soon a device comes back while the store does not answer.
const STORAGE_RETRY: Duration = Duration::from_secs(5);

/// A device that asks to be registered; its certificate belongs to the installation and to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Unique on this server, also over restarts.
    pub session: u64,
    /// Which device.
    pub device: u32,
    /// What it says of itself.
    pub info: DeviceInfo,
    /// Random for each start of the device.
    pub boot_id: u64,
    /// The last sequence a server gave it.
    pub connection_sequence: u64,
    /// The entry it dialled.
    pub dialled: ServerEntry,
    /// The list it keeps.
    pub committed: ReportedList,
    /// The highest epoch it has seen.
    pub epoch: Option<EpochToken>,
    /// The latest start that it met of each server.
    pub starts: Vec<ServerStart>,
    /// The ring it logs events in.
    pub ring: Option<RingId>,
    /// Its certificate's serial number, lower-case hex.
    pub certificate_serial: String,
    /// When that certificate ends, seconds since 1970 UTC.
    pub certificate_ends_unix_s: u64,
    /// Where it was sent last, if it could not be registered there.
    pub move_failed: Option<MoveFailed>,
    /// Where the connection comes from.
    pub peer: String,
}

/// A move that ended where it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveFailed {
    /// Where the device was sent.
    pub to: ServerEntry,
    /// What failed there, in words.
    pub reason: String,
}

impl Service {
    /// Ends, on record, the sessions that this server's last run left open.
    pub async fn end_earlier_sessions(&self) -> Result<(), Fault> {
        let at = self.clock.now_text();
        Ok(self.store.end_all_sightings(&self.identity.server_id, &at, "server stopped").await?)
    }

    /// Registers a device, or says why not. While the store does not answer a device is told to come back.
    ///
    /// # Errors
    ///
    /// A revoked certificate, or the store fails.
    pub async fn register_session(&self, arrival: &Arrival) -> Result<Admission, Refusal> {
        let busy = |_: Fault| Refusal::Busy(STORAGE_RETRY);
        self.may_register(arrival.device, &arrival.certificate_serial).await?;
        self.hear_device(arrival).await;
        let event_watermark = match arrival.ring {
            Some(ring) => self.event_watermark(arrival.device, ring).await.map_err(busy)?,
            None => 0,
        };
        self.look_for_drift(arrival.device, &arrival.committed).await.map_err(busy)?;
        let (serial, ends) = (&arrival.certificate_serial, arrival.certificate_ends_unix_s);
        self.certificates_shown.note(arrival.device, serial, ends);
        let open = SightingChange::Open(Box::new(self.sighting_of(arrival)));
        let Some(SightingChanged::Opened(connection_sequence)) = self.write_session(open).await else {
            return Err(Refusal::Busy(STORAGE_RETRY));
        };
        self.look_for_clone(arrival.device, arrival.boot_id, connection_sequence);
        self.outages.note_device(arrival.device, &self.identity.server_id, Instant::now());
        if let Some(failed) = &arrival.move_failed {
            self.note_move_failure(arrival.device, &failed.to, &failed.reason);
        }
        self.changed(Change::Device { id: arrival.device });
        let start = Some(self.start_now().on_the_wire(&self.keys, &self.identity.server_id));
        Ok(Admission { connection_sequence, start, event_watermark })
    }

    /// How many devices the installation has.
    pub async fn count_devices(&self) -> Result<usize, Fault> {
        Ok(usize::try_from(self.store.count_devices().await?).unwrap_or(usize::MAX))
    }

    /// Whether a device with a certificate of this serial number would be registered. One that the database lacks is learned.
    ///
    /// # Errors
    ///
    /// A revoked certificate, or the store fails.
    pub async fn may_register(&self, device: u32, certificate_serial: &str) -> Result<(), Refusal> {
        if self.store.is_blank() {
            // Nor could it tell a device whose certificate was revoked.
            return Err(Refusal::Busy(STORAGE_RETRY));
        }
        let busy = |_: Fault| Refusal::Busy(STORAGE_RETRY);
        let known = self.store.look_up(device, certificate_serial).await.map_err(Fault::from).map_err(busy)?;
        if known.revoked {
            let text = "This device's certificate was revoked. Enrol it again with a provisioning string.";
            return Err(Refusal::Goodbye(Reason::Revoked, text.to_owned()));
        }
        if !known.is_member {
            tracing::info!(device, "certified device that this server's database does not have yet");
        }
        Ok(())
    }

    /// Records that a session ended `at` that time; one that a newer session replaced is past already.
    pub async fn end_session(&self, session: u64, device: u32, reason: &str, at: &str) -> Result<(), Fault> {
        let end = SightingChange::End { device, session, at: at.to_owned(), reason: reason.to_owned() };
        match self.write_session(end).await {
            Some(SightingChanged::Ended) => self.changed(Change::Device { id: device }),
            Some(SightingChanged::Opened(_) | SightingChanged::Replaced) => {}
            None => {
                return Err(StorageTrouble::SessionEndNotWritten.into());
            }
        }
        Ok(())
    }

    /// Takes over what another server saw.
    ///
    /// # Errors
    ///
    /// The rows claim to be this server's own, or the store fails.
    pub async fn store_peer_sightings(&self, server_id: &str, rows: &[Sighting]) -> Result<(), Fault> {
        if server_id == self.identity.server_id {
            return Err(Malformed::OwnServerId.into());
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.store.store_peer_sightings(server_id, rows).await?;
        for row in rows {
            if let Ok(boot_id) = u64::from_str_radix(&row.boot_id, 16) {
                self.look_for_clone(row.device_id, boot_id, row.connection_sequence);
            }
            if row.ended_at.is_none() {
                self.outages.note_device(row.device_id, server_id, Instant::now());
            }
            self.changed(Change::Device { id: row.device_id });
            self.let_go_if_moved(row).await?;
        }
        Ok(())
    }

    /// A device that registered elsewhere after it registered here has left without a word.
    async fn let_go_if_moved(&self, elsewhere: &Sighting) -> Result<(), Fault> {
        let seen = self.store.list_sightings_of(elsewhere.device_id).await?;
        let moved = newest(&seen).is_some_and(|newest| newest.server_id == elsewhere.server_id)
            && elsewhere.ended_at.is_none()
            && seen.iter().any(|sighting| sighting.server_id == self.identity.server_id && sighting.ended_at.is_none());
        if moved && let Some(gateway) = self.gateway.get() {
            gateway.close(DeviceId(elsewhere.device_id), Reason::Replaced, "registered on another server");
        }
        Ok(())
    }

    fn sighting_of(&self, arrival: &Arrival) -> Sighting {
        Sighting {
            server_id: self.identity.server_id.clone(),
            device_id: arrival.device,
            session_id: arrival.session,
            boot_id: format!("{:016x}", arrival.boot_id),
            connection_sequence: arrival.connection_sequence,
            since: self.clock.now_text(),
            ended_at: None,
            end_reason: None,
            peer: arrival.peer.clone(),
            address: arrival.dialled.address.clone(),
            port: arrival.dialled.port,
            priority: arrival.dialled.priority,
            committed: arrival.committed.clone(),
            info: arrival.info.clone(),
            version: 0,
        }
    }

    /// A device came: it may know of a promotion that this server slept through or of a later start of it, or confirm that there
    /// was none.
    pub(crate) async fn hear_device(&self, arrival: &Arrival) {
        let own = arrival.starts.iter().find(|start| start.server_id == self.identity.server_id);
        if let Some(met) = own.and_then(|start| Start::met(start, &self.keys))
            && let Err(fault) = self.compare_starts(Some(&met)).await
        {
            tracing::error!(%fault, "a later start of this server could not be put on record");
        }
        if let Some(token) = &arrival.epoch
            && let Err(fault) = self.meet_epoch(token, "a device").await
        {
            tracing::error!(%fault, "a later epoch could not be put on record");
        }
        if let Err(fault) = self.note_confirmation(arrival.device).await {
            tracing::error!(%fault, "it could not be seen whether enough devices are back");
        }
    }
}

#[cfg(test)]
mod tests;
