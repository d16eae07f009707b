//! What a device proves itself with: its key stays, its certificate is replaced by a later one in a single write.

use super::ClientError;
use super::disk::{Disk, Enrolled};
use super::failure::Failure;
use crate::authority::request_for;
use crate::device::CertificateLife;
use crate::epoch;
use crate::revocation;
use crate::tls::{Clock, Peer, Trust, client_config, is_client_of, peer_of, public_key_of, validity_of};
use crate::wire::{ALPN, DeviceId, EntryProbe, Epoch, FailureKind, Message};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::ClientConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;

/// A device's key and certificate, and whom it believes.
pub(super) struct Credentials {
    device: DeviceId,
    key: KeyPair,
    certificate: CertificateDer<'static>,
    authority: CertificateDer<'static>,
    installation_id: String,
    clock: Clock,
}

impl Credentials {
    /// The clock is that of the device; it learns what servers say.
    pub(super) fn new(device: DeviceId, enrolled: Enrolled, clock: Clock) -> Self {
        let Enrolled { key, certificate, authority, installation_id, stored: _ } = enrolled;
        Self { device, key, certificate, authority, installation_id, clock }
    }

    /// When the certificate is good; `None` if it does not say so.
    pub(super) fn life(&self) -> Option<CertificateLife> {
        life_of(&self.certificate)
    }

    /// What the device dials with. It remembers no session of an earlier certificate.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, ClientError> {
        let trust = Trust::Authority { der: self.authority.clone(), installation_id: self.installation_id.clone() };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        Ok(client_config(trust, Some((self.certificate.clone(), key)), self.clock.clone(), &[ALPN])?)
    }

    /// A certificate request for the key.
    pub(super) fn request(&self) -> Result<Vec<u8>, String> {
        request_for(&self.key).map_err(|error| error.to_string())
    }

    /// Puts a certificate in the place of the present one, on disk first; nothing has changed if that fails.
    pub(super) fn replace(&mut self, disk: &Disk, der: Vec<u8>) -> Result<CertificateLife, String> {
        let certificate = CertificateDer::from(der);
        let life = self.check(&certificate)?;
        disk.save_certificate(&certificate).map_err(|error| error.to_string())?;
        self.certificate = certificate;
        Ok(life)
    }

    /// Whether an epoch, or the end of a server, was sealed by the device's installation. Whatever names neither is believed.
    pub(super) fn believe(&self, message: &Message) -> bool {
        if let Message::Registered(registered) = message {
            self.is_genuine(&registered.epoch)
        } else if let Message::ServerChanged { epoch, .. } = message {
            self.is_genuine(epoch)
        } else if let Message::RevokedServers(servers) = message {
            servers.iter().all(|server| revocation::is_genuine(server, &self.installation_id, &self.authority))
        } else {
            true
        }
    }

    /// The same of what a probe found.
    pub(super) fn believe_probe(&self, probe: EntryProbe) -> EntryProbe {
        let outcome =
            probe.outcome.and_then(|answer| if self.is_genuine(&answer.epoch) { Ok(answer) } else { Err(unsealed()) });
        EntryProbe { outcome, ..probe }
    }

    fn is_genuine(&self, epoch: &Epoch) -> bool {
        epoch::is_genuine(epoch, &self.installation_id, &self.authority)
    }

    fn check(&self, certificate: &CertificateDer<'_>) -> Result<CertificateLife, String> {
        let ours = match peer_of(certificate) {
            Some(Peer::Device { installation_id, id, .. }) => {
                installation_id == self.installation_id && id == self.device
            }
            Some(Peer::Server { .. }) | None => false,
        };
        let key = self.key.subject_public_key_info();
        if !ours || public_key_of(certificate).is_none_or(|theirs| theirs != key) {
            return Err("the server sent a certificate for somebody else".to_owned());
        }
        if !is_client_of(certificate, &self.authority) {
            return Err("the server sent a certificate of another authority".to_owned());
        }
        life_of(certificate)
            .filter(|life| self.life().is_none_or(|present| life.ends_unix_s > present.ends_unix_s))
            .ok_or_else(|| "the server sent a certificate that lasts no longer than the present one".to_owned())
    }
}

/// How a session ends whose server names an epoch, or the end of a server, that nobody sealed.
pub(super) fn unsealed() -> Failure {
    (FailureKind::ForeignInstallation, "what the server says bears no seal of the installation".to_owned())
}

fn life_of(certificate: &CertificateDer<'_>) -> Option<CertificateLife> {
    let (begins_unix_s, ends_unix_s) = validity_of(certificate)?;
    Some(CertificateLife { begins_unix_s, ends_unix_s })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Authority;
    use crate::device::Stored;
    use crate::wire::{Entries, ServerList};
    use tempfile::TempDir;
    use time::{Duration, OffsetDateTime};

    const DEVICE: DeviceId = DeviceId(7);

    fn born() -> OffsetDateTime {
        OffsetDateTime::now_utc() - Duration::days(3000)
    }

    fn enrolled(authority: &Authority, disk: &Disk) -> Enrolled {
        let key = disk.load_or_make_key().unwrap();
        let issued = authority.issue_device(&request_for(&key).unwrap(), DEVICE, born()).unwrap();
        let entries = Entries::parse([(1, "192.0.2.1", 51_213)]).unwrap();
        let enrolled = Enrolled {
            key,
            certificate: issued.der.into(),
            authority: authority.certificate_der().clone(),
            installation_id: "site".into(),
            stored: Stored::new(ServerList::new(1, 1, None, entries), 0),
        };
        disk.save_enrolled(&enrolled).unwrap();
        enrolled
    }

    #[tokio::test]
    async fn only_a_later_certificate_of_its_own_replaces_the_present_one() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::open(folder.path()).await.unwrap();
        let (authority, foreign) =
            (Authority::create("site", born()).unwrap(), Authority::create("site", born()).unwrap());
        let mut credentials = Credentials::new(DEVICE, enrolled(&authority, &disk), Clock::system());
        let request = credentials.request().unwrap();
        let other_key = request_for(&KeyPair::generate().unwrap()).unwrap();
        let (before, now) = (credentials.certificate.clone(), OffsetDateTime::now_utc());
        for (issued, why) in [
            (authority.issue_device(&request, DeviceId(8), now), "somebody else"),
            (authority.issue_device(&other_key, DEVICE, now), "somebody else"),
            (foreign.issue_device(&request, DEVICE, now), "another authority"),
            (authority.issue_device(&request, DEVICE, born() - Duration::days(1)), "no longer"),
        ] {
            let refusal = credentials.replace(&disk, issued.unwrap().der).unwrap_err();
            assert!(refusal.contains(why), "{refusal}");
        }
        assert!(credentials.replace(&disk, b"no certificate".to_vec()).is_err());
        assert_eq!(disk.load_enrolled(DEVICE).unwrap().unwrap().certificate, before);

        let issued = authority.issue_device(&request, DEVICE, now).unwrap();
        let life = credentials.replace(&disk, issued.der.clone()).unwrap();
        assert_eq!(Some(life), credentials.life());
        assert!(credentials.tls().is_ok());
        let again = disk.load_enrolled(DEVICE).unwrap().unwrap();
        assert_eq!(again.certificate.as_ref(), issued.der);
        assert_eq!(again.key.serialize_der(), credentials.key.serialize_der());
    }
}
