//! One task for one connection: handshake, then bytes and futures on behalf of the session's rules.

mod asking;
mod handshake;
mod membership;

use super::directory::{Directory, Progress, SessionId};
use super::inbox::{Inbox, Letter};
use super::line::{Acceptor, Line, Opened};
use super::load::Load;
use super::orders::{OrderId, OrderReply};
use super::registry::{Entered, Registry};
use super::session::{Answer, Arrival, Output, Question, Session, Shown};
use super::settings::Settings;
use crate::tls::{Peer, peer_of, validity_of};
use crate::wire::{ALPN, DeviceId, FrameCodec, Message, Reason};
use asking::{Pending, answer_to};
use bytes::BytesMut;
use handshake::shake;
use membership::Membership;
use rustls::{CommonState, HandshakeKind};
use rustls_pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::codec::{Decoder as _, Encoder as _};
use tokio_util::sync::CancellationToken;

/// A device that does not take what it is sent for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How long the last word may take to arrive before the socket is dropped.
const LINGER: Duration = Duration::from_secs(1);
/// How long a stopping server waits for a session's own end.
const STOP_GRACE: Duration = Duration::from_millis(500);
/// How long a stopping server waits for the directory.
const STOP_CLOSED_LIMIT: Duration = Duration::from_secs(1);
/// How long what an ended session saw is offered to the directory.
const REPORT_LIMIT: Duration = Duration::from_secs(3);

/// What all connections of a server share.
pub(super) struct Shared<D> {
    pub(super) directory: Arc<D>,
    pub(super) settings: Arc<Settings>,
    pub(super) registry: Arc<Mutex<Registry<Arc<Inbox>>>>,
    pub(super) stop: CancellationToken,
    load: Arc<Load>,
    epoch: Instant,
}

impl<D: Directory> Shared<D> {
    pub(super) fn new(
        directory: Arc<D>,
        settings: Arc<Settings>,
        registry: Arc<Mutex<Registry<Arc<Inbox>>>>,
        load: Arc<Load>,
        stop: CancellationToken,
    ) -> Self {
        Self { directory, settings, registry, stop, load, epoch: Instant::now() }
    }

    fn advertise(&self, message: &mut Message) {
        let connected = || self.registry.lock().unwrap_or_else(PoisonError::into_inner).len();
        let devices = || connected().max(self.directory.devices());
        self.load.advertise(message, devices, self.stop.is_cancelled());
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }
}

/// One connection's end of everything.
struct Connection<D: Directory> {
    line: Line,
    shared: Arc<Shared<D>>,
    session: Session,
    peer: SocketAddr,
    inbox: Arc<Inbox>,
    membership: Membership,
    pending: Option<Pending>,
    incoming: BytesMut,
    /// What the goodbye says instead of the spread of all devices.
    spread_s: Option<u32>,
    /// Whoever waits for what comes of an order.
    orders: Vec<(OrderId, oneshot::Sender<OrderReply>)>,
}

/// Serves one accepted connection to its end.
pub(super) async fn serve<D: Directory>(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Acceptor,
    permit: OwnedSemaphorePermit,
    shared: Arc<Shared<D>>,
) {
    let shaking = shake(stream, &tls, permit, &shared.settings, &shared.load.stalled);
    let opened = match shared.stop.run_until_cancelled(shaking).await {
        None => return,
        Some(Ok(opened)) => opened,
        Some(Err(error)) => {
            shared.load.note_failed();
            return tracing::info!(%peer, %error, "TLS handshake failed");
        }
    };
    let mut connection = Connection::open(opened, peer, Arc::clone(&shared));
    let overdue = async {
        shared.stop.cancelled().await;
        sleep(STOP_GRACE).await;
    };
    let reason = tokio::select! {
        reason = connection.run() => reason,
        () = overdue => Reason::ShuttingDown,
    };
    // Boxed, so that no session carries the room for its end.
    Box::pin(connection.finish(reason)).await;
}

impl<D: Directory> Connection<D> {
    fn open(opened: Opened, peer: SocketAddr, shared: Arc<Shared<D>>) -> Self {
        let Opened { line, heard, channel_binding } = opened;
        let tls = line.tls();
        let (shown, dates) = match leaf_of(tls) {
            None => (Shown::Nothing, None),
            Some(certificate) => (peer_of(certificate).map_or(Shown::Stranger, Shown::Peer), validity_of(certificate)),
        };
        let (begins, ends) = dates.unwrap_or((0, 0));
        // A resumed session brings the certificate of its first handshake, which may be over by now.
        let over = dates.is_some() && unix_s() > ends;
        let expired = over && matches!(shown, Shown::Peer(Peer::Device { .. }));
        let unreadable = dates.is_none() && !matches!(shown, Shown::Nothing);
        let out_of_date = unreadable || over && !expired || unix_s() < begins;
        let id = SessionId(rand::random::<u64>() >> 1);
        let arrival = Arrival {
            session: id,
            peer,
            shown,
            // Only who shows no certificate enrols.
            channel_binding: channel_binding.unwrap_or_default(),
            installation_id: shared.directory.identity().installation_id,
            certificate_ends_unix_s: ends,
            expired,
        };
        let speaks_bln = tls.alpn_protocol() == Some(ALPN);
        let resumed = tls.handshake_kind() == Some(HandshakeKind::Resumed);
        shared.load.note_shaken(resumed);
        let mut session = Session::new(arrival, Arc::clone(&shared.settings), shared.now());
        if !speaks_bln {
            session.handle_close(Reason::UnsupportedVersion, "the TLS session did not agree on the protocol bln/1");
        }
        if out_of_date {
            session.handle_close(Reason::NotEnrolled, "the certificate is not within its dates");
        }
        let mut connection = Self {
            line,
            session,
            peer,
            inbox: Arc::default(),
            membership: Membership::new(id, Arc::clone(&shared.registry)),
            shared,
            pending: None,
            incoming: heard,
            spread_s: None,
            orders: Vec::new(),
        };
        if !connection.incoming.is_empty() {
            connection.take_frames();
        }
        connection
    }

    /// Runs until the session ends, and says why it did.
    async fn run(&mut self) -> Reason {
        let stop = self.shared.stop.clone();
        let inbox = Arc::clone(&self.inbox);
        loop {
            if let Some(reason) = self.act().await {
                return reason;
            }
            let due = self.session.poll_timeout().map(|at| self.shared.epoch + at);
            tokio::select! {
                read = self.line.read(&mut self.incoming) => match read {
                    Ok(true) => self.take_frames(),
                    Ok(false) if !self.incoming.is_empty() => self.session.handle_lost(Reason::Malformed),
                    Ok(false) | Err(_) => self.session.handle_lost(Reason::Unknown),
                },
                answer = answer_to(&mut self.pending) => self.take_answer(answer),
                letter = inbox.letter() => self.take_letter(letter),
                () = sleep_until(due.unwrap_or_else(Instant::now)) => {
                    self.session.handle_timeout(self.shared.now());
                }
                () = stop.cancelled() => {
                    self.session.handle_close(Reason::ShuttingDown, "the server stops");
                }
            }
        }
    }

    /// Does what the session wants; the reason once it has ended.
    async fn act(&mut self) -> Option<Reason> {
        let mut ended = None;
        let mut outgoing = BytesMut::new();
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(message) => self.encode(*message, &mut outgoing),
                Output::Ask(question) => self.ask(question),
                Output::Replied(order, reply) => self.hand_back(order, reply),
                Output::Close(reason) => ended = Some(reason),
            }
        }
        let written = if outgoing.is_empty() { Ok(()) } else { self.line.write(&outgoing) };
        let sent = written.is_ok()
            && (!self.line.has_unsent() || matches!(timeout(WRITE_LIMIT, self.line.flush()).await, Ok(Ok(()))));
        if !sent {
            self.session.handle_lost(Reason::Unknown);
            return Some(ended.unwrap_or(Reason::Unknown));
        }
        ended
    }

    fn encode(&mut self, mut message: Message, outgoing: &mut BytesMut) {
        if let (Message::Goodbye(goodbye), Some(spread_s)) = (&mut message, self.spread_s)
            && goodbye.reconnect_spread_s > 0
        {
            goodbye.reconnect_spread_s = spread_s;
        } else {
            self.shared.advertise(&mut message);
        }
        if let Err(error) = FrameCodec.encode(message, outgoing) {
            tracing::error!(peer = %self.peer, %error, "a message did not fit into a frame");
            self.session.handle_lost(Reason::Oversized);
        }
    }

    fn ask(&mut self, question: Question) {
        let now = self.shared.now();
        let room = (self.shared.settings.room(), now);
        if matches!(question, Question::MayRegister(..)) && self.membership.is_full(room) {
            let answer = Answer::NotAdmitted(Load::refuse_probe());
            self.pending = Some(Box::pin(std::future::ready(answer)));
            return;
        }
        if let Question::Admit(registration) = &question {
            let device = registration.hello.info.device_id;
            if !self.membership.arrive(device, Arc::clone(&self.inbox), room) {
                let admitted = self.membership.admitted_per_s(now);
                let answer = Answer::NotAdmitted(self.shared.load.turn_away(now, admitted));
                self.pending = Some(Box::pin(std::future::ready(answer)));
                return;
            }
        }
        if let Question::Enrol(enrolment) = &question {
            self.membership.wait(enrolment.fingerprint, &self.inbox);
        }
        let renews = matches!(question, Question::Renew(..));
        let shown = if renews { leaf_of(self.line.tls()).map(|leaf| leaf.clone().into_owned()) } else { None };
        let directory = Arc::clone(&self.shared.directory);
        self.pending = Some(asking::ask(directory, self.membership.session(), question, shown));
    }

    fn take_frames(&mut self) {
        let now = self.shared.now();
        self.session.handle_heard(now);
        loop {
            match FrameCodec.decode(&mut self.incoming) {
                Ok(Some(message)) => self.session.handle_message(message, now),
                Ok(None) => break,
                Err(error) => {
                    self.session.handle_bad_frame(error.reason(), &error.to_string());
                    self.incoming.clear();
                    break;
                }
            }
        }
        if self.incoming.is_empty() {
            self.incoming = BytesMut::new();
        }
    }

    fn take_answer(&mut self, answer: Answer) {
        if let Answer::Admitted(admitted) = &answer {
            match self.membership.enter(admitted.admission.connection_sequence, self.shared.now()) {
                Entered::First => {}
                Entered::Replaces(older) => {
                    older.close(Reason::Replaced, "a newer session of this device took over");
                }
                Entered::Superseded => {
                    return self.session.handle_close(Reason::Replaced, "a newer session of this device was faster");
                }
            }
            tracing::info!(peer = %self.peer, device = %self.membership.device_text(), "registered");
        } else if let Answer::NotAdmitted(_) = &answer {
            self.membership.refuse(self.shared.now());
        }
        self.session.handle_answer(answer, self.shared.now());
    }

    fn take_letter(&mut self, letter: Letter) {
        if let Some(farewell) = letter.close {
            self.spread_s = farewell.spread_s;
            self.session.handle_close(farewell.reason, &farewell.text);
            return;
        }
        let now = self.shared.now();
        if letter.wake {
            self.session.handle_wake(&self.shared.directory.identity(), now);
        }
        for (id, order, sender) in letter.orders {
            self.orders.push((id, sender));
            self.session.handle_order(id, order, now);
        }
    }

    fn hand_back(&mut self, order: OrderId, reply: OrderReply) {
        if let Some(place) = self.orders.iter().position(|(id, _)| *id == order) {
            // Whoever asked may have stopped waiting.
            let _ = self.orders.swap_remove(place).1.send(reply);
        }
    }

    /// Leaves the registry, tells the directory what the session saw and that it is over, and closes the socket.
    async fn finish(mut self, reason: Reason) {
        self.pending = None;
        tracing::info!(peer = %self.peer, device = %self.membership.device_text(), ?reason, "connection ended");
        let session = self.membership.session();
        let device = self.membership.leave();
        let unreported = self.session.take_unreported();
        let recording = async {
            if let Some(device) = device {
                record(&self.shared, session, device, reason, unreported).await;
            }
        };
        // Whether the other side closes properly is its own affair.
        let _ = tokio::join!(timeout(LINGER, self.line.close()), recording);
    }
}

/// The certificate at the other end.
fn leaf_of(tls: &CommonState) -> Option<&CertificateDer<'static>> {
    tls.peer_certificates()?.first()
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

async fn record<D: Directory>(
    shared: &Shared<D>,
    session: SessionId,
    device: DeviceId,
    reason: Reason,
    unreported: Vec<Progress>,
) {
    let directory = &shared.directory;
    if shared.stop.is_cancelled() {
        if timeout(STOP_CLOSED_LIMIT, directory.closed(session, device, reason)).await.is_err() {
            tracing::warn!(%device, "the end of the session could not be put on record in time");
        }
        return;
    }
    let reporting = async {
        for progress in unreported {
            if !directory.progress(session, device, progress).await {
                break;
            }
        }
    };
    // What gets lost here the device's next hello tells again.
    let _ = timeout(REPORT_LIMIT, reporting).await;
    directory.closed(session, device, reason).await;
}
