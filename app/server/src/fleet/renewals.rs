//! Device certificates that come to their end: renewed for the key that the device was accepted with, and warned about.

use super::store::RenewalRecord;
use crate::{
    Service,
    actor::Actor,
    changes::Change,
    clock::text_of_unix_ms,
    cluster::peer_requests::{PeerRequest, Renew},
    names::device_name_of,
};
use gateway::{enrolment::key_fingerprint, tls::validity_of, wire::DeviceId};
use model::{Banner, Fault, Role};
use rustls_pki_types::CertificateDer;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// So long before its end a certificate is warned about.
const WARNED_S: u64 = 90 * 24 * 3600;

/// The newest certificate that each device showed to this server, or was given here: serial number, and its end in seconds
/// since 1970 UTC.
#[derive(Default)]
pub(crate) struct Shown(Mutex<HashMap<u32, (String, u64)>>);

impl Shown {
    pub(crate) fn note(&self, device: u32, serial: &str, ends_unix_s: u64) {
        self.lock().insert(device, (serial.to_owned(), ends_unix_s));
    }

    pub(crate) fn serial_of(&self, device: u32) -> Option<String> {
        self.lock().get(&device).map(|(serial, _)| serial.clone())
    }

    /// Forgets the certificate of this serial number; `false` if it is not the device's newest here.
    pub(crate) fn forget(&self, device: u32, serial: &str) -> bool {
        let mut shown = self.lock();
        let found = shown.get(&device).is_some_and(|(newest, _)| newest == serial);
        if found {
            shown.remove(&device);
        }
        found
    }

    fn end_of(&self, device: u32) -> Option<u64> {
        self.lock().get(&device).map(|(_, ends)| *ends)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, (String, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the end of a certificate looks like from now.
enum End {
    Far,
    Near(String),
    Over(String),
}

impl Service {
    /// Renews the certificate that a device showed (serial number in lower-case hex) and whose key signed the request; a
    /// standby passes that on to the active server. A device that asks again because the answer was lost gets the same
    /// certificate.
    ///
    /// # Errors
    ///
    /// Why not, for people: no active server can be reached, not this device's key, revoked, or the store fails.
    pub async fn renew_certificate(&self, device: u32, shown: &str, request: &[u8]) -> Result<Vec<u8>, String> {
        let elsewhere = self.active_server().await.filter(|(id, _)| *id != self.identity.server_id);
        let Some((server, name)) = elsewhere.filter(|_| self.role() != Role::Active) else {
            return self.renew_here(device, shown, request).await;
        };
        let certificate_request = hex::encode(request);
        let renewal = Renew { device, shown: shown.to_owned(), certificate_request };
        let renewed = self.run_peer_request(|reply| PeerRequest::Renew { server, renewal, reply }).await;
        renewed.map_err(|reason| format!("{name}, the active server, renews certificates: {reason}"))
    }

    /// The same for a device of this server or of another one, if this server is active.
    ///
    /// # Errors
    ///
    /// Why not, for people: not active, not this device's key, revoked, or the store fails.
    pub(crate) async fn renew_here(&self, device: u32, shown: &str, request: &[u8]) -> Result<Vec<u8>, String> {
        if self.role() != Role::Active {
            return Err("This server is not active. Ask again later.".to_owned());
        }
        match self.renew_on_record(device, shown, request).await {
            Ok(renewed) => renewed,
            // Logged where it was met.
            Err(_) => Err("The certificate could not be put on record. Ask again later.".to_owned()),
        }
    }

    async fn renew_on_record(
        &self,
        device: u32,
        shown: &str,
        request: &[u8],
    ) -> Result<Result<Vec<u8>, String>, Fault> {
        if self.store.is_revoked(shown).await? {
            return Ok(Err("This device's certificate was revoked.".to_owned()));
        }
        let Some(known) = self.store.find_renewable(device).await? else {
            return Ok(Err("This device was removed from the installation.".to_owned()));
        };
        let key = match key_fingerprint(request) {
            Ok(key) => key.to_string(),
            Err(error) => return Ok(Err(error.to_string())),
        };
        // Of a device that was learned it is not known; the gateway has seen that the request's key is the certificate's.
        if !known.key_fingerprint.is_empty() && key != known.key_fingerprint {
            return Ok(Err("The request is for another key than the device was accepted with.".to_owned()));
        }
        if let Some(renewed) = known.renewed.filter(|_| known.certificate_serial != shown) {
            return Ok(Ok(renewed));
        }
        let issued = match self.keys.authority().issue_device(request, DeviceId(device), self.clock.now()) {
            Ok(issued) => issued,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let serial = hex::encode(&issued.serial);
        let system = Actor::system();
        let (before, after) = (json!({ "serial": known.certificate_serial }), json!({ "serial": serial }));
        let subject = device_name_of(device);
        let renewal = RenewalRecord {
            device,
            serial,
            replaces: known.certificate_serial,
            shown: shown.to_owned(),
            certificate: issued.der.clone(),
            audit: self.audit(&system, "device.certificate.renew", subject, Some(before), Some(after)),
        };
        if !self.store.insert_renewal(&renewal).await? {
            return Ok(Err("The device's certificate was replaced just now.".to_owned()));
        }
        tracing::info!(device, serial = renewal.serial, "certificate renewed");
        if let Some((_, ends)) = validity_of(&CertificateDer::from(issued.der.as_slice())) {
            self.certificates_shown.note(device, &renewal.serial, ends);
        }
        self.changed(Change::Device { id: device });
        self.changed(Change::Database);
        Ok(Ok(issued.der))
    }

    /// What there is to say of the certificate that the device showed last.
    pub(crate) fn certificate_alarm_of(&self, device: u32) -> Option<String> {
        match self.end_of(self.certificates_shown.end_of(device)?) {
            End::Far => None,
            End::Near(day) => Some(format!(
                "This device's certificate ends on {day} and was not renewed. Connect the device to the active server."
            )),
            End::Over(day) => Some(format!(
                "This device's certificate ended on {day}: its events are taken, but its settings cannot be changed until it \
                 is renewed. Connect the device to the active server."
            )),
        }
    }

    /// A warning for every page while this server's own certificate comes to its end.
    pub(crate) fn certificate_banner(&self) -> Option<Banner> {
        let text = match self.end_of(self.keys.certificate_ends_unix_s()?) {
            End::Far => return None,
            End::Near(day) => {
                format!(
                    "This server's own certificate ends on {day}. Restart this server: it gives itself another. From that \
                     day on no device and no other server connects to it."
                )
            }
            End::Over(day) => {
                format!(
                    "This server's own certificate ended on {day}: no device and no other server connects to it. Restart this \
                     server: it gives itself another."
                )
            }
        };
        Some(Banner { text })
    }

    fn end_of(&self, ends_unix_s: u64) -> End {
        let now = u64::try_from(self.clock.now().unix_timestamp()).unwrap_or(0);
        let mut day = text_of_unix_ms(ends_unix_s.saturating_mul(1000));
        day.truncate("2026-01-01".len());
        match ends_unix_s {
            over if over < now => End::Over(day),
            near if near < now + WARNED_S => End::Near(day),
            _ => End::Far,
        }
    }
}

#[cfg(test)]
mod tests;
