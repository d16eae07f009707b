//! The servers' side of the world: who answers what, and after how long.

use super::*;
use crate::wire::{EntryProbe, Epoch, ProbeAnswer, Registered};

impl World {
    pub(super) fn dial(&mut self, attempt: AttemptId, entry: &ServerEntry) {
        let server = entry.port - 50_000;
        assert!(self.link.is_none(), "two connections at once");
        let trial = self.device.trial().is_some();
        self.dials.push(Dialled { at: self.now, server, trial });
        let after = self.latency();
        let closed = |kind: FailureKind| Input::Closed(attempt, kind, format!("{kind:?}\n"));
        let input = match self.health[&server] {
            Health::Silent => return,
            Health::Refusing => closed(FailureKind::Refused),
            Health::Foreign => closed(FailureKind::ForeignInstallation),
            Health::Up | Health::Unconfirming | Health::Busy(_) | Health::Strict | Health::Mute | Health::Flapping => {
                self.link = Some(Link { attempt, server, torn: false });
                Input::Opened(attempt)
            }
        };
        self.later(after, Event::Device(input));
    }

    /// What the server at the other end makes of a message.
    pub(super) fn serve(&mut self, attempt: AttemptId, message: Message) {
        let Some(link) = self.link.as_mut().filter(|link| link.attempt == attempt) else { return };
        let health = self.health[&link.server];
        link.torn |= matches!(health, Health::Silent | Health::Mute | Health::Refusing | Health::Foreign);
        if link.torn {
            return;
        }
        let link = *link;
        if let Message::Ping { nonce } = message {
            return self.reply(attempt, Message::Pong { nonce });
        }
        if let Message::ListStaged(version) = message {
            let timeout_s = self.trial_timeout_s;
            return self.reply(attempt, Message::StartTrial { version, timeout_s });
        }
        if let Message::Upload(upload) = message {
            return self.take_events(link, &upload);
        }
        if let Message::RenewCertificate { .. } = message {
            if let Some(answer) = self.renewal.clone() {
                self.reply(attempt, answer);
            }
            return;
        }
        let Message::Hello(hello) = message else { return };
        if let Health::Busy(retry_after_s) = health {
            return self.reply(attempt, Message::Busy { retry_after_s });
        }
        if health == Health::Strict {
            let goodbye = Goodbye { reason: Reason::NotEnrolled, text: String::new(), reconnect_spread_s: 0 };
            return self.reply(attempt, Message::Goodbye(goodbye));
        }
        let epoch = self.epoch(link.server);
        let registered = Message::Registered(Registered {
            connection_sequence: hello.connection_sequence + 1,
            installation_id: "site".into(),
            server_id: format!("server-{}", link.server),
            server_name: format!("Server #{}", link.server),
            role: self.roles[&link.server],
            epoch,
            server_time_unix_ms: self.server_time_ms(),
            keep_alive_s: self.told.keep_alive_s,
            silence_limit_s: self.told.silence_limit_s,
            reconnect_spread_s: self.told.reconnect_spread_s,
            start: None,
            event_watermark: self.stores.entry(link.server).or_default().watermark(hello.ring.unwrap().ring),
        });
        let after = self.latency();
        self.later(after, Event::Device(Input::Received(attempt, Box::new(registered))));
        let after = after + self.latency();
        if health == Health::Flapping {
            let closed = Input::Closed(attempt, FailureKind::Closed, "the server closed the connection".into());
            return self.later(after, Event::Device(closed));
        }
        if let Some(rollback) = hello.rollback {
            let noted = Message::RollbackNoted(rollback.version);
            self.later(after, Event::Device(Input::Received(attempt, Box::new(noted))));
        }
        if let Some(version) = hello.trial {
            self.later(after + secs(20), Event::Confirm(attempt, version));
        } else if let Some(list) = self.wanted.clone().filter(|list| list.version().hash != hello.committed.hash) {
            let stage = Box::new(Message::StageList(list));
            self.later(after + secs(1), Event::Device(Input::Received(attempt, stage)));
        }
    }

    /// What every server's clock shows.
    pub(in crate::device::tests) fn server_time_ms(&self) -> u64 {
        self.clock_ms.saturating_add(u64::try_from(self.now.as_millis()).unwrap())
    }

    fn epoch(&self, server: u16) -> Epoch {
        Epoch { number: self.epochs[&server], server_id: "server".into(), seal: Vec::new() }
    }

    /// The server's role or epoch is another from now on; a device that it has registered is told.
    pub(in crate::device::tests) fn becomes(&mut self, server: u16, role: Role, epoch: u64) {
        self.roles.insert(server, role);
        self.epochs.insert(server, epoch);
        if self.link.is_some_and(|link| link.server == server) && self.connected() == Some(server) {
            let epoch = self.epoch(server);
            self.say(Message::ServerChanged { role, epoch });
        }
    }

    pub(super) fn probe(&mut self, attempt: AttemptId, entry: ServerEntry) {
        let server = entry.port - 50_000;
        self.probes.push((self.now, server));
        let soon = self.latency() * 3;
        let failed = |kind: FailureKind| Err((kind, format!("{kind:?}")));
        let (after, outcome) = match self.health[&server] {
            Health::Up | Health::Unconfirming | Health::Flapping => {
                let answer = ProbeAnswer {
                    installation_id: "site".into(),
                    server_id: format!("server-{server}"),
                    server_name: format!("Server #{server}"),
                    role: self.roles[&server],
                    epoch: self.epoch(server),
                };
                (soon, Ok(answer))
            }
            Health::Silent | Health::Mute => (secs(5), failed(FailureKind::TimedOut)),
            Health::Refusing => (soon, failed(FailureKind::Refused)),
            Health::Busy(_) => (soon, failed(FailureKind::Busy)),
            Health::Foreign => (soon, failed(FailureKind::ForeignInstallation)),
            Health::Strict => (soon, failed(FailureKind::NotAdmitted)),
        };
        let result = EntryProbe { entry, resolved: None, tcp_ms: None, tls_ms: None, answer_ms: None, outcome };
        self.later(after, Event::Device(Input::Probed(attempt, Box::new(result))));
    }
}
