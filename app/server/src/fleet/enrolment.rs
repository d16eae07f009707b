//! A device that is not ours yet asks to belong.

use super::{
    list_seal::sealed,
    server_lists::list_of,
    store::{ProvisioningRecord, WaitingRecord, WaitingState},
};
use crate::{Service, changes::Change, clock::text_of};
use gateway::{
    enrolment::proof_holds,
    server::{EnrolDecision, Enrolment, Refusal},
    wire::{Enrolled, Reason},
};
use model::{DeviceInfo, Fault, Missing, Role};

/// How far behind a waiting device's last sign of life may be on record, in seconds.
const SEEN_AGAIN_AFTER_S: u64 = 300;

impl Service {
    /// Lets a device wait, gives it what it was accepted with, or says why not.
    pub async fn enrol_device(&self, enrolment: &Enrolment, info: DeviceInfo) -> Result<EnrolDecision, Fault> {
        if self.role() != Role::Active {
            let active = self.active_server_name().await;
            let text = format!("This server is standby. New devices enrol with {active}, the active server.");
            return Ok(refused(Reason::NotEnrolled, text));
        }
        let string = match self.proven_string(enrolment).await? {
            Ok(string) => string,
            Err(text) => return Ok(refused(Reason::BadProvisioning, text)),
        };
        let fingerprint = enrolment.fingerprint.to_string();
        let Some(known) = self.store.find_waiting(&fingerprint).await? else {
            return self.enrol_newcomer(enrolment, fingerprint, info, &string).await;
        };
        match known.state {
            WaitingState::Waiting => {
                let here = waiting_record(enrolment, fingerprint, info, &known.first_seen);
                self.note_seen(here, &known).await?;
                Ok(EnrolDecision::Waiting)
            }
            WaitingState::Accepted => self.enrolled(known).await,
            WaitingState::Rejected => Ok(refused(Reason::Rejected, "An operator rejected this device.".to_owned())),
        }
    }

    /// Thousands may wait, and each is heard twice a minute: what is known already is not written again each time.
    async fn note_seen(&self, here: WaitingRecord, known: &WaitingRecord) -> Result<(), Fault> {
        let same = WaitingRecord { last_seen: known.last_seen.clone(), ..here.clone() } == *known;
        if same && self.clock.seconds_since(&known.last_seen) < SEEN_AGAIN_AFTER_S {
            return Ok(());
        }
        let last_seen = self.clock.now_text();
        Ok(self.store.update_waiting(&WaitingRecord { last_seen, ..here }).await?)
    }

    /// The provisioning string whose secret the device proved to know, or what to tell it. Who cannot prove it learns
    /// nothing else.
    async fn proven_string(&self, enrolment: &Enrolment) -> Result<Result<ProvisioningRecord, String>, Fault> {
        let unknown =
            "The provisioning string is not known here, or its secret is wrong. Make a new one in the portal.";
        let Some(string) = self.store.find_provisioning(&enrolment.enrol.provisioning_id).await? else {
            return Ok(Err(unknown.to_owned()));
        };
        let Ok(secret) = <[u8; 32]>::try_from(string.secret.as_slice()) else { return Ok(Err(unknown.to_owned())) };
        let enrol = &enrolment.enrol;
        if !proof_holds(&secret, &enrolment.channel_binding, &enrol.certificate_request, &enrol.proof) {
            return Ok(Err(unknown.to_owned()));
        }
        if string.server_id != self.identity.server_id {
            return Ok(Err("The provisioning string is good only at the server that made it.".to_owned()));
        }
        Ok(Ok(string))
    }

    async fn enrol_newcomer(
        &self,
        enrolment: &Enrolment,
        fingerprint: String,
        info: DeviceInfo,
        string: &ProvisioningRecord,
    ) -> Result<EnrolDecision, Fault> {
        let now = self.clock.now();
        if string.expires_at <= text_of(now) {
            let text = format!("The provisioning string has expired at {}. Make a new one.", string.expires_at);
            return Ok(refused(Reason::BadProvisioning, text));
        }
        if !self.store.is_provisioning_of_this_epoch(&string.id).await? {
            let text = "The active role has moved since this provisioning string was made. Make a new one.".to_owned();
            return Ok(refused(Reason::BadProvisioning, text));
        }
        let record = waiting_record(enrolment, fingerprint, info, &text_of(now));
        if !self.store.insert_waiting(&record).await? {
            let text = format!("The provisioning string was good for {} devices, all of them used.", string.uses);
            return Ok(refused(Reason::BadProvisioning, text));
        }
        tracing::info!(device = record.device_id, key = record.fingerprint, peer = record.peer, "new device waits");
        self.changed(Change::WaitingDevice);
        self.changed(Change::Database);
        Ok(EnrolDecision::Waiting)
    }

    /// What an accepted device takes home.
    async fn enrolled(&self, device: WaitingRecord) -> Result<EnrolDecision, Fault> {
        let Some(certificate) = device.certificate else {
            tracing::error!(key = device.fingerprint, "an accepted device has no certificate on record");
            return Err(Fault::Internal);
        };
        let Some(revision) = self.store.find_provisioned_revision(device.device_id).await? else {
            return Err(Missing::Device { device: device.device_id }.into());
        };
        let now = self.clock.now().unix_timestamp_nanos() / 1_000_000;
        Ok(EnrolDecision::Accepted(Box::new(Enrolled {
            certificate,
            authority_certificate: self.keys.authority().certificate_der().to_vec(),
            installation_id: self.identity.installation_id.clone(),
            list: sealed(list_of(&revision)?, revision.device, &self.keys),
            server_time_unix_ms: u64::try_from(now).unwrap_or(0),
        })))
    }
}

fn waiting_record(enrolment: &Enrolment, fingerprint: String, info: DeviceInfo, now: &str) -> WaitingRecord {
    WaitingRecord {
        fingerprint,
        device_id: enrolment.enrol.info.device_id.0,
        info,
        request: enrolment.enrol.certificate_request.clone(),
        provisioning_id: enrolment.enrol.provisioning_id.clone(),
        peer: enrolment.peer.to_string(),
        state: WaitingState::Waiting,
        certificate: None,
        first_seen: now.to_owned(),
        last_seen: now.to_owned(),
    }
}

fn refused(reason: Reason, text: String) -> EnrolDecision {
    EnrolDecision::Refused(Refusal::Goodbye(reason, text))
}

#[cfg(test)]
mod tests;
