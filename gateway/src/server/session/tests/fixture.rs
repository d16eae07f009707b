//! A session with a clock to turn by hand.

use super::*;
use crate::wire::{
    DeviceInfo, Enrol, Enrolled, Entries, EntryProbe, Epoch, FailureKind, IpConfig, PROTOCOL_VERSION, ProbeAnswer,
    Role, Rollback, RollbackCause, SerialConfig, ServerEntry,
};

pub(super) const DEVICE: DeviceId = DeviceId(547_846_001);

pub(super) struct Talk {
    pub(super) session: Session,
    pub(super) now: Duration,
    outputs: VecDeque<Output>,
}

impl Talk {
    pub(super) fn new(shown: Shown) -> Self {
        Self::with(shown, false)
    }

    /// The device's own certificate, which is over.
    pub(super) fn expired() -> Self {
        Self::with(Shown::Peer(device_peer()), true)
    }

    fn with(shown: Shown, expired: bool) -> Self {
        let arrival = Arrival {
            session: SessionId(1),
            peer: "192.0.2.9:40000".parse().unwrap(),
            shown,
            channel_binding: [1; 32],
            installation_id: "site".into(),
            certificate_ends_unix_s: 2_000_000_000,
            expired,
        };
        let now = Duration::from_secs(1000);
        let session = Session::new(arrival, Arc::new(Settings::default()), now);
        Self { session, now, outputs: VecDeque::new() }
    }

    pub(super) fn with_certificate() -> Self {
        Self::new(Shown::Peer(device_peer()))
    }

    pub(super) fn admitting() -> Self {
        let mut talk = Self::with_certificate();
        talk.hears(Message::Hello(hello()));
        assert!(matches!(talk.question(), Some(Question::Admit(_))));
        talk
    }

    /// Registered, and nothing is wanted of it.
    pub(super) fn registered(hello: Hello) -> Self {
        let mut talk = Self::just_registered(hello);
        assert!(matches!(talk.question(), Some(Question::Wanted(DEVICE))));
        talk.answered(Answer::Wanted(None));
        talk
    }

    pub(super) fn just_registered(hello: Hello) -> Self {
        let mut talk = Self::with_certificate();
        talk.hears(Message::Hello(hello));
        assert!(matches!(talk.question(), Some(Question::Admit(_))));
        talk.answered(admitted());
        assert!(matches!(talk.said(), Message::Registered(_)));
        talk
    }

    pub(super) fn hears(&mut self, message: Message) {
        self.session.handle_heard(self.now);
        self.session.handle_message(message, self.now);
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        self.session.handle_answer(answer, self.now);
    }

    /// Seconds pass, each timeout handled when it is due.
    pub(super) fn waits(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.session.handle_timeout(due);
        }
        self.now = end;
    }

    /// Keeps the session alive without a word.
    pub(super) fn lives(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.session.handle_heard(self.now);
            self.waits(1);
        }
    }

    fn output(&mut self) -> Option<Output> {
        while let Some(output) = self.session.poll_output() {
            self.outputs.push_back(output);
        }
        self.outputs.pop_front()
    }

    pub(super) fn said(&mut self) -> Message {
        match self.output() {
            Some(Output::Send(message)) => *message,
            other => panic!("nothing said but {other:?}"),
        }
    }

    pub(super) fn question(&mut self) -> Option<Question> {
        match self.output() {
            Some(Output::Ask(question)) => Some(question),
            None => None,
            Some(other) => panic!("no question but {other:?}"),
        }
    }

    pub(super) fn is_quiet(&mut self) -> bool {
        self.output().is_none()
    }

    pub(super) fn is_closed(&mut self) -> bool {
        matches!(self.output(), Some(Output::Close(_)))
    }

    /// The reason given to the device, which matches the reason of the end.
    pub(super) fn goodbye(&mut self) -> Reason {
        let Message::Goodbye(goodbye) = self.said() else { panic!("no goodbye") };
        assert!(!goodbye.text.is_empty());
        assert!(matches!(self.output(), Some(Output::Close(reason)) if reason == goodbye.reason));
        goodbye.reason
    }

    /// The device answers the probe of its list; with whether each entry would register it.
    pub(super) fn probes(&mut self, list: &ServerList, outcomes: &[bool]) -> Vec<EntryProbe> {
        let request = list.version().number;
        assert_eq!(self.said(), Message::ProbeList { request, entries: list.entries().clone() });
        let rows: Vec<_> = list.entries().iter().zip(outcomes).map(|(entry, passed)| row(entry, *passed)).collect();
        self.hears(Message::ProbeTable { request, rows: rows.clone() });
        rows
    }

    /// The next question is this report; `done` is the directory's answer.
    pub(super) fn reports(&mut self, expected: Progress, done: bool) {
        match self.question() {
            Some(Question::Report(DEVICE, progress)) => assert_eq!(progress, expected),
            other => panic!("{expected:?} was not reported but {other:?}"),
        }
        self.answered(Answer::Reported(done));
    }

    /// The next question is the wanted list; this is the answer.
    pub(super) fn wants(&mut self, wanted: Option<ServerList>) {
        let question = self.question();
        assert!(matches!(question, Some(Question::Wanted(DEVICE))), "{question:?}");
        self.answered(Answer::Wanted(wanted));
    }
}

pub(super) fn row(entry: &ServerEntry, passed: bool) -> EntryProbe {
    let Identity { installation_id, server_id, server_name, role, epoch, .. } = identity();
    let answer = ProbeAnswer { installation_id, server_id, server_name, role, epoch };
    let outcome = if passed { Ok(answer) } else { Err((FailureKind::Refused, "connection refused".to_owned())) };
    EntryProbe { entry: entry.clone(), resolved: None, tcp_ms: None, tls_ms: None, answer_ms: None, outcome }
}

pub(super) fn device_peer() -> Peer {
    Peer::Device { installation_id: "site".into(), id: DEVICE, serial: vec![5] }
}

fn entries(number: u64) -> Entries {
    let host = format!("192.0.2.{number}");
    Entries::parse([(1, host.as_str(), 51_213), (2, "192.0.2.200", 51_213)]).unwrap()
}

/// Revision `number` on top of the one before.
pub(super) fn list(number: u64) -> ServerList {
    let base = (number > 1).then(|| list(number - 1).version().hash);
    ServerList::new(1, number, base, entries(number))
}

pub(super) fn hello() -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        capabilities: 0,
        info: DeviceInfo {
            device_id: DEVICE,
            device_type: 3,
            product_name: "BioLite Net".into(),
            firmware_version: "2.3.4".into(),
            kernel_version: "1.0".into(),
            hardware_version: "1.0".into(),
            ip_config: IpConfig::default(),
            serial_config: SerialConfig::default(),
        },
        boot_id: 1,
        connection_sequence: 7,
        dialled: ServerEntry { priority: 1, address: "192.0.2.1".parse().unwrap(), port: 51_213 },
        committed: list(1).version(),
        trial: None,
        rollback: None,
        epoch: None,
        move_failure: None,
        starts: Vec::new(),
        ring: None,
    }
}

pub(super) fn hello_on_trial() -> Hello {
    Hello { trial: Some(list(2).version()), ..hello() }
}

pub(super) fn rollback() -> Rollback {
    Rollback { version: list(2).version(), cause: RollbackCause::TimedOut, failures: Vec::new() }
}

pub(super) fn enrol() -> Enrol {
    static REQUEST: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::default().serialize_request(&key).unwrap().der().to_vec()
    });
    Enrol {
        protocol_version: PROTOCOL_VERSION,
        info: hello().info,
        provisioning_id: "p-1".into(),
        proof: vec![0; 32],
        certificate_request: REQUEST.clone(),
    }
}

pub(super) fn enrolled() -> Enrolled {
    Enrolled {
        certificate: vec![1],
        authority_certificate: vec![2],
        installation_id: "site".into(),
        list: list(1),
        server_time_unix_ms: 1,
    }
}

pub(super) fn identity() -> Identity {
    Identity {
        installation_id: "site".into(),
        server_id: "server-1".into(),
        server_name: "Server 1".into(),
        role: Role::Active,
        epoch: Epoch { number: 1, server_id: "server-1".into(), seal: Vec::new() },
        revoked_servers: Arc::default(),
    }
}

pub(super) fn admitted() -> Answer {
    let identity = identity();
    let admission = Admission { connection_sequence: 8, start: None, event_watermark: 40 };
    Answer::Admitted(Box::new(Admitted { admission, identity, server_time_unix_ms: 1_790_000_000_000 }))
}

/// One of the answers that a question may get.
pub(super) fn some_answer(question: &Question, variant: u8) -> Answer {
    let refusal = || Refusal::Goodbye(Reason::Removed, "gone".into());
    match (question, variant % 3) {
        (Question::Enrol(_), 0) => Answer::Enrol(EnrolDecision::Waiting),
        (Question::Enrol(_), 1) => Answer::Enrol(EnrolDecision::Accepted(Box::new(enrolled()))),
        (Question::Enrol(_), _) => Answer::Enrol(EnrolDecision::Refused(refusal())),
        (Question::Admit(_), 2) => Answer::NotAdmitted(refusal()),
        (Question::Admit(_), _) => admitted(),
        (Question::MayRegister(..), 0) => Answer::NotAdmitted(refusal()),
        (Question::MayRegister(..), _) => Answer::MayRegister(Box::new(identity())),
        (Question::Wanted(_), 0) => Answer::Wanted(None),
        (Question::Wanted(_), variant) => Answer::Wanted(Some(list(1 + u64::from(variant)))),
        (Question::Report(..), variant) => Answer::Reported(variant > 0),
        (Question::Renew(_, request), 0) => Answer::Renewed(Ok(request.clone())),
        (Question::Renew(..), _) => Answer::Renewed(Err("not\nnow".into())),
        (Question::Store(_, upload), variant) => Answer::Stored((variant > 0).then_some(upload.last_id())),
    }
}
