//! Whose turn it is: passes over a list, with attempts counted, refusals put last and busy servers waited for.

use super::chance::Chance;
use super::config::Config;
use crate::wire::{FailureKind, ServerEntry};
use std::time::Duration;

/// The entries of one list and how they have fared. Starts with nothing left to do; see [`begin`](Self::begin).
#[derive(Debug)]
pub(super) struct Rota {
    places: Vec<Place>,
    failed_passes: u32,
}

#[derive(Debug)]
struct Place {
    entry: ServerEntry,
    /// Not of the list itself; only tried when a pass includes the reserve.
    reserve: bool,
    turn: Turn,
    /// Attempts left in this pass.
    left: u32,
    limit: Duration,
    penalised_until: Duration,
    busy_in_a_row: u32,
    not_before: Duration,
}

/// Where an entry stands in this pass, whatever its priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    First,
    Listed,
    Last,
    Reserve,
}

/// How a pass begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start<'a> {
    /// From the top.
    Fresh { with_reserve: bool },
    /// With one short attempt on the entry just lost, which may be about to come back.
    Lost(&'a ServerEntry),
    /// The server said that it is of no use for now: one attempt on it, last.
    Left(&'a ServerEntry),
    /// With this entry, as thoroughly as any.
    Preferring(&'a ServerEntry),
    /// With one attempt on this entry, whatever it did before.
    Moving(&'a ServerEntry),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The attempt may take so long in all.
    Dial(ServerEntry, Duration),
    Wait(Duration),
    /// The pass is over.
    Over,
}

impl Rota {
    pub(super) fn new<'a>(listed: impl IntoIterator<Item = &'a ServerEntry>, reserve: Vec<ServerEntry>) -> Self {
        let listed = listed.into_iter().map(|entry| Place::new(entry.clone(), false));
        let reserve = reserve.into_iter().map(|entry| Place::new(entry, true));
        Self { places: listed.chain(reserve).collect(), failed_passes: 0 }
    }

    /// A new pass.
    pub(super) fn begin(&mut self, start: Start<'_>, config: &Config) {
        for place in &mut self.places {
            let included = !place.reserve || matches!(start, Start::Fresh { with_reserve: true });
            place.left = if included { config.attempts_per_entry.max(1) } else { 0 };
            place.limit = config.attempt_limit;
            place.turn = if place.reserve { Turn::Reserve } else { Turn::Listed };
        }
        match start {
            Start::Fresh { .. } => {}
            Start::Lost(entry) => {
                if let Some(place) = self.place(entry) {
                    (place.turn, place.left, place.limit) = (Turn::First, 1, config.lost_entry_limit);
                }
            }
            Start::Left(entry) => {
                if let Some(place) = self.place(entry) {
                    (place.turn, place.left) = (place.turn.max(Turn::Last), 1);
                }
            }
            Start::Preferring(entry) => {
                if let Some(place) = self.place(entry) {
                    (place.turn, place.left) = (Turn::First, config.attempts_per_entry.max(1));
                }
            }
            Start::Moving(to) => {
                if let Some(place) = self.place(to) {
                    (place.turn, place.left, place.limit) = (Turn::First, 1, config.move_limit);
                    (place.penalised_until, place.not_before) = (Duration::ZERO, Duration::ZERO);
                }
            }
        }
    }

    pub(super) fn next(&self, now: Duration) -> Next {
        let left = || self.places.iter().filter(|place| place.left > 0);
        // A busy server is waited for a few times; one that stayed busy is passed over until its time has come.
        let willing = left().filter(|place| place.busy_in_a_row > 0 || place.not_before <= now);
        match willing.min_by_key(|place| place.rank(now)) {
            Some(place) if place.not_before > now => Next::Wait(place.not_before),
            Some(place) => Next::Dial(place.entry.clone(), place.limit),
            None => left().map(|place| place.not_before).min().map_or(Next::Over, Next::Wait),
        }
    }

    /// An attempt ended without a session; `true` if it was the entry's last of this pass.
    pub(super) fn failed(&mut self, entry: &ServerEntry, kind: FailureKind, now: Duration, config: &Config) -> bool {
        let Some(place) = self.place(entry) else { return true };
        place.left = place.left.saturating_sub(1);
        place.busy_in_a_row = 0;
        if is_refusal(kind) {
            place.penalised_until = now + config.penalty;
        }
        place.left == 0
    }

    /// The server asked for patience; `true` if this pass has none left for it.
    pub(super) fn busy(&mut self, entry: &ServerEntry, wait: Duration, now: Duration, config: &Config) -> bool {
        let Some(place) = self.place(entry) else { return true };
        place.not_before = now + wait.min(config.busy_max);
        place.busy_in_a_row += 1;
        if place.busy_in_a_row >= config.busy_in_a_row {
            place.busy_in_a_row = 0;
            place.left = 0;
        }
        place.left == 0
    }

    pub(super) fn registered(&mut self, entry: &ServerEntry) {
        if let Some(place) = self.place(entry) {
            place.busy_in_a_row = 0;
            place.penalised_until = Duration::ZERO;
        }
    }

    /// A server that had registered the device sent it away for good.
    pub(super) fn penalise(&mut self, entry: &ServerEntry, now: Duration, config: &Config) {
        if let Some(place) = self.place(entry) {
            place.penalised_until = now + config.penalty;
        }
    }

    /// How long to wait after a pass that failed; longer each time.
    pub(super) fn back_off(&mut self, chance: &mut Chance, config: &Config) -> Duration {
        let wait = backoff(self.failed_passes, chance, config);
        self.failed_passes = self.failed_passes.saturating_add(1);
        wait
    }

    pub(super) fn forget_failures(&mut self) {
        self.failed_passes = 0;
    }

    fn place(&mut self, entry: &ServerEntry) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.entry.is_same_server(entry))
    }
}

impl Place {
    fn new(entry: ServerEntry, reserve: bool) -> Self {
        Self {
            entry,
            reserve,
            turn: if reserve { Turn::Reserve } else { Turn::Listed },
            left: 0,
            limit: Duration::ZERO,
            penalised_until: Duration::ZERO,
            busy_in_a_row: 0,
            not_before: Duration::ZERO,
        }
    }

    /// Lower is earlier; among equals the list's order holds.
    fn rank(&self, now: Duration) -> Turn {
        if now < self.penalised_until { self.turn.max(Turn::Last) } else { self.turn }
    }
}

/// Half of a doubling wait for sure, a share of the other half.
pub(super) fn backoff(failures: u32, chance: &mut Chance, config: &Config) -> Duration {
    let doubled = config.backoff_first.checked_mul(2_u32.saturating_pow(failures)).unwrap_or(config.backoff_max);
    chance.equal_jitter(doubled.min(config.backoff_max))
}

/// Repeating such an attempt at once changes nothing.
pub(super) fn is_refusal(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Tls | FailureKind::ForeignInstallation | FailureKind::NotAdmitted | FailureKind::ServerRevoked => {
            true
        }
        FailureKind::Unknown
        | FailureKind::NotTried
        | FailureKind::NameNotFound
        | FailureKind::Refused
        | FailureKind::TimedOut
        | FailureKind::Unreachable
        | FailureKind::Busy
        | FailureKind::Closed => false,
    }
}
