//! A registered session: what keeps it alive, what is said in it, and what follows its end.

use super::dialling::{kind_of, said};
use super::event::{AttemptId, Connected, Happening, Output};
use super::events::Uploading;
use super::failback::Watch;
use super::probing::Probing;
use super::renewal::Renewal;
use super::rota::{Start, backoff, is_refusal};
use super::{Config, Device, Phase, failure_of, tidy_text};
use crate::wire::{
    Epoch, FailureKind, Goodbye, Message, Reason, Registered, Role, SERVER_CONNECTED, SERVER_DISCONNECTED,
    remember_start,
};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Session {
    pub(super) attempt: AttemptId,
    server: Connected,
    since: Duration,
    heard: Duration,
    ping_at: Duration,
    keep_alive: Duration,
    silence_limit: Duration,
    spread: Duration,
    /// When the names of the list are asked for again, if it has any.
    names_at: Option<Duration>,
    pub(super) uploading: Uploading,
    pub(super) watch: Watch,
    pub(super) renewal: Renewal,
}

/// How a session ended.
struct Loss<'a> {
    kind: FailureKind,
    text: &'a str,
    /// What the server asked for with its goodbye.
    spread: Option<Duration>,
    /// The server is of no use for now: another entry comes first.
    elsewhere: bool,
}

impl Session {
    fn new(attempt: AttemptId, server: Connected, registered: &Registered, config: &Config, now: Duration) -> Self {
        let keep_alive = seconds(registered.keep_alive_s).unwrap_or(config.keep_alive).min(config.silence_max / 2);
        let silence_limit = seconds(registered.silence_limit_s).unwrap_or(config.silence_limit);
        let spread = Duration::from_secs(registered.reconnect_spread_s.into()).min(config.spread_max);
        Self {
            attempt,
            server,
            since: now,
            heard: now,
            ping_at: now + keep_alive,
            keep_alive,
            silence_limit: silence_limit.clamp(keep_alive * 2, config.silence_max.max(keep_alive * 2)),
            spread,
            names_at: None,
            uploading: Uploading::new(registered.event_watermark),
            watch: Watch::new(now, false),
            renewal: Renewal::default(),
        }
    }

    pub(super) fn server(&self) -> &Connected {
        &self.server
    }

    pub(super) fn epoch(&self) -> &Epoch {
        &self.server.epoch
    }

    /// The share of time over which devices come back to this server.
    pub(super) fn spread(&self) -> Duration {
        self.spread
    }

    /// What the server's clock shows by now, milliseconds since 1970 UTC, if it ever said so.
    pub(super) fn server_time_ms(&self, now: Duration) -> Option<u64> {
        let passed = u64::try_from(now.saturating_sub(self.since).as_millis()).unwrap_or(u64::MAX);
        let then = self.server.server_time_unix_ms;
        (then > 0).then(|| then.saturating_add(passed))
    }

    pub(super) fn is_stable(&self, now: Duration, config: &Config) -> bool {
        now.saturating_sub(self.since) >= config.stable_after
    }

    /// When the silence is too long, a ping is due, or there is something to send or to ask for again.
    pub(super) fn due(&self) -> Duration {
        let alive = self.ping_at.min(self.heard + self.silence_limit);
        self.uploading.due().into_iter().chain(self.names_at).fold(alive, Duration::min)
    }
}

impl Device {
    pub(super) fn register(&mut self, registered: Registered, now: Duration) {
        let Phase::Dialling(attempt) = &self.phase else { return };
        let (id, entry) = (attempt.id, attempt.entry.clone());
        self.rota().registered(&entry);
        if self.trial.is_none() {
            self.settle_suspicion(&entry);
            self.stored.last_good = Some(entry.clone());
        }
        self.arrived(&entry, now);
        let stored = &mut self.stored;
        stored.connection_sequence = stored.connection_sequence.max(registered.connection_sequence);
        stored.epoch = stored.epoch.take().max(Some(registered.epoch.clone()));
        if let Some(start) = &registered.start {
            remember_start(&mut stored.starts, start);
        }
        if registered.server_time_unix_ms > 0 {
            stored.server_time_unix_ms = registered.server_time_unix_ms;
        }
        self.persist();
        let server = Connected {
            entry,
            server_id: registered.server_id.clone(),
            server_name: registered.server_name.clone(),
            role: registered.role,
            epoch: registered.epoch.clone(),
            server_time_unix_ms: registered.server_time_unix_ms,
        };
        self.note(Happening::Connected(server.clone()));
        let text = format!("{} at {}", registered.server_name, server.entry.endpoint());
        self.phase = Phase::Connected(Box::new(Session::new(id, server, &registered, &self.config, now)));
        self.watch_anew(now);
        self.plan_renewal(now);
        self.ask_for_names(now);
        self.upload(now);
        self.outputs.push_back(Output::Log(SERVER_CONNECTED, tidy_text(&text)));
    }

    pub(super) fn heard(&mut self, id: AttemptId, now: Duration) {
        if let Phase::Connected(session) = &mut self.phase
            && session.attempt == id
        {
            session.heard = now;
        }
    }

    pub(super) fn received(&mut self, id: AttemptId, message: Message, now: Duration) {
        self.heard(id, now);
        match &self.phase {
            Phase::Dialling(attempt) if attempt.id == id => self.received_while_registering(id, message, now),
            Phase::Connected(session) if session.attempt == id => self.received_in_session(id, message, now),
            Phase::Waiting(_) | Phase::Dialling(_) | Phase::Connected(_) | Phase::Stopped => {}
        }
    }

    fn received_in_session(&mut self, id: AttemptId, message: Message, now: Duration) {
        match message {
            Message::Ping { nonce } => self.send(id, Message::Pong { nonce }),
            Message::Pong { .. } | Message::Busy { .. } => {}
            Message::Unsupported { .. } => self.not_understood(id),
            Message::EventsStored { ring, watermark } => self.events_stored(ring, watermark, now),
            Message::Unknown => self.send(id, Message::Unsupported { message: 0 }),
            Message::Goodbye(goodbye) => self.sent_away(&goodbye, now),
            Message::StageList(list) => self.stage(id, list),
            Message::StartTrial { version, timeout_s } => self.start_trial(id, version, timeout_s),
            Message::ConfirmTrial(version) => self.confirm(id, version),
            Message::RollbackNoted(version) => self.rollback_noted(version),
            Message::ProbeList { request, entries } => self.probe_list(request, &entries),
            Message::Move { request, entry, ttl_s } => self.ordered(id, (request, entry, ttl_s), now),
            // What is not on disk yet is an output before this one.
            Message::AskEpoch { request } => {
                let epoch = self.stored.epoch.clone();
                self.send(id, Message::EpochAnswer { request, epoch });
            }
            Message::AskList { request } => {
                let list = Box::new(self.stored.lists.committed.clone());
                self.send(id, Message::ListAnswer { request, list });
            }
            Message::ServerChanged { role, epoch } => self.server_changed(role, epoch, now),
            Message::RevokedServers(servers) => self.servers_revoked(&servers, now),
            Message::CertificateRenewed { certificate } => self.certificate_renewed(id, certificate),
            Message::RenewalRefused { text } => self.renewal_refused(id, &text),
            Message::Enrol(_)
            | Message::EnrolWaiting { .. }
            | Message::Enrolled(_)
            | Message::Hello(_)
            | Message::Registered(_)
            | Message::ListStaged(_)
            | Message::StageRefused { .. }
            | Message::TrialStarted(_)
            | Message::ListCommitted(_)
            | Message::Probe { .. }
            | Message::ProbeAnswer(_)
            | Message::ProbeTable { .. }
            | Message::MoveAnswer { .. }
            | Message::EpochAnswer { .. }
            | Message::ListAnswer { .. }
            | Message::RenewCertificate { .. }
            | Message::Upload(_) => {
                self.say_goodbye(id, Reason::UnexpectedMessage, "this message has no meaning in a session");
                let text = "the server sent a message that has no meaning in a session";
                self.lose(&Loss { kind: FailureKind::Closed, text, spread: None, elsewhere: false }, now);
            }
        }
    }

    /// The connection of an attempt or a session is gone.
    pub(super) fn closed(&mut self, id: AttemptId, kind: FailureKind, text: &str, now: Duration) {
        match &self.phase {
            Phase::Dialling(attempt) if attempt.id == id => self.attempt_failed(kind, text, now),
            Phase::Connected(session) if session.attempt == id => {
                self.lose(&Loss { kind: FailureKind::Closed, text, spread: None, elsewhere: false }, now);
            }
            Phase::Waiting(_) | Phase::Dialling(_) | Phase::Connected(_) | Phase::Stopped => {}
        }
    }

    /// Silence, a ping or the end of a pause is due.
    pub(super) fn session_due(&mut self, now: Duration) {
        let Phase::Connected(session) = &mut self.phase else { return };
        if now >= session.heard + session.silence_limit {
            let silence = session.silence_limit.as_secs();
            let text = format!("nothing was heard for {silence} s");
            return self.lose(&Loss { kind: FailureKind::TimedOut, text: &text, spread: None, elsewhere: false }, now);
        }
        if now < session.ping_at {
            if session.names_at.is_some_and(|due| now >= due) {
                self.ask_for_names(now);
            }
            self.upload(now);
            self.renew_if_due(now);
            return self.watch_timeout(now);
        }
        session.ping_at = now + session.keep_alive;
        let attempt = session.attempt;
        let nonce = self.chance.nonce();
        self.send(attempt, Message::Ping { nonce });
    }

    /// A device that has been connected for weeks would otherwise know no address when its names cease to resolve.
    pub(super) fn ask_for_names(&mut self, now: Duration) {
        let Phase::Connected(session) = &mut self.phase else { return };
        let entries = self.stored.lists.committed.entries().iter();
        let names: Vec<_> = entries.filter_map(|entry| entry.address.name().map(str::to_owned)).collect();
        session.names_at = None;
        if !names.is_empty() {
            session.names_at = Some(now + self.chance.about(self.config.name_refresh));
            self.outputs.push_back(Output::Resolve(names));
        }
    }

    /// The server is another than when it registered the device.
    fn server_changed(&mut self, role: Role, epoch: Epoch, now: Duration) {
        let Phase::Connected(session) = &mut self.phase else { return };
        (session.server.role, session.server.epoch) = (role, epoch.clone());
        if self.stored.epoch.as_ref() < Some(&epoch) {
            self.stored.epoch = Some(epoch);
            self.persist();
        }
        self.watch_changed_server(now);
    }

    /// Whatever ended it: what is true of every session that is over.
    pub(super) fn session_over(&mut self, now: Duration, stable: bool) {
        self.offline_since = now;
        self.probing = Probing::default();
        self.held_until = None;
        if stable {
            self.rota.forget_failures();
        }
        if self.trial.is_none() {
            self.short_sessions = if stable { 0 } else { self.short_sessions.saturating_add(1) };
        }
    }

    fn sent_away(&mut self, goodbye: &Goodbye, now: Duration) {
        let text = said(goodbye);
        let spread = seconds(goodbye.reconnect_spread_s);
        let elsewhere = matches!(goodbye.reason, Reason::Draining | Reason::ShuttingDown | Reason::Storage);
        self.lose(&Loss { kind: kind_of(goodbye.reason), text: &text, spread, elsewhere }, now);
    }

    /// Ends the session with a word, and dials the same server again.
    pub(super) fn come_back(&mut self, text: &str, now: Duration) {
        let Phase::Connected(session) = &self.phase else { return };
        self.say_goodbye(session.attempt, Reason::Unknown, text);
        let spread = Some(Duration::ZERO);
        self.lose(&Loss { kind: FailureKind::Closed, text, spread, elsewhere: false }, now);
    }

    /// Leaves a server that is none of the installation's any more.
    pub(super) fn leave_revoked(&mut self, text: &str, now: Duration) {
        let Phase::Connected(session) = &self.phase else { return };
        self.say_goodbye(session.attempt, Reason::Unknown, text);
        self.lose(&Loss { kind: FailureKind::ServerRevoked, text, spread: None, elsewhere: true }, now);
    }

    fn lose(&mut self, loss: &Loss<'_>, now: Duration) {
        let Phase::Connected(session) = &self.phase else { return };
        let (attempt, entry, advertised) = (session.attempt, session.server.entry.clone(), session.spread);
        let stable = session.is_stable(now, &self.config);
        self.outputs.push_back(Output::HangUp(attempt));
        self.note(Happening::Lost(entry.clone(), loss.text.to_owned()));
        self.outputs.push_back(Output::Log(SERVER_DISCONNECTED, tidy_text(loss.text)));
        self.session_over(now, stable);
        self.damping.lost(now, &self.config);
        if let Some(trial) = &mut self.trial {
            trial.record(failure_of(&entry, FailureKind::Closed, loss.text));
            trial.rota.begin(Start::Fresh { with_reserve: false }, &self.config);
            return self.wait(now + self.config.attempt_pause, now);
        }
        if is_refusal(loss.kind) {
            self.rota.penalise(&entry, now, &self.config);
        }
        self.rota.begin(if loss.elsewhere { Start::Left(&entry) } else { Start::Lost(&entry) }, &self.config);
        let spread = loss.spread.unwrap_or(advertised).min(self.config.spread_max);
        let mut wait = self.chance.share(spread);
        // A server that keeps registering the device and dropping it is not stormed.
        if self.short_sessions > 1 {
            wait = wait.max(backoff(self.short_sessions - 2, &mut self.chance, &self.config));
        }
        self.wait(now + wait, now);
    }
}

/// `None` for 0, which means that the server does not say.
fn seconds(number: u32) -> Option<Duration> {
    (number > 0).then(|| Duration::from_secs(number.into()))
}
