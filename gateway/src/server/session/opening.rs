//! The first message of a connection, and whether its certificate gives it the right to it.

use super::{Arrival, Enrolling, Phase, Question, Session, Shown};
use crate::enrolment::key_fingerprint;
use crate::server::directory::{Enrolment, Identity, Registration};
use crate::tls::Peer;
use crate::wire::{DeviceId, Enrol, Hello, Message, PROTOCOL_VERSION, ProbeAnswer, Reason};
use std::time::Duration;

impl Session {
    pub(super) fn enrol(&mut self, arrival: &Arrival, enrol: Enrol, now: Duration) {
        if !matches!(arrival.shown, Shown::Nothing) {
            return self.refuse(Reason::UnexpectedMessage, "a device with a certificate does not enrol");
        }
        if !self.speaks(enrol.protocol_version) {
            return;
        }
        let fingerprint = match key_fingerprint(&enrol.certificate_request) {
            Ok(fingerprint) => fingerprint,
            Err(error) => return self.refuse(Reason::Malformed, &error.to_string()),
        };
        let channel_binding = arrival.channel_binding.to_vec();
        let enrolment = Enrolment { enrol, fingerprint, channel_binding, peer: arrival.peer };
        self.phase = Phase::Enrolling(Box::new(Enrolling { enrolment, told: false, ask_at: now }));
    }

    pub(super) fn hello(&mut self, arrival: Arrival, hello: Hello) {
        let Some(certificate_serial) = self.certified(&arrival, hello.protocol_version, hello.info.device_id) else {
            return;
        };
        self.phase = Phase::Admitting(Box::new(hello.clone()));
        let registration = Registration {
            session: arrival.session,
            hello,
            certificate_serial,
            certificate_ends_unix_s: arrival.certificate_ends_unix_s,
            peer: arrival.peer,
        };
        self.ask(Question::Admit(Box::new(registration)));
    }

    pub(super) fn probe(&mut self, arrival: &Arrival, protocol_version: u32, device: DeviceId) {
        if let Some(serial) = self.certified(arrival, protocol_version, device) {
            self.phase = Phase::Probed;
            self.ask(Question::MayRegister(device, serial));
        }
    }

    pub(super) fn answer_probe(&mut self, identity: Identity) {
        let Identity { installation_id, server_id, server_name, role, epoch, .. } = identity;
        self.send(Message::ProbeAnswer(ProbeAnswer { installation_id, server_id, server_name, role, epoch }));
        self.end(Reason::Unknown);
    }

    /// The serial number of the certificate, if it is this device's; otherwise the connection ends.
    fn certified(&mut self, arrival: &Arrival, protocol_version: u32, device: DeviceId) -> Option<Vec<u8>> {
        if !self.speaks(protocol_version) {
            return None;
        }
        let (reason, text) = match &arrival.shown {
            Shown::Nothing => (Reason::NotEnrolled, "a device without a certificate has to enrol first".to_owned()),
            Shown::Peer(Peer::Device { installation_id, id, serial })
                if *installation_id == arrival.installation_id && *id == device =>
            {
                return Some(serial.clone());
            }
            Shown::Peer(Peer::Device { installation_id, id, .. }) => {
                let ours = &arrival.installation_id;
                let text = format!(
                    "the certificate is of device {id} of installation {installation_id}, the first message of device \
                     {device} to installation {ours}"
                );
                (Reason::WrongIdentity, text)
            }
            Shown::Peer(Peer::Server { .. }) | Shown::Stranger => {
                (Reason::WrongIdentity, "the certificate is not a device's".to_owned())
            }
        };
        self.refuse(reason, &text);
        None
    }

    fn speaks(&mut self, version: u32) -> bool {
        if version != PROTOCOL_VERSION {
            let text = format!("this server speaks protocol version {PROTOCOL_VERSION}, not {version}");
            self.refuse(Reason::UnsupportedVersion, &text);
        }
        version == PROTOCOL_VERSION
    }
}
