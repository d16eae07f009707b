//! How much one server has to bear, and what became of those who came.

use super::directory::Refusal;
use super::pressure::{Turnstile, believable};
use super::settings::{Settings, Waves};
use crate::wire::Message;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Handshakes without a permit; beyond it somebody dials only to keep the server waiting.
const STALLED_MAX: usize = 1024;
/// The longest time that `Busy` may name.
const BUSY_MAX: Duration = Duration::from_secs(60);
/// Nobody comes back for having been told so to a probe.
const PROBE_BUSY: Duration = Duration::from_secs(1);

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
pub(crate) struct Load {
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

    pub(crate) fn new(settings: Arc<Settings>) -> Self {
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

    /// When somebody who cannot be admitted now is to come back, by how many a second are admitted, if that shows.
    pub(crate) fn turn_away(&self, now: Duration, admitted_per_s: Option<f64>) -> Refusal {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        let mut turnstile = self.turnstile.lock().unwrap_or_else(PoisonError::into_inner);
        Refusal::Busy(turnstile.next(now, believable(self.settings.capacity_per_s, admitted_per_s), BUSY_MAX))
    }

    /// What somebody is told who would be turned away, and only wants to know.
    pub(crate) fn refuse_probe() -> Refusal {
        Refusal::Busy(PROBE_BUSY)
    }

    /// Puts into a message over how many seconds all devices come back, should they lose this server. The rules of a
    /// session know one device. How many are connected by now is too few for those that come first: they keep the number
    /// for as long as their sessions last, and in the next storm they would all be early.
    pub(crate) fn advertise(&self, message: &mut Message, devices: impl FnOnce() -> usize, stopping: bool) {
        let spread_s = || {
            let now = || self.settings.spread_of(devices());
            if stopping { *self.last_spread_s.get_or_init(now) } else { now() }
        };
        if let Message::Registered(registered) = message {
            registered.reconnect_spread_s = spread_s();
        } else if let Message::Goodbye(goodbye) = message
            && goodbye.reconnect_spread_s > 0
        {
            goodbye.reconnect_spread_s = spread_s();
        }
    }

    pub(super) fn tally(&self) -> Tally {
        let [full, resumed, failed, turned_away] =
            [&self.full, &self.resumed, &self.failed, &self.turned_away].map(|counter| counter.load(Ordering::Relaxed));
        Tally { full, resumed, failed, turned_away }
    }
}
