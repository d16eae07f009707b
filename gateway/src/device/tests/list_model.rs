//! Lists and trials against a model of a few numbers: what the device holds, what is on its disk, what it answers.

use super::*;
use crate::wire::{Epoch, Hello, Message, Registered, Role};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug)]
enum Act {
    Stage(u64),
    Start(u64),
    Confirm(u64),
    Noted(u64),
    /// The next attempt is registered, or refused.
    Connect,
    Fail,
    /// The time of a trial is over.
    TimeOut,
    PowerCut,
    DiskFull(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Staged(u64),
    Refused(u64),
    Started(u64),
    Committed(u64),
}

/// Lists by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lists {
    committed: u64,
    previous: Option<u64>,
    staged: Option<u64>,
    trial: Option<u64>,
    rollback: Option<u64>,
    quarantined: BTreeSet<u64>,
    /// It is open whether the entry used before the trial fails too.
    suspicion: bool,
}

impl Lists {
    fn of(stored: &Stored) -> Self {
        let lists = &stored.lists;
        let number_of = |hash| (1..=6).find(|number| list(*number, &[1, 2]).version().hash == hash).unwrap();
        Self {
            committed: lists.committed.version().number,
            previous: lists.previous.as_ref().map(|list| list.version().number),
            staged: lists.staged.as_ref().map(|list| list.version().number),
            trial: lists.trial.as_ref().map(|mark| mark.version.number),
            rollback: stored.rollback.as_ref().map(|rollback| rollback.version.number),
            quarantined: stored.quarantined.iter().map(|hash| number_of(*hash)).collect(),
            suspicion: stored.suspect.is_some(),
        }
    }
}

/// What must be true of the device.
struct Model {
    held: Lists,
    disk: Lists,
    full: bool,
    connected: bool,
    /// Attempts left on the entry used before the trial, while that is suspected.
    attempts: u32,
}

impl Model {
    fn write(&mut self) {
        if !self.full {
            self.disk = self.held.clone();
        }
    }

    /// A change of the lists, which is none unless it comes to the disk.
    fn change(&mut self, change: impl FnOnce(&mut Lists)) -> bool {
        if !self.full {
            change(&mut self.held);
            self.disk = self.held.clone();
        }
        !self.full
    }

    fn refuses(&self, number: u64) -> bool {
        self.held.trial.is_some() || self.held.quarantined.contains(&number) || number <= self.held.committed
    }

    fn roll_back(&mut self) {
        self.held.rollback = self.held.trial.take();
        (self.held.suspicion, self.connected, self.attempts) = (true, false, 2);
        self.write();
    }

    fn hear(&mut self, act: Act) -> Option<Answer> {
        match act {
            Act::Stage(number) if self.refuses(number) => Some(Answer::Refused(number)),
            Act::Stage(number) => {
                let done = self.held.staged == Some(number) || self.change(|lists| lists.staged = Some(number));
                Some(if done { Answer::Staged(number) } else { Answer::Refused(number) })
            }
            Act::Start(number) => {
                let possible = !self.refuses(number) && self.held.staged == Some(number);
                if possible && self.change(|lists| lists.trial = Some(number)) {
                    self.connected = false;
                    return Some(Answer::Started(number));
                }
                Some(Answer::Refused(number))
            }
            Act::Confirm(number) if number == self.held.committed => Some(Answer::Committed(number)),
            Act::Confirm(number) => {
                let counts = self.held.trial == Some(number);
                let done = counts
                    && self.change(|lists| {
                        lists.previous = Some(std::mem::replace(&mut lists.committed, number));
                        (lists.staged, lists.trial) = (None, None);
                    });
                done.then_some(Answer::Committed(number))
            }
            Act::Noted(number) => {
                if self.held.rollback == Some(number) {
                    self.held.rollback = None;
                    self.write();
                }
                None
            }
            Act::Connect | Act::Fail | Act::TimeOut | Act::PowerCut | Act::DiskFull(_) => None,
        }
    }

    fn connect(&mut self) {
        self.connected = true;
        if self.held.trial.is_none()
            && std::mem::take(&mut self.held.suspicion)
            && let Some(number) = self.held.rollback
        {
            self.held.quarantined.insert(number);
            self.held.staged.take_if(|staged| *staged == number);
        }
        self.write();
    }

    fn fail(&mut self) {
        if self.held.trial.is_none() && self.held.suspicion {
            self.attempts -= 1;
            if self.attempts == 0 {
                self.held.suspicion = false;
                self.write();
            }
        }
    }

    fn cut_power(&mut self) {
        (self.held, self.connected, self.attempts) = (self.disk.clone(), false, 2);
        if self.held.trial.is_some() {
            self.roll_back();
        }
    }
}

/// The device and its disk; there is one network, which does as it is told.
struct Rig {
    device: Device,
    disk: Stored,
    full: bool,
    now: Duration,
    dialled: Option<(AttemptId, ServerEntry)>,
    said: Vec<Message>,
}

impl Rig {
    fn new() -> Self {
        let disk = Stored::new(list(1, &[1, 2]), 0);
        let device = start(&disk, secs(1000));
        Self { device, disk, full: false, now: secs(1000), dialled: None, said: Vec::new() }
    }

    fn input(&mut self, input: Input) {
        self.device.handle_input(input, self.now);
        self.act();
    }

    fn act(&mut self) {
        while let Some(output) = self.device.poll_output() {
            match output {
                Output::Persist(write, _) if self.full => {
                    self.device.handle_input(Input::NotPersisted(write), self.now);
                }
                Output::Persist(write, stored) => {
                    self.disk = *stored;
                    self.device.handle_input(Input::Persisted(write), self.now);
                }
                Output::Dial(attempt, entry) => self.dialled = Some((attempt, entry)),
                Output::Send(_, message) => self.said.push(*message),
                Output::Probe(..)
                | Output::HangUp(_)
                | Output::Log(..)
                | Output::ReadEvents(..)
                | Output::RenewRing
                | Output::RequestCertificate(_)
                | Output::KeepCertificate(..)
                | Output::Resolve(_)
                | Output::Note(_) => {}
            }
        }
    }

    /// The attempt that is under way, or comes next.
    fn attempt(&mut self) -> AttemptId {
        while !matches!(self.device.activity(), Activity::Dialling(_)) {
            self.now = self.now.max(self.device.poll_timeout().unwrap());
            self.device.handle_timeout(self.now);
            self.act();
        }
        self.dialled.clone().unwrap().0
    }

    fn connect(&mut self) -> Hello {
        let attempt = self.attempt();
        self.input(Input::Opened(attempt));
        let Some(Message::Hello(hello)) = self.said.pop() else { panic!("no hello") };
        self.input(Input::Received(attempt, Box::new(Message::Registered(registered()))));
        hello
    }

    fn hear(&mut self, message: Message) -> Option<Answer> {
        let attempt = self.dialled.clone().unwrap().0;
        self.said.clear();
        self.input(Input::Received(attempt, Box::new(message)));
        self.said.iter().find_map(answer)
    }
}

fn answer(said: &Message) -> Option<Answer> {
    if let Message::ListStaged(version) = said {
        Some(Answer::Staged(version.number))
    } else if let Message::StageRefused { version, .. } = said {
        Some(Answer::Refused(version.number))
    } else if let Message::TrialStarted(version) = said {
        Some(Answer::Started(version.number))
    } else if let Message::ListCommitted(version) = said {
        Some(Answer::Committed(version.number))
    } else {
        None
    }
}

fn start(disk: &Stored, now: Duration) -> Device {
    Device::new(Config::default(), info(), (disk.clone(), MemoryRing::new(1).span()), 1, 1, now)
}

fn registered() -> Registered {
    Registered {
        connection_sequence: 1,
        installation_id: "site".into(),
        server_id: "s1".into(),
        server_name: "One".into(),
        role: Role::Active,
        epoch: Epoch { number: 1, server_id: "s1".into(), seal: Vec::new() },
        server_time_unix_ms: 0,
        keep_alive_s: 10,
        silence_limit_s: 30,
        reconnect_spread_s: 2,
        start: None,
        event_watermark: 0,
    }
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..=6_u64).prop_map(Act::Stage),
        4 => (1..=6_u64).prop_map(Act::Start),
        3 => (1..=6_u64).prop_map(Act::Confirm),
        1 => (1..=6_u64).prop_map(Act::Noted),
        8 => Just(Act::Connect),
        2 => Just(Act::Fail),
        1 => Just(Act::TimeOut),
        1 => Just(Act::PowerCut),
        1 => any::<bool>().prop_map(Act::DiskFull),
    ]
}

/// What a server says in it.
fn message(act: Act) -> Option<Message> {
    let of = |number| list(number, &[1, 2]);
    Some(match act {
        Act::Stage(number) => Message::StageList(of(number)),
        Act::Start(number) => Message::StartTrial { version: of(number).version(), timeout_s: 3600 },
        Act::Confirm(number) => Message::ConfirmTrial(of(number).version()),
        Act::Noted(number) => Message::RollbackNoted(of(number).version()),
        Act::Connect | Act::Fail | Act::TimeOut | Act::PowerCut | Act::DiskFull(_) => return None,
    })
}

/// What only concerns the network, the clock and the power.
fn happen(act: Act, rig: &mut Rig, model: &mut Model) {
    match act {
        Act::Connect if !model.connected => {
            let hello = rig.connect();
            assert_eq!(hello.trial.map(|version| version.number), model.held.trial);
            assert_eq!(hello.rollback.map(|rollback| rollback.version.number), model.held.rollback);
            assert_eq!(hello.committed.number, model.held.committed);
            model.connect();
        }
        Act::Fail if !model.connected => {
            let attempt = rig.attempt();
            rig.input(Input::Closed(attempt, FailureKind::Refused, String::new()));
            model.fail();
        }
        Act::TimeOut if model.held.trial.is_some() => {
            rig.now += secs(3600);
            rig.device.handle_timeout(rig.now);
            rig.act();
            model.roll_back();
        }
        Act::PowerCut => {
            rig.device = start(&rig.disk, rig.now);
            rig.act();
            model.cut_power();
        }
        Act::DiskFull(full) => (rig.full, model.full) = (full, full),
        Act::Connect | Act::Fail | Act::TimeOut => {}
        Act::Stage(_) | Act::Start(_) | Act::Confirm(_) | Act::Noted(_) => {}
    }
}

proptest! {
    #[test]
    fn lists_change_as_the_model_says(acts in proptest::collection::vec(acts(), 1..60)) {
        let mut rig = Rig::new();
        let held = Lists { committed: 1, ..Lists::default() };
        let mut model = Model { disk: held.clone(), held, full: false, connected: false, attempts: 2 };
        for act in acts {
            match message(act) {
                Some(message) if model.connected => {
                    prop_assert_eq!(rig.hear(message), model.hear(act), "{:?}", act);
                }
                Some(_) => {}
                None => happen(act, &mut rig, &mut model),
            }
            prop_assert_eq!(&Lists::of(rig.device.stored()), &model.held, "held after {:?}", act);
            prop_assert_eq!(&Lists::of(&rig.disk), &model.disk, "on disk after {:?}", act);
            prop_assert_eq!(rig.device.trial().map(|version| version.number), model.held.trial);
        }
    }
}
