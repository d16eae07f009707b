//! A registered session's renewals: one request at a time is put to the directory, and its answer told.

use super::push::Act;
use crate::wire::{DeviceId, Message};

#[derive(Debug)]
pub(super) struct Renewals {
    device: DeviceId,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Idle,
    Wanted(Vec<u8>),
    Asked,
    Answered(Box<Message>),
}

impl Renewals {
    pub(super) fn new(device: DeviceId) -> Self {
        Self { device, step: Step::Idle }
    }

    /// `false` if the device does not wait for the answer to the request before.
    pub(super) fn handle_request(&mut self, request: Vec<u8>) -> bool {
        let idle = matches!(self.step, Step::Idle);
        if idle {
            self.step = Step::Wanted(request);
        }
        idle
    }

    /// The certificate, or why there is none.
    pub(super) fn handle_renewed(&mut self, renewed: Result<Vec<u8>, String>) {
        self.step = Step::Answered(Box::new(match renewed {
            Ok(certificate) => Message::CertificateRenewed { certificate },
            Err(text) => Message::RenewalRefused { text: super::speakable(&text) },
        }));
    }

    pub(super) fn next(&mut self, free: bool) -> Option<Act> {
        match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Wanted(request) if free => {
                self.step = Step::Asked;
                Some(Act::Renew(self.device, request))
            }
            Step::Answered(message) => Some(Act::Send(message)),
            waiting @ (Step::Idle | Step::Wanted(_) | Step::Asked) => {
                self.step = waiting;
                None
            }
        }
    }
}
