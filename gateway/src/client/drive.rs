//! Carries out what the device's core wants, and tells it what happened.

use super::{
    ClientError, ClientSettings, Status, Teller,
    connection::{Connection, Heard},
    dial::Dialler,
    disk::{Disk, Enrolled},
    event_log::{Entry, event_now},
    failure::Failure,
    logbook::Logbook,
    probing::{Limits, probe, unreachable},
    renewal::{Credentials, unsealed},
    server_time::believable,
};
use crate::{
    device::{Activity, AttemptId, CertificateLife, Device, Happening, Input, Output, Stored, WriteId},
    tls::Clock,
    wire::{DeviceId, EntryProbe, FailureKind, Message, ServerEntry},
};
use futures::{StreamExt as _, stream::FuturesUnordered};
use std::{future::Future, pin::Pin, time::Duration};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

type Dialling = Pin<Box<dyn Future<Output = Result<Box<Connection>, Failure>> + Send>>;

type Asking = Pin<Box<dyn Future<Output = ()> + Send>>;

type Probing = Pin<Box<dyn Future<Output = (AttemptId, EntryProbe)> + Send>>;

/// The one connection a device has, as far as it has come.
enum Line {
    None,
    Dialling(AttemptId, Dialling),
    Open(AttemptId, Box<Connection>),
}

/// One device between its core and the world.
pub(super) struct Drive {
    device: Device,
    device_id: DeviceId,
    disk: Disk,
    logbook: Logbook,
    dialler: Dialler,
    clock: Clock,
    credentials: Credentials,
    begun: Instant,
    line: Line,
    probes: FuturesUnordered<Probing>,
    questions: FuturesUnordered<Asking>,
    network: Option<watch::Receiver<bool>>,
    teller: Teller,
}

/// What woke the device.
enum Event {
    Time,
    Dialled(Result<Box<Connection>, Failure>),
    Heard(Result<Heard, Failure>),
    Probed(AttemptId, EntryProbe),
    /// A name was asked for.
    Asked,
    Network(bool),
    Happened(Entry),
    Stop,
}

impl Drive {
    pub(super) fn new(
        settings: ClientSettings,
        disk: Disk,
        logbook: Logbook,
        enrolled: Enrolled,
        teller: Teller,
    ) -> Result<Self, ClientError> {
        let remembered = disk.load_names();
        let clock = Clock::system();
        clock.at_least(enrolled.stored.server_time_unix_ms);
        let device_id = settings.info.device_id;
        let seed = settings.seed.unwrap_or_else(rand::random);
        let durable = (enrolled.stored.clone(), logbook.span());
        let credentials = Credentials::new(device_id, enrolled, clock.clone());
        let tls = credentials.tls()?;
        let mut device =
            Device::new(settings.config.clone(), settings.info, durable, rand::random(), seed, Duration::ZERO);
        if let Some(life) = credentials.life() {
            device = device.with_certificate(life);
        }
        Ok(Self {
            device,
            device_id,
            disk,
            logbook,
            dialler: Dialler::new(tls, settings.config, remembered),
            clock,
            credentials,
            begun: Instant::now(),
            line: Line::None,
            probes: FuturesUnordered::new(),
            questions: FuturesUnordered::new(),
            network: settings.network,
            teller,
        })
    }

    /// Follows the core until told to stop.
    pub(super) async fn until(mut self, stop: CancellationToken) -> Result<(), ClientError> {
        loop {
            self.carry_out().await;
            if self.device.activity() == Activity::Stopped {
                return Ok(());
            }
            self.show();
            match self.next_event(&stop).await {
                Event::Time => self.device.handle_timeout(self.now()),
                Event::Dialled(outcome) => self.dialled(outcome),
                Event::Heard(outcome) => self.heard(outcome),
                Event::Probed(attempt, result) => {
                    let believed = self.credentials.believe_probe(result);
                    self.tell(Input::Probed(attempt, Box::new(believed)));
                }
                Event::Asked => {}
                Event::Network(there) => self.network_changed(there),
                Event::Happened(entry) => {
                    let span = self.logbook.enter(entry).await;
                    self.tell(Input::RingChanged(span));
                }
                Event::Stop => self.tell(Input::Stop),
            }
            self.keep_names().await;
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn tell(&mut self, input: Input) {
        self.device.handle_input(input, self.now());
    }

    async fn next_event(&mut self, stop: &CancellationToken) -> Event {
        let due = self.device.poll_timeout().map(|due| self.begun + due);
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let line = &mut self.line;
        let line_event = async {
            match line {
                Line::None => std::future::pending().await,
                Line::Dialling(_, dialling) => Event::Dialled(dialling.await),
                Line::Open(_, connection) => Event::Heard(connection.hear().await),
            }
        };
        tokio::select! {
            () = stop.cancelled() => Event::Stop,
            there = network_change(&mut self.network) => Event::Network(there),
            event = line_event => event,
            Some((attempt, result)) = self.probes.next() => Event::Probed(attempt, result),
            Some(()) = self.questions.next() => Event::Asked,
            entry = self.logbook.next_entry() => Event::Happened(entry),
            () = timer => Event::Time,
        }
    }

    fn dialled(&mut self, outcome: Result<Box<Connection>, Failure>) {
        let Line::Dialling(attempt, _) = std::mem::replace(&mut self.line, Line::None) else { return };
        match outcome {
            Ok(connection) => {
                self.line = Line::Open(attempt, connection);
                self.tell(Input::Opened(attempt));
            }
            Err((kind, text)) => self.tell(Input::Closed(attempt, kind, text)),
        }
    }

    fn heard(&mut self, outcome: Result<Heard, Failure>) {
        let Line::Open(attempt, connection) = &self.line else { return };
        let attempt = *attempt;
        match outcome {
            Ok(Heard::Message(message)) if !self.credentials.believe(&message) => {
                self.line = Line::None;
                let (kind, text) = unsealed();
                self.tell(Input::Closed(attempt, kind, text));
            }
            Ok(Heard::Message(mut message)) => {
                if let Message::Registered(registered) = &mut *message {
                    let told = registered.server_time_unix_ms;
                    registered.server_time_unix_ms = believable(told, connection.server_certificate());
                }
                self.tell(Input::Received(attempt, message));
            }
            Ok(Heard::Bytes) => self.tell(Input::Heard(attempt)),
            Err((kind, text)) => {
                self.line = Line::None;
                self.tell(Input::Closed(attempt, kind, text));
            }
        }
    }

    fn network_changed(&mut self, there: bool) {
        if there {
            return self.tell(Input::LinkUp);
        }
        let attempt = match std::mem::replace(&mut self.line, Line::None) {
            Line::None => return,
            Line::Dialling(attempt, _) | Line::Open(attempt, _) => attempt,
        };
        self.tell(Input::Closed(attempt, FailureKind::Unreachable, "the network is down".to_owned()));
    }

    /// Everything the core wants, in its order.
    async fn carry_out(&mut self) {
        while let Some(output) = self.device.poll_output() {
            match output {
                Output::Persist(write, stored) => self.persist(write, *stored).await,
                Output::Dial(attempt, entry) => self.dial(attempt, entry),
                Output::Probe(attempt, entry) => self.probe(attempt, entry),
                Output::Send(attempt, message) => self.send(attempt, *message).await,
                Output::HangUp(attempt) => self.hang_up(attempt).await,
                Output::Log(code, detail) => {
                    self.logbook.append(vec![event_now(code, "", &detail)]).await;
                    self.tell(Input::RingChanged(self.logbook.span()));
                }
                Output::ReadEvents(from, count) => {
                    let events = self.logbook.read(from, count).await;
                    self.tell(Input::EventsRead(self.logbook.span(), from, events));
                }
                Output::RenewRing => {
                    self.logbook.renew().await;
                    self.tell(Input::RingChanged(self.logbook.span()));
                }
                Output::RequestCertificate(attempt) => match self.credentials.request() {
                    Ok(request) => self.tell(Input::CertificateRequested(attempt, request)),
                    Err(error) => tracing::error!(device = self.device_id.0, error, "no certificate request"),
                },
                Output::KeepCertificate(attempt, der) => {
                    let kept = self.keep_certificate(der);
                    self.tell(Input::CertificateKept(attempt, kept));
                }
                Output::Resolve(names) => self.ask_for(names),
                Output::Note(happening) => self.note(&happening),
            }
        }
    }

    async fn persist(&mut self, write: WriteId, stored: Stored) {
        self.clock.at_least(stored.server_time_unix_ms);
        let disk = self.disk.clone();
        let outcome = tokio::task::spawn_blocking(move || disk.save_stored(&stored)).await;
        match outcome {
            Ok(Ok(())) => self.tell(Input::Persisted(write)),
            Ok(Err(error)) => {
                tracing::error!(device = self.device_id.0, %error, "the device's state could not be written");
                self.tell(Input::NotPersisted(write));
            }
            Err(error) => {
                tracing::error!(device = self.device_id.0, %error, "writing the device's state was cut off");
                self.tell(Input::NotPersisted(write));
            }
        }
    }

    /// Names come to other addresses once in a while.
    async fn keep_names(&mut self) {
        let Some(names) = self.dialler.take_names() else { return };
        let disk = self.disk.clone();
        let kept = tokio::task::spawn_blocking(move || disk.save_names(&names)).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::warn!(
                device = self.device_id.0,
                "what names came to is forgotten when the device is switched off"
            );
        }
    }

    /// A small write that happens once in years.
    fn keep_certificate(&mut self, der: Vec<u8>) -> Result<CertificateLife, String> {
        let life = self.credentials.replace(&self.disk, der)?;
        self.dialler.set_tls(self.credentials.tls().map_err(|error| error.to_string())?);
        Ok(life)
    }

    fn dial(&mut self, attempt: AttemptId, entry: ServerEntry) {
        let dialler = self.dialler.clone();
        let there = self.is_network_there();
        let limit = self.device.config().connect_limit;
        let dialling = async move {
            if there {
                dialler.dial(entry.address, entry.port, limit).await
            } else {
                Err((FailureKind::Unreachable, "the network is down".to_owned()))
            }
        };
        self.line = Line::Dialling(attempt, Box::pin(dialling));
    }

    fn probe(&mut self, attempt: AttemptId, entry: ServerEntry) {
        let (dialler, device, there) = (self.dialler.clone(), self.device_id, self.is_network_there());
        let config = self.device.config();
        let limits = Limits { connect: config.connect_limit, answer: config.registration_limit };
        self.probes.push(Box::pin(async move {
            let result = if there { probe(dialler, device, entry, limits).await } else { unreachable(entry) };
            (attempt, result)
        }));
    }

    fn ask_for(&mut self, names: Vec<String>) {
        for name in names {
            self.questions.push(Box::pin(self.dialler.clone().learn(name)));
        }
    }

    fn is_network_there(&self) -> bool {
        self.network.as_ref().is_none_or(|network| *network.borrow())
    }

    async fn send(&mut self, attempt: AttemptId, message: Message) {
        let Line::Open(open, connection) = &mut self.line else { return };
        if *open != attempt {
            return;
        }
        if let Err((kind, text)) = connection.say(message).await {
            self.line = Line::None;
            self.tell(Input::Closed(attempt, kind, text));
        }
    }

    async fn hang_up(&mut self, attempt: AttemptId) {
        match std::mem::replace(&mut self.line, Line::None) {
            Line::Open(open, connection) if open == attempt => connection.close().await,
            Line::Dialling(dialling, _) if dialling == attempt => {}
            other @ (Line::None | Line::Dialling(..) | Line::Open(..)) => self.line = other,
        }
    }

    fn note(&self, happening: &Happening) {
        tracing::info!(device = self.device_id.0, ?happening, "device");
    }

    fn show(&self) {
        let last = || match self.device.last_failure() {
            Some(failure) => format!("{}: {}", failure.entry.endpoint(), failure.text),
            None => "first try".to_owned(),
        };
        self.teller.tell(match self.device.activity() {
            Activity::Connected(server) => {
                Status::Connected { entry: server.entry, server_id: server.server_id, server_name: server.server_name }
            }
            Activity::Waiting | Activity::Dialling(_) => Status::Dialling(last()),
            Activity::Stopped => Status::Stopped,
        });
    }
}

/// The next change of the network; never, if nobody can change it.
async fn network_change(network: &mut Option<watch::Receiver<bool>>) -> bool {
    if let Some(there) = network
        && there.changed().await.is_ok()
    {
        return *there.borrow_and_update();
    }
    std::future::pending().await
}
