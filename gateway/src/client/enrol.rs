//! How a device comes to belong to an installation: it asks the servers of its provisioning string until it is accepted.

use super::{
    ClientError, ClientSettings, Status, Teller,
    connection::{Connection, Heard},
    dial::Dialler,
    disk::{Disk, Enrolled},
    server_time::believable,
};
use crate::{
    authority::{fingerprint_of, request_for},
    device::{Config, Remembered, Stored},
    enrolment::proof_of,
    provisioning::ProvisioningString,
    tls::{Clock, Peer, Trust, client_config, peer_of},
    wire::{self, ALPN, DeviceInfo, Enrol, Message, PROTOCOL_VERSION},
};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, timeout_at},
};

/// Shortest and longest wait between two rounds over the servers.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// A device that asks to belong.
pub(super) struct Enrolling<'a> {
    info: DeviceInfo,
    config: Config,
    provisioning: ProvisioningString,
    network: Option<watch::Receiver<bool>>,
    disk: &'a Disk,
    teller: &'a Teller,
    dialler: Dialler,
    key: KeyPair,
    request: Vec<u8>,
}

impl<'a> Enrolling<'a> {
    pub(super) fn new(
        settings: &ClientSettings,
        disk: &'a Disk,
        provisioning: ProvisioningString,
        teller: &'a Teller,
    ) -> Result<Self, ClientError> {
        let key = disk.load_or_make_key()?;
        let trust = Trust::Fingerprint(provisioning.authority_fingerprint);
        let tls = client_config(trust, None, Clock::system(), &[ALPN])?;
        Ok(Self {
            info: settings.info.clone(),
            config: settings.config.clone(),
            provisioning,
            network: settings.network.clone(),
            disk,
            teller,
            dialler: Dialler::new(tls, settings.config.clone(), Remembered::new()),
            request: request_for(&key).map_err(|error| ClientError::Credentials(error.to_string()))?,
            key,
        })
    }

    /// Asks until an operator says yes. Only the disk can make it fail.
    pub(super) async fn until_accepted(self) -> Result<Enrolled, ClientError> {
        let mut wait = BACKOFF.0;
        self.teller.tell(Status::Enrolling("first try".to_owned()));
        loop {
            for (address, port) in self.provisioning.addresses.clone() {
                let begun = Instant::now();
                match self.ask_unless_cut_off(address, port).await {
                    Ok(enrolled) => return self.keep(enrolled),
                    Err(reason) => self.teller.tell(Status::Enrolling(reason)),
                }
                if begun.elapsed() > BACKOFF.1 {
                    wait = BACKOFF.0;
                }
            }
            tokio::time::sleep(wait / 2 + (wait / 2).mul_f64(rand::random())).await;
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    fn keep(self, enrolled: wire::Enrolled) -> Result<Enrolled, ClientError> {
        let enrolled = Enrolled {
            key: self.key,
            certificate: CertificateDer::from(enrolled.certificate),
            authority: CertificateDer::from(enrolled.authority_certificate),
            installation_id: enrolled.installation_id,
            stored: Stored::new(enrolled.list, enrolled.server_time_unix_ms),
        };
        self.disk.save_enrolled(&enrolled)?;
        Ok(enrolled)
    }

    async fn ask_unless_cut_off(&self, address: wire::Address, port: u16) -> Result<wire::Enrolled, String> {
        let mut network = self.network.clone();
        let cut_off = async {
            // Nobody can cut it any more once the sender is gone.
            let down = match &mut network {
                Some(there) => there.wait_for(|there| !there).await.is_ok(),
                None => false,
            };
            if !down {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            answer = self.ask(address, port) => answer,
            () = cut_off => Err("the network is down".to_owned()),
        }
    }

    async fn ask(&self, address: wire::Address, port: u16) -> Result<wire::Enrolled, String> {
        let mut connection =
            self.dialler.dial(address, port, self.config.connect_limit).await.map_err(|(_, text)| text)?;
        self.check_installation(&connection)?;
        let binding = connection.channel_binding().map_err(|error| error.to_string())?;
        let proof = proof_of(&self.provisioning.secret, &binding, &self.request);
        let enrol = Enrol {
            protocol_version: PROTOCOL_VERSION,
            info: self.info.clone(),
            provisioning_id: self.provisioning.id.clone(),
            proof: proof.to_vec(),
            certificate_request: self.request.clone(),
        };
        connection.say(Message::Enrol(enrol)).await.map_err(|(_, text)| text)?;
        let answer = self.wait_for_decision(&mut connection).await;
        connection.close().await;
        answer
    }

    fn check_installation(&self, connection: &Connection) -> Result<(), String> {
        match connection.server_certificate().and_then(peer_of) {
            Some(Peer::Server { installation_id, .. }) if installation_id == self.provisioning.installation_id => {
                Ok(())
            }
            _ => Err("the server belongs to another installation".to_owned()),
        }
    }

    async fn wait_for_decision(&self, connection: &mut Connection) -> Result<wire::Enrolled, String> {
        let mut keep_alive = self.config.keep_alive;
        let mut ticks = interval_at(Instant::now() + keep_alive, keep_alive);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        loop {
            let heard = tokio::select! {
                heard = timeout_at(heard_at + self.config.silence_limit, connection.hear()) => heard,
                _ = ticks.tick() => {
                    let ping = Message::Ping { nonce: rand::random() };
                    connection.say(ping).await.map_err(|(_, text)| text)?;
                    continue;
                }
            };
            let heard = heard.map_err(|_| "the server fell silent".to_owned())?.map_err(|(_, text)| text)?;
            heard_at = Instant::now();
            let Heard::Message(message) = heard else { continue };
            match *message {
                Message::EnrolWaiting { keep_alive_s } => {
                    self.teller.tell(Status::Waiting);
                    keep_alive = Duration::from_secs(keep_alive_s.clamp(1, 60).into());
                    ticks = interval_at(Instant::now() + keep_alive, keep_alive);
                }
                Message::Enrolled(enrolled) => return self.check(believe_enrolled(enrolled, connection)),
                Message::Ping { nonce } => {
                    connection.say(Message::Pong { nonce }).await.map_err(|(_, text)| text)?;
                }
                Message::Busy { retry_after_s } => return Err(format!("the server is busy for {retry_after_s} s")),
                Message::Goodbye(goodbye) => return Err(goodbye.text),
                Message::Pong { .. } | Message::Unsupported { .. } => {}
                Message::Enrol(_)
                | Message::Hello(_)
                | Message::Registered(_)
                | Message::StageList(_)
                | Message::ListStaged(_)
                | Message::StageRefused { .. }
                | Message::StartTrial { .. }
                | Message::TrialStarted(_)
                | Message::ConfirmTrial(_)
                | Message::ListCommitted(_)
                | Message::RollbackNoted(_)
                | Message::Upload(_)
                | Message::EventsStored { .. }
                | Message::Probe { .. }
                | Message::ProbeAnswer(_)
                | Message::ProbeList { .. }
                | Message::ProbeTable { .. }
                | Message::Move { .. }
                | Message::MoveAnswer { .. }
                | Message::AskEpoch { .. }
                | Message::EpochAnswer { .. }
                | Message::AskList { .. }
                | Message::ListAnswer { .. }
                | Message::RenewCertificate { .. }
                | Message::CertificateRenewed { .. }
                | Message::RenewalRefused { .. }
                | Message::ServerChanged { .. }
                | Message::RevokedServers(_)
                | Message::Unknown => return Err("the server answered with something else".to_owned()),
            }
        }
    }

    /// A certificate for this device, from the authority that the provisioning string names.
    fn check(&self, enrolled: wire::Enrolled) -> Result<wire::Enrolled, String> {
        let authority = CertificateDer::from(enrolled.authority_certificate.as_slice());
        let ours = CertificateDer::from(enrolled.certificate.as_slice());
        let named = match peer_of(&ours) {
            Some(Peer::Device { installation_id, id, .. }) => {
                installation_id == enrolled.installation_id && id == self.info.device_id
            }
            Some(Peer::Server { .. }) | None => false,
        };
        let pinned = fingerprint_of(&authority) == self.provisioning.authority_fingerprint;
        if named && pinned { Ok(enrolled) } else { Err("the server sent a certificate for somebody else".to_owned()) }
    }
}

fn believe_enrolled(enrolled: wire::Enrolled, connection: &Connection) -> wire::Enrolled {
    let server_time_unix_ms = believable(enrolled.server_time_unix_ms, connection.server_certificate());
    wire::Enrolled { server_time_unix_ms, ..enrolled }
}
