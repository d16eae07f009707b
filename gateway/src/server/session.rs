//! One device's connection, as rules: what came in, what goes out, what the directory is asked.
//!
//! Pure: time is an argument (since any fixed moment, monotonic), questions to the directory and their answers are
//! values. The shell in `connection.rs` moves bytes and futures.

mod duty;
mod events;
mod opening;
mod orders;
mod push;
mod renewal;

use super::directory::{Admission, EnrolDecision, Enrolment, Identity, Progress, Refusal, Registration, SessionId};
use super::orders::{Order, OrderId, OrderReply};
use super::settings::Settings;
use crate::tls::Peer;
use crate::wire::{DeviceId, EventUpload, Goodbye, Hello, Message, Reason, Registered, ServerList};
use duty::Duty;
use push::Act;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The longest text a message may carry.
const TEXT_BYTES_MAX: usize = 512;

/// The certificate at the other end of the TLS session.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Nothing,
    Peer(Peer),
    /// Of the authority, but it names neither a device nor a server.
    Stranger,
}

/// A connection whose TLS handshake has ended.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) session: SessionId,
    pub(crate) peer: SocketAddr,
    pub(crate) shown: Shown,
    pub(crate) channel_binding: [u8; 32],
    /// Of this server.
    pub(crate) installation_id: String,
    /// Seconds since 1970 UTC; 0 if no certificate is shown.
    pub(crate) certificate_ends_unix_s: u64,
    /// The certificate is a device's and good, but for that.
    pub(crate) expired: bool,
}

/// What the session wants done, in order.
#[derive(Debug)]
pub(crate) enum Output {
    Send(Box<Message>),
    /// At most one question is open at a time.
    Ask(Question),
    /// What came of an order.
    Replied(OrderId, OrderReply),
    /// The last output.
    Close(Reason),
}

/// What the directory is asked.
#[derive(Debug)]
pub(crate) enum Question {
    Enrol(Box<Enrolment>),
    Admit(Box<Registration>),
    /// Whether a device with a certificate of this serial number would be admitted.
    MayRegister(DeviceId, Vec<u8>),
    Wanted(DeviceId),
    Report(DeviceId, Progress),
    Store(DeviceId, Arc<EventUpload>),
    /// A certificate for this request, PKCS #10 in DER.
    Renew(DeviceId, Vec<u8>),
}

/// What the directory said.
#[derive(Debug)]
pub(crate) enum Answer {
    Enrol(EnrolDecision),
    Admitted(Box<Admitted>),
    NotAdmitted(Refusal),
    MayRegister(Box<Identity>),
    Wanted(Option<ServerList>),
    Reported(bool),
    /// The watermark, once it is durable.
    Stored(Option<u64>),
    Renewed(Result<Vec<u8>, String>),
}

/// An admission with what else the device is told.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) admission: Admission,
    pub(crate) identity: Identity,
    pub(crate) server_time_unix_ms: u64,
}

#[derive(Debug)]
pub(crate) struct Session {
    settings: Arc<Settings>,
    phase: Phase,
    heard: Duration,
    /// The certificate is over: the device is listened to, and gets a new one.
    expired: bool,
    /// A question is open.
    asking: bool,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing was said yet.
    Opening(Box<Arrival>, Duration),
    Enrolling(Box<Enrolling>),
    Admitting(Box<Hello>),
    /// It only asks whether it would be registered.
    Probed,
    Registered(Box<Duty>),
    Ended(Vec<Progress>),
}

#[derive(Debug)]
struct Enrolling {
    enrolment: Enrolment,
    /// The device knows that it waits.
    told: bool,
    ask_at: Duration,
}

impl Session {
    pub(crate) fn new(arrival: Arrival, settings: Arc<Settings>, now: Duration) -> Self {
        let until = now + settings.first_message_timeout;
        let expired = arrival.expired;
        let phase = Phase::Opening(Box::new(arrival), until);
        Self { settings, phase, heard: now, expired, asking: false, outputs: VecDeque::new() }
    }

    /// Bytes came, whatever they are.
    pub(crate) fn handle_heard(&mut self, now: Duration) {
        self.heard = now;
    }

    pub(crate) fn handle_message(&mut self, message: Message, now: Duration) {
        match (&mut self.phase, message) {
            (Phase::Ended(_), _) => {}
            (_, Message::Goodbye(goodbye)) => self.end(goodbye.reason),
            (Phase::Opening(arrival, _), Message::Enrol(enrol)) => {
                let arrival = arrival.clone();
                self.enrol(&arrival, enrol, now);
            }
            (Phase::Opening(arrival, _), Message::Hello(hello)) => {
                let arrival = arrival.clone();
                self.hello(*arrival, hello);
            }
            (Phase::Opening(arrival, _), Message::Probe { protocol_version, device }) => {
                let arrival = arrival.clone();
                self.probe(&arrival, protocol_version, device);
            }
            (_, Message::Unknown) => self.send(Message::Unsupported { message: 0 }),
            (Phase::Enrolling(_) | Phase::Admitting(_) | Phase::Registered(_), Message::Ping { nonce }) => {
                self.send(Message::Pong { nonce });
            }
            (Phase::Enrolling(_) | Phase::Admitting(_) | Phase::Registered(_), Message::Pong { .. }) => {}
            (Phase::Registered(duty), message) => {
                if !duty.handle_message(message, now) {
                    self.refuse(Reason::UnexpectedMessage, "only a server sends this message, or it came too often");
                }
            }
            (Phase::Opening(..) | Phase::Enrolling(_) | Phase::Admitting(_) | Phase::Probed, _) => {
                self.refuse(Reason::UnexpectedMessage, "a connection starts with an enrolment, a hello or a probe");
            }
        }
        self.advance(now);
    }

    /// The other end sent what is no frame.
    pub(crate) fn handle_bad_frame(&mut self, reason: Reason, text: &str) {
        self.refuse(reason, text);
    }

    pub(crate) fn handle_answer(&mut self, answer: Answer, now: Duration) {
        self.asking = false;
        match (&mut self.phase, answer) {
            (Phase::Enrolling(enrolling), Answer::Enrol(EnrolDecision::Waiting)) => {
                if !std::mem::replace(&mut enrolling.told, true) {
                    let keep_alive_s = self.settings.keep_alive_s;
                    self.send(Message::EnrolWaiting { keep_alive_s });
                }
            }
            (Phase::Enrolling(_), Answer::Enrol(EnrolDecision::Accepted(enrolled))) => {
                self.send(Message::Enrolled(*enrolled));
                self.end(Reason::Unknown);
            }
            (Phase::Enrolling(_), Answer::Enrol(EnrolDecision::Refused(refusal)))
            | (Phase::Admitting(_) | Phase::Probed, Answer::NotAdmitted(refusal)) => self.turn_away(refusal),
            (Phase::Probed, Answer::MayRegister(identity)) => self.answer_probe(*identity),
            (Phase::Admitting(_), Answer::Admitted(admitted)) => self.register(*admitted, now),
            (Phase::Registered(duty), Answer::Wanted(list)) => duty.handle_wanted(list, now),
            (Phase::Registered(duty), Answer::Reported(done)) => duty.handle_reported(done, now),
            (Phase::Registered(duty), Answer::Stored(watermark)) => duty.handle_stored(watermark, now),
            (Phase::Registered(duty), Answer::Renewed(renewed)) => duty.handle_renewed(renewed),
            // The session has moved on since the question.
            (
                Phase::Opening(..)
                | Phase::Enrolling(_)
                | Phase::Admitting(_)
                | Phase::Probed
                | Phase::Registered(_)
                | Phase::Ended(_),
                Answer::Enrol(_)
                | Answer::Admitted(_)
                | Answer::NotAdmitted(_)
                | Answer::MayRegister(_)
                | Answer::Wanted(_)
                | Answer::Reported(_)
                | Answer::Stored(_)
                | Answer::Renewed(_),
            ) => {}
        }
        self.advance(now);
    }

    /// Something about this device, or this server, changed in the directory.
    pub(crate) fn handle_wake(&mut self, identity: &Identity, now: Duration) {
        match &mut self.phase {
            Phase::Enrolling(enrolling) => enrolling.ask_at = now,
            Phase::Registered(duty) => duty.handle_wake(identity),
            Phase::Opening(..) | Phase::Admitting(_) | Phase::Probed | Phase::Ended(_) => {}
        }
        self.advance(now);
    }

    /// Somebody wants something of the device, now or not at all.
    pub(crate) fn handle_order(&mut self, id: OrderId, order: Order, now: Duration) {
        match &mut self.phase {
            Phase::Registered(duty) => duty.handle_order(id, order),
            Phase::Opening(..) | Phase::Enrolling(_) | Phase::Admitting(_) | Phase::Probed | Phase::Ended(_) => {
                self.outputs.push_back(Output::Replied(id, OrderReply::NotConnected));
            }
        }
        self.advance(now);
    }

    /// This side ends the session.
    pub(crate) fn handle_close(&mut self, reason: Reason, text: &str) {
        self.refuse(reason, text);
    }

    /// The connection is gone.
    pub(crate) fn handle_lost(&mut self, reason: Reason) {
        self.end(reason);
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        let silent = now >= self.heard + self.settings.evict_after;
        let late = matches!(self.phase, Phase::Opening(_, until) if now >= until);
        if late {
            self.refuse(Reason::TimedOut, "nothing was sent in time");
        } else if silent {
            self.refuse(Reason::TimedOut, "nothing was heard for too long");
        }
        self.advance(now);
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` once ended.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let evict = self.heard + self.settings.evict_after;
        match &self.phase {
            Phase::Opening(_, until) => Some(evict.min(*until)),
            Phase::Enrolling(enrolling) if !self.asking => Some(evict.min(enrolling.ask_at)),
            Phase::Enrolling(_) | Phase::Admitting(_) | Phase::Probed => Some(evict),
            Phase::Registered(duty) => Some(duty.deadline(!self.asking).map_or(evict, |at| evict.min(at))),
            Phase::Ended(_) => None,
        }
    }

    /// What the ended session saw and nobody has put on record.
    pub(crate) fn take_unreported(&mut self) -> Vec<Progress> {
        if let Phase::Ended(reports) = &mut self.phase { std::mem::take(reports) } else { Vec::new() }
    }

    fn register(&mut self, admitted: Admitted, now: Duration) {
        let Phase::Admitting(hello) = &self.phase else { return };
        let Admitted { admission, identity, server_time_unix_ms } = admitted;
        let duty = Duty::new(hello, &identity, &self.settings, now).listening_only(self.expired);
        self.send(Message::Registered(Registered {
            connection_sequence: admission.connection_sequence,
            installation_id: identity.installation_id,
            server_id: identity.server_id,
            server_name: identity.server_name,
            role: identity.role,
            epoch: identity.epoch,
            server_time_unix_ms,
            keep_alive_s: self.settings.keep_alive_s,
            silence_limit_s: self.settings.device_silence_limit_s,
            reconnect_spread_s: self.settings.reconnect_spread_s,
            start: admission.start,
            event_watermark: admission.event_watermark,
        }));
        self.phase = Phase::Registered(Box::new(duty));
    }

    /// Asks and says whatever is due.
    fn advance(&mut self, now: Duration) {
        if let Phase::Enrolling(enrolling) = &mut self.phase
            && !self.asking
            && enrolling.ask_at <= now
        {
            enrolling.ask_at = now + self.settings.waiting_recheck;
            let enrolment = Box::new(enrolling.enrolment.clone());
            self.ask(Question::Enrol(enrolment));
        }
        while let Phase::Registered(duty) = &mut self.phase {
            match duty.next(now, !self.asking) {
                Some(Act::Send(message)) => self.outputs.push_back(Output::Send(message)),
                Some(Act::AskWanted(device)) => self.ask(Question::Wanted(device)),
                Some(Act::Report(device, progress)) => self.ask(Question::Report(device, progress)),
                Some(Act::Store(device, upload)) => self.ask(Question::Store(device, upload)),
                Some(Act::Renew(device, request)) => self.ask(Question::Renew(device, request)),
                Some(Act::Reply(id, reply)) => self.outputs.push_back(Output::Replied(id, reply)),
                Some(Act::Leave(reason, text)) => self.refuse(reason, text),
                None => break,
            }
        }
    }

    fn ask(&mut self, question: Question) {
        self.asking = true;
        self.outputs.push_back(Output::Ask(question));
    }

    fn send(&mut self, message: Message) {
        self.outputs.push_back(Output::Send(Box::new(message)));
    }

    fn turn_away(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Busy(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                self.send(Message::Busy { retry_after_s: u32::try_from(seconds.clamp(1, 60)).unwrap_or(60) });
                self.end(Reason::Unknown);
            }
            Refusal::Goodbye(reason, text) => self.refuse(reason, &text),
        }
    }

    /// Ends with a word to the other side.
    fn refuse(&mut self, reason: Reason, text: &str) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        let leaving = matches!(reason, Reason::ShuttingDown | Reason::Draining);
        let reconnect_spread_s = if leaving { self.settings.reconnect_spread_s } else { 0 };
        self.send(Message::Goodbye(Goodbye { reason, text: speakable(text), reconnect_spread_s }));
        self.end(reason);
    }

    fn end(&mut self, reason: Reason) {
        let unreported = match &mut self.phase {
            Phase::Ended(_) => return,
            // What a newer session of the device reports is newer.
            Phase::Registered(duty) if reason != Reason::Replaced => duty.take_reports(),
            Phase::Opening(..) | Phase::Enrolling(_) | Phase::Admitting(_) | Phase::Probed | Phase::Registered(_) => {
                Vec::new()
            }
        };
        self.phase = Phase::Ended(unreported);
        self.outputs.retain(|output| matches!(output, Output::Send(_) | Output::Replied(..)));
        self.outputs.push_back(Output::Close(reason));
    }
}

/// A text as the wire allows it: without control characters, and short.
fn speakable(text: &str) -> String {
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests;
