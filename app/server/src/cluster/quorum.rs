//! This server's part in the fleet quorum: the rules of [`gateway::quorum`], with what they have on disk (`quorum.json`), a clock
//! and names.

mod file;
mod letter;
mod proof;
#[cfg(test)]
mod tests;

pub(crate) use letter::Letter;

use super::{
    roles::{Pause, RoleRecord},
    starts::Start,
};
use file::Kept;
use gateway::{
    quorum::{self, Config, Output, Promotion, ProposalRefused, Quorum, Standing, Stored},
    wire::{self, DeviceId},
};
use model::Role;
use proof::Proof;
use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// A standby waits so many holds before it takes over by itself.
const HOLDS_PER_WINDOW: u32 = 3;
/// So many questions go to a device while it is held by one answer.
const QUESTIONS_PER_HOLD: u32 = 3;
/// A device that is asked to prove something is asked at most so often.
const ASK_PAUSE: Duration = Duration::from_millis(100);
/// How old the answer may be to whether this server writes.
const LOOK_AGE: Duration = Duration::from_millis(200);
/// Pages are told at most so often how many devices are held.
const TELL_PAUSE: Duration = Duration::from_secs(2);
/// After so long it is tried again to say who counts.
const RETRY: Duration = Duration::from_secs(5);

/// The fleet quorum while the server runs.
pub(crate) struct QuorumKeeper {
    state: Mutex<State>,
    begun: Instant,
    config: Config,
    server_id: String,
    /// Somebody answered, or who counts has changed.
    heard: Notify,
}

struct State {
    quorum: Quorum,
    file: PathBuf,
    /// The other server; `None` before it is known, and where there are several.
    peer: Option<String>,
    /// It works with other times than this server.
    odd_peer: bool,
    /// What counts is not on disk yet: until it is, nothing is sent that would tell of it.
    unwritten: bool,
    /// When each device was asked last.
    asked: HashMap<u32, Duration>,
    /// When there was last something to prove: whoever was asked before may be asked anew.
    marked: Option<Duration>,
    /// When it was said last who should count.
    proposed: Option<Duration>,
    /// What [`QuorumKeeper::objection_now`] said last, and when.
    looked: Option<(Duration, Option<Standing>)>,
    /// Why the electorate is not as it should be.
    refused: Option<ProposalRefused>,
    proof: Proof,
    /// What pages were told last, and when.
    told: Option<(Duration, QuorumView)>,
}

/// How it stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuorumView {
    /// A standby may take over by itself now.
    pub(crate) in_force: bool,
    /// How many devices count.
    pub(crate) electors: usize,
    /// How many of them this server holds.
    pub(crate) held: usize,
    /// The other server answers, in the same epoch.
    pub(crate) hears_peer: bool,
    /// Its times are not this server's.
    pub(crate) odd_peer: bool,
    /// Why the electorate is not as it should be.
    pub(crate) refused: Option<ProposalRefused>,
    /// Something that was written here is not proven yet, after a while.
    pub(crate) alone: bool,
}

impl QuorumKeeper {
    /// Goes on from what is on disk in the folder `data`.
    pub(crate) fn open(
        data: &Path,
        server_id: &str,
        record: &RoleRecord,
        start: &Start,
        hold: Duration,
    ) -> io::Result<Self> {
        let file = data.join(file::FILE);
        let kept = Kept::load(&file)?.unwrap_or_else(|| Kept::first(record));
        let (stored, peer) = kept.into_parts();
        let config = Config { hold, window: hold * HOLDS_PER_WINDOW, ..Config::default() };
        let quorum = Quorum::new(config.clone(), server_id, stored, start_of(start));
        let state = State {
            quorum,
            file,
            peer,
            odd_peer: false,
            unwritten: false,
            asked: HashMap::new(),
            marked: None,
            proposed: None,
            looked: None,
            refused: None,
            proof: Proof::default(),
            told: None,
        };
        let (state, begun, heard) = (Mutex::new(state), Instant::now(), Notify::new());
        let keeper = Self { state, begun, config, server_id: server_id.to_owned(), heard };
        keeper.follow(record);
        Ok(keeper)
    }

    /// The role or the epoch may have become another one by other rules than these.
    pub(crate) fn follow(&self, record: &RoleRecord) {
        let mut state = self.lock();
        let epoch = record.epoch.on_the_wire();
        if epoch < state.quorum.stored().epoch {
            return; // Read before what is known here.
        }
        let role = if record.is_active_at_heart() { Role::Active } else { record.role };
        if epoch > state.quorum.stored().epoch {
            if role == Role::Active && epoch.server_id == self.server_id {
                let unproven = record.pause == Some(Pause::Unproven);
                state.quorum.promoted(epoch, if unproven { Promotion::Automatic } else { Promotion::Manual });
            } else {
                state.quorum.meet_epoch(&epoch);
            }
        }
        if state.quorum.stored().role != on_the_wire(role) {
            state.quorum.be(on_the_wire(role));
        }
        state.write_down();
    }

    /// An operator has decided that this start counts.
    pub(crate) fn go_on_as(&self, start: &Start) {
        self.lock().quorum.go_on_as(start_of(start));
    }

    /// A start without an end before it: what was known of who answers is past.
    pub(crate) fn begin_anew(&self, start: &Start) {
        let mut state = self.lock();
        let stored = state.quorum.stored().clone();
        state.quorum = Quorum::new(self.config.clone(), &self.server_id, stored, start_of(start));
        state.asked.clear();
        state.looked = None;
    }

    /// The other servers of the installation, of which there has to be one.
    pub(crate) fn know_peers(&self, ids: &[&str]) {
        let mut state = self.lock();
        if let [only] = ids
            && state.peer.as_deref() != Some(*only)
        {
            let first = state.peer.replace((*only).to_owned()).is_none();
            if !first {
                state.quorum.forget_peer();
            }
            state.unwritten = true;
            state.write_down();
        }
    }

    /// The letter for the other server, to be sent at once; `None` for any but the only one.
    pub(crate) fn write_letter(&self, to: &str) -> Option<Letter> {
        let mut state = self.lock();
        state.write_down();
        if state.unwritten || state.peer.as_deref() != Some(to) {
            return None;
        }
        let letter = state.quorum.write_letter(rand::random(), self.now());
        state.write_down();
        (!state.unwritten).then(|| Letter::new(&letter, self.config.hold))
    }

    /// The other server's letter, whose epoch is genuine and known here.
    pub(crate) fn read_letter(&self, from: &str, letter: &Letter) {
        let mut state = self.lock();
        if state.peer.as_deref() != Some(from) {
            return;
        }
        state.odd_peer = letter.hold_ms() != self.config.hold.as_millis();
        let newest = state.quorum.stored().newest.clone();
        if let Some(letter) = letter.open(from, &newest) {
            state.quorum.read_letter(&letter, self.now());
        }
        state.write_down();
        self.heard.notify_waiters();
    }

    /// The electors that are to be asked now.
    pub(crate) fn due(&self) -> Vec<u32> {
        let state = self.lock();
        let now = self.now();
        let pause = self.config.hold / QUESTIONS_PER_HOLD;
        let old = |at: Duration| now >= at + pause || (Some(at) <= state.marked && now >= at + ASK_PAUSE);
        let due = |device: &u32| state.asked.get(device).is_none_or(|at| old(*at));
        state.quorum.electors().map(|device| device.0).filter(due).collect()
    }

    /// Asks a device: `send` does it and says over which session. Answers with that, and a number that names the question.
    pub(crate) fn ask<T>(&self, device: u32, send: impl FnOnce() -> Option<(u64, T)>) -> Option<(u64, u64, T)> {
        let mut state = self.lock();
        // What comes back proves nothing about the time before this moment.
        let now = self.now();
        let (session, answer) = send()?;
        let nonce = rand::random();
        state.asked.insert(device, now);
        state.quorum.asked_device(DeviceId(device), session, nonce, now);
        Some((session, nonce, answer))
    }

    /// It answered that question. An epoch that is higher than what is known here has been met already.
    pub(crate) fn answered(&self, device: u32, session: u64, nonce: u64, epoch: Option<&wire::Epoch>) {
        let mut state = self.lock();
        if !state.unwritten {
            state.quorum.device_answered(DeviceId(device), session, nonce, (epoch, None), self.now());
            state.write_down();
            self.heard.notify_waiters();
        }
    }

    /// Its session is over.
    pub(crate) fn gone(&self, device: u32, session: u64) {
        let mut state = self.lock();
        state.asked.remove(&device);
        state.quorum.device_gone(DeviceId(device), session);
    }

    /// Says who should count, and whether a standby may take over by itself.
    pub(crate) fn propose(&self, members: &BTreeSet<u32>, automatic: bool) {
        let mut state = self.lock();
        let several = state.peer.is_none();
        let members: BTreeSet<DeviceId> = members.iter().copied().map(DeviceId).collect();
        let automatic = automatic && !several && !state.odd_peer && members.len() >= self.config.electors_min;
        state.proposed = Some(self.now());
        state.refused = state.quorum.propose(members, automatic, self.now()).err();
        state.write_down();
    }

    /// To be called about once a second: whether this server has to take over.
    pub(crate) fn tick(&self) -> bool {
        let mut state = self.lock();
        state.write_down();
        state.quorum.handle_timeout(self.now());
        let State { quorum, proof, .. } = &mut *state;
        proof.look(quorum);
        self.heard.notify_waiters();
        state.write_down() && !state.unwritten
    }

    /// Why this server, which is active, does not write now; `None` if nothing here keeps it from writing.
    pub(crate) fn objection_now(&self) -> Option<Standing> {
        let mut state = self.lock();
        let now = self.now();
        let standing = state.quorum.standing(now);
        let objection = (state.quorum.is_on() && standing != Standing::Writes).then_some(standing);
        state.looked = Some((now, objection));
        objection
    }

    /// The same, as it was a moment ago; to be asked at every write.
    pub(crate) fn objection(&self) -> Option<Standing> {
        let looked = self.lock().looked;
        match looked {
            Some((at, objection)) if self.now() < at + LOOK_AGE => objection,
            _ => self.objection_now(),
        }
    }

    /// Whether it is time to say again who should count.
    pub(crate) fn is_proposal_due(&self) -> bool {
        let state = self.lock();
        let pause = if state.refused.is_some() { self.config.hold.min(RETRY) } else { self.config.hold };
        state.proposed.is_none_or(|at| self.now() >= at + pause)
    }

    /// How it stands.
    pub(crate) fn view(&self) -> QuorumView {
        self.lock().view(self.now())
    }

    /// Whether pages have to be told that it stands otherwise than they were told.
    pub(crate) fn is_news(&self) -> bool {
        let mut state = self.lock();
        let now = self.now();
        let view = state.view(now);
        let known = |(at, told): &(Duration, QuorumView)| *told == view || now < *at + TELL_PAUSE;
        if state.told.as_ref().is_some_and(known) {
            return false;
        }
        state.told = Some((now, view));
        true
    }

    /// With fewer devices nothing is decided by them.
    pub(crate) fn electors_min(&self) -> usize {
        self.config.electors_min
    }

    /// How long an answer counts.
    pub(crate) fn hold(&self) -> Duration {
        self.config.hold
    }

    /// How long a standby waits.
    pub(crate) fn window(&self) -> Duration {
        self.config.window
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn view(&self, now: Duration) -> QuorumView {
        let stored: &Stored = self.quorum.stored();
        QuorumView {
            in_force: stored.newest.automatic,
            electors: stored.newest.members.len(),
            held: self.quorum.held(now),
            hears_peer: self.quorum.hears_peer(now),
            odd_peer: self.odd_peer,
            refused: self.refused,
            alone: self.proof.alone_since(now).is_some(),
        }
    }

    /// Writes down what has changed. Says whether the rules want this server to take over.
    fn write_down(&mut self) -> bool {
        let mut promote = false;
        while let Some(output) = self.quorum.poll_output() {
            match output {
                Output::Persist(_) => self.unwritten = true,
                Output::Promote { .. } => promote = true,
            }
        }
        if self.unwritten {
            let kept = Kept::new(self.quorum.stored(), self.peer.clone());
            match kept.save(&self.file) {
                Ok(()) => self.unwritten = false,
                Err(error) => tracing::error!(%error, "what the fleet quorum knows cannot be written"),
            }
        }
        promote
    }
}

fn start_of(start: &Start) -> quorum::Start {
    quorum::Start { number: start.number, incarnation: u64::from_str_radix(&start.incarnation, 16).unwrap_or_default() }
}

fn on_the_wire(role: Role) -> wire::Role {
    match role {
        Role::Active => wire::Role::Active,
        Role::Standby => wire::Role::Standby,
        Role::ReadOnly => wire::Role::ReadOnly,
    }
}

fn from_the_wire(role: wire::Role) -> Role {
    match role {
        wire::Role::Active => Role::Active,
        wire::Role::Standby => Role::Standby,
        wire::Role::ReadOnly => Role::ReadOnly,
    }
}
