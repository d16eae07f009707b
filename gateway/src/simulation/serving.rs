//! The servers' side of the network: what their sessions want, and the directory's answers.

use super::flaw::Flaw;
use super::link::{Link, Way};
use super::network::{Event, Network};
use super::*;
use crate::server::registry::Entered;
use crate::server::session::{Admitted, Answer, Output, Question};
use crate::server::{Admission, EnrolDecision, Identity, Refusal};
use crate::wire::{EntryProbe, FailureKind, Message, ProbeAnswer, Reason, RevokedServer};
use rand::Rng as _;

fn revoked(server: usize) -> RevokedServer {
    RevokedServer { server_id: format!("server-{server}"), seal: Vec::new() }
}

impl Network {
    /// A device has found a server's machine: what would come of the rest of a probe, seen from now.
    pub(super) fn probe_server(&mut self, unit: usize, attempt: AttemptId, entry: ServerEntry) {
        let server = server_of(entry.port);
        let cut = [Way::Up, Way::Down].iter().any(|way| self.cut.contains(&(unit, server, *way)));
        let (backlog, room) = (self.settings.backlog() as usize, self.settings.room());
        let failed = |kind: FailureKind| Err((kind, format!("{kind:?}")));
        let (after, outcome) = match self.servers.get(server) {
            _ if cut => (secs(5), failed(FailureKind::TimedOut)),
            Some(known) if known.up && known.desk.is_full(backlog) => (secs(5), failed(FailureKind::TimedOut)),
            Some(known)
                if known.up && known.registry.is_full(room, self.now) && self.flaw != Some(Flaw::WelcomesProbes) =>
            {
                (secs(0), failed(FailureKind::Busy))
            }
            Some(known) if known.up => {
                let Identity { installation_id, server_id, server_name, role, epoch, .. } = self.identity(server);
                (secs(0), Ok(ProbeAnswer { installation_id, server_id, server_name, role, epoch }))
            }
            Some(_) | None => (secs(0), failed(FailureKind::Refused)),
        };
        self.probed(unit, attempt, entry, outcome, after + Duration::from_millis(60));
    }

    /// Later a device learns what came of a probe.
    pub(super) fn probed(
        &mut self,
        unit: usize,
        attempt: AttemptId,
        entry: ServerEntry,
        outcome: Result<ProbeAnswer, (FailureKind, String)>,
        after: Duration,
    ) {
        let result = EntryProbe { entry, resolved: None, tcp_ms: None, tls_ms: None, answer_ms: None, outcome };
        self.later(after, Event::Probed(unit, self.boots[unit], attempt, Box::new(result)));
    }

    pub(super) fn identity(&self, server: usize) -> Identity {
        Identity {
            installation_id: "site".into(),
            server_id: format!("server-{server}"),
            server_name: format!("Server #{server}"),
            role: self.servers[server].role,
            epoch: Epoch { number: self.servers[server].epoch, server_id: "server".into(), seal: Vec::new() },
            revoked_servers: self.removed.iter().map(|server| revoked(*server)).collect(),
        }
    }

    /// Does what a session wants.
    pub(super) fn serve(&mut self, server: usize, id: SessionId) {
        loop {
            let Some((link, session)) = self.servers[server].sessions.get_mut(&id) else { return };
            let link = *link;
            match session.poll_output() {
                None => return,
                Some(Output::Send(mut message)) => {
                    self.advertise(server, &mut message);
                    if let Message::EventsStored { ring, watermark } = *message {
                        self.check_acknowledgement(link, ring, watermark);
                    }
                    self.send(link, Way::Down, Event::ToDevice(link, Some(message)));
                }
                Some(Output::Replied(..)) => {}
                Some(Output::Ask(question)) => self.ask(link, question),
                Some(Output::Close(_)) => {
                    let unreported = session.take_unreported();
                    self.servers[server].sessions.remove(&id);
                    self.servers[server].registry.leave(id, id_of(link.device));
                    self.newest.retain(|_, newest| *newest != id);
                    unreported.into_iter().for_each(|progress| self.database.note(id_of(link.device), progress));
                    self.closed(link);
                    self.send(link, Way::Down, Event::ToDevice(link, None));
                    return;
                }
            }
        }
    }

    /// The end of a session goes on record.
    pub(super) fn closed(&mut self, link: Link) {
        let device = id_of(link.device);
        match (self.flaw, self.database.shown(device).cloned()) {
            (Some(Flaw::ForgetsEnds), _) => {}
            (Some(Flaw::LateClose), Some(newer)) => self.database.closed(device, newer.server, newer.session),
            (Some(_), _) | (None, _) => self.database.closed(device, link.server, link.session),
        }
    }

    /// Tells a device when to come back, should it lose this server.
    fn advertise(&self, server: usize, message: &mut Message) {
        let (server, all) = (&self.servers[server], self.units.len());
        match self.flaw {
            Some(Flaw::TellsNoSpread) => {}
            Some(Flaw::CountsOnlyConnected) => server.load.advertise(message, || server.registry.len(), false),
            Some(_) | None => server.load.advertise(message, || all, false),
        }
    }

    fn ask(&mut self, link: Link, question: Question) {
        let mut after = Duration::from_millis(self.rng.random_range(1..30));
        let answer = match question {
            Question::Enrol(_) => Answer::Enrol(EnrolDecision::Waiting),
            Question::Admit(registration) => {
                after = match self.admission(link) {
                    Ok(after) => after,
                    Err(refusal) => {
                        let answer = Box::new(Answer::NotAdmitted(refusal));
                        return self.later(after, Event::Answer(link, answer));
                    }
                };
                let hello = &registration.hello;
                let connection_sequence = self.database.admit(hello, (link.server, link.session), self.now);
                let span = hello.ring.unwrap();
                let event_watermark = match self.flaw {
                    Some(Flaw::PassesOver) => span.newest,
                    Some(_) | None => self.servers[link.server].events[link.device].watermark(span.ring),
                };
                let admission = Admission { connection_sequence, start: None, event_watermark };
                let identity = self.identity(link.server);
                Answer::Admitted(Box::new(Admitted { admission, identity, server_time_unix_ms: 1 }))
            }
            Question::MayRegister(..) => Answer::NotAdmitted(Refusal::Busy(secs(1))),
            Question::Wanted(_) if self.servers[link.server].role != Role::Active => Answer::Wanted(None),
            Question::Wanted(device) => Answer::Wanted(self.database.wanted(device)),
            Question::Report(device, progress) => {
                if self.flaw != Some(Flaw::ForgetsPushes) {
                    self.database.note(device, progress);
                }
                Answer::Reported(true)
            }
            Question::Renew(..) => Answer::Renewed(Err("not here".into())),
            Question::Store(_, upload) => return self.begin_commit(link, upload),
        };
        self.later(after, Event::Answer(link, Box::new(answer)));
    }

    /// As the connection's shell does it: the registry first, then the session.
    pub(super) fn answer(&mut self, link: Link, answer: Answer) {
        let mut older = None;
        let server = &mut self.servers[link.server];
        let Some((_, session)) = server.sessions.get_mut(&link.session) else { return };
        if let Answer::Admitted(admitted) = &answer {
            match server.registry.enter(link.session, admitted.admission.connection_sequence, self.now) {
                Entered::First => {}
                Entered::Replaces(link) => older = Some(link),
                Entered::Superseded => {
                    session.handle_close(Reason::Replaced, "a newer session of this device was faster");
                    return self.serve(link.server, link.session);
                }
            }
        }
        if matches!(answer, Answer::Admitted(_)) {
            self.newest.insert((link.server, link.device), link.session);
        }
        session.handle_answer(answer, self.now);
        self.serve(link.server, link.session);
        if let Some(older) = older
            && let Some((_, session)) = self.servers[older.server].sessions.get_mut(&older.session)
        {
            session.handle_close(Reason::Replaced, "a newer session of this device took over");
            self.serve(older.server, older.session);
        }
    }
}
