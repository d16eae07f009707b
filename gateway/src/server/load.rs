//! How much one server has to bear, and what became of those who came.

use super::directory::Refusal;
use super::pressure::Turnstile;
use super::settings::{Settings, Waves};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Handshakes without a permit; beyond it somebody dials only to keep the server waiting.
const STALLED_MAX: usize = 1024;
/// The longest time that `Busy` may name.
const BUSY_MAX: Duration = Duration::from_secs(60);

/// What became of connections since the server's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// TLS handshakes in full.
    pub full: u64,
    /// TLS sessions resumed, begun at any server of the installation.
    pub resumed: u64,
    /// Connections that never became a TLS session.
    pub failed: u64,
    /// Devices told to come back later because too many were being admitted.
    pub turned_away: u64,
}

/// Shared by all connections of a server.
#[derive(Debug)]
pub(super) struct Load {
    settings: Arc<Settings>,
    /// Handshakes that wait for their device and hold no permit any more.
    pub(super) stalled: Semaphore,
    turnstile: Mutex<Turnstile>,
    /// Of the moment at which the server was stopped: from then on there are fewer with every goodbye.
    last_spread_s: OnceLock<u32>,
    full: AtomicU64,
    resumed: AtomicU64,
    failed: AtomicU64,
    turned_away: AtomicU64,
}

impl Load {
    pub(super) fn waves(&self) -> Waves {
        self.settings.waves()
    }

    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            stalled: Semaphore::new(STALLED_MAX),
            turnstile: Mutex::default(),
            last_spread_s: OnceLock::new(),
            full: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
        }
    }

    /// A connection became a TLS session.
    pub(super) fn note_shaken(&self, resumed: bool) {
        let counter = if resumed { &self.resumed } else { &self.full };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection did not.
    pub(super) fn note_failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// When somebody who cannot be admitted now is to come back.
    pub(super) fn turn_away(&self, now: Duration) -> Refusal {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        let mut turnstile = self.turnstile.lock().unwrap_or_else(PoisonError::into_inner);
        Refusal::Busy(turnstile.next(now, self.settings.capacity_per_s, BUSY_MAX))
    }

    /// Over how many seconds the connected devices come back, should they lose this server now.
    pub(super) fn spread_s(&self, connected: usize, stopping: bool) -> u32 {
        let now = || self.settings.spread_of(connected);
        if stopping { *self.last_spread_s.get_or_init(now) } else { now() }
    }

    pub(super) fn tally(&self) -> Tally {
        let [full, resumed, failed, turned_away] =
            [&self.full, &self.resumed, &self.failed, &self.turned_away].map(|counter| counter.load(Ordering::Relaxed));
        Tally { full, resumed, failed, turned_away }
    }
}
