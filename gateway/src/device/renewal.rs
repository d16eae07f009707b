//! The device's certificate: asked for anew over any session once two thirds of its life are over. The key stays.

use super::certificate_life::CertificateLife;
use super::event::{AttemptId, Happening, Output};
use super::{Device, Phase, tidy_text};
use crate::wire::Message;
use std::time::Duration;

/// How far a session has come with a renewal.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// When the device asks; never, if it does not know its certificate or what time it is.
    ask_at: Option<Duration>,
    step: Step,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Idle,
    /// The request is being made.
    Requesting,
    Asked,
    /// What came is being looked at and stored.
    Keeping,
}

impl Device {
    /// The same device, with a certificate of this life.
    #[must_use]
    pub fn with_certificate(mut self, life: CertificateLife) -> Self {
        self.certificate = Some(life);
        self
    }

    /// A session has begun.
    pub(super) fn plan_renewal(&mut self, now: Duration) {
        let (Some(life), Phase::Connected(session)) = (self.certificate, &mut self.phase) else { return };
        let Some(time_ms) = session.server_time_ms(now) else { return };
        let left_ms = life.renewal_unix_s().saturating_mul(1000).saturating_sub(time_ms);
        let spread = self.chance.share(self.config.renewal_spread);
        session.renewal.ask_at = Some(now + Duration::from_millis(left_ms) + spread);
    }

    pub(super) fn renewal_due(&self) -> Option<Duration> {
        let Phase::Connected(session) = &self.phase else { return None };
        session.renewal.ask_at
    }

    /// Asks if it is time; again after a while if nothing comes of it.
    pub(super) fn renew_if_due(&mut self, now: Duration) {
        let Phase::Connected(session) = &mut self.phase else { return };
        if session.renewal.ask_at.is_none_or(|at| now < at) {
            return;
        }
        session.renewal = Renewal { ask_at: Some(now + self.config.renewal_retry), step: Step::Requesting };
        self.outputs.push_back(Output::RequestCertificate(session.attempt));
    }

    /// The request that was wanted.
    pub(super) fn certificate_requested(&mut self, id: AttemptId, request: Vec<u8>) {
        if self.goes_on(id, &Step::Requesting, Step::Asked) {
            self.send(id, Message::RenewCertificate { request });
        }
    }

    /// The server sends a certificate; one that was not asked for is none of the device's business.
    pub(super) fn certificate_renewed(&mut self, id: AttemptId, certificate: Vec<u8>) {
        if self.goes_on(id, &Step::Asked, Step::Keeping) {
            self.outputs.push_back(Output::KeepCertificate(id, certificate));
        }
    }

    /// The server gives none now.
    pub(super) fn renewal_refused(&mut self, id: AttemptId, text: &str) {
        if self.goes_on(id, &Step::Asked, Step::Idle) {
            self.note(Happening::NotRenewed(tidy_text(text)));
        }
    }

    /// The server does not know a message: the request, if one waits for its answer, or else an upload.
    pub(super) fn not_understood(&mut self, id: AttemptId) {
        match &self.phase {
            Phase::Connected(session) if session.renewal.step == Step::Asked => {
                self.renewal_refused(id, "the server does not renew certificates");
            }
            Phase::Connected(_) | Phase::Waiting(_) | Phase::Dialling(_) | Phase::Stopped => self.uploads_refused(),
        }
    }

    /// What came was stored, or is not what it should be. A device whose old certificate was over comes back with the
    /// new one at once: until then it is only listened to.
    pub(super) fn certificate_kept(&mut self, id: AttemptId, kept: Result<CertificateLife, String>, now: Duration) {
        let life = match kept {
            Ok(life) => life,
            Err(why) => {
                self.goes_on(id, &Step::Keeping, Step::Idle);
                return self.note(Happening::NotRenewed(tidy_text(&why)));
            }
        };
        let old = self.certificate.replace(life);
        self.note(Happening::Renewed(life));
        if !self.goes_on(id, &Step::Keeping, Step::Idle) {
            return;
        }
        let Phase::Connected(session) = &self.phase else { return };
        let over = |life: CertificateLife| session.server_time_ms(now).is_some_and(|time| life.is_over(time));
        if old.is_some_and(over) && !over(life) {
            return self.come_back("the device comes back with its new certificate", now);
        }
        self.plan_renewal(now);
        if let Phase::Connected(session) = &mut self.phase {
            // Also if the clocks disagree.
            session.renewal.ask_at = session.renewal.ask_at.max(Some(now + self.config.renewal_retry));
        }
    }

    /// Takes the step, if this session stands at the one before it.
    fn goes_on(&mut self, id: AttemptId, from: &Step, to: Step) -> bool {
        let Phase::Connected(session) = &mut self.phase else { return false };
        let there = session.attempt == id && session.renewal.step == *from;
        if there {
            session.renewal.step = to;
        }
        there
    }
}
