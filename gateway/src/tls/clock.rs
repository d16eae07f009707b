//! What time certificates are checked against on a device whose clock may have been reset.

use rustls_pki_types::UnixTime;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock that may be wrong and the latest time that a server of the installation is known to have told.
///
/// Clones share the latter.
#[derive(Clone)]
pub struct Clock {
    now_unix_s: Arc<dyn Fn() -> u64 + Send + Sync>,
    floor_unix_s: Arc<AtomicU64>,
}

/// The time to check dates against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) at: UnixTime,
    /// The clock lags behind the floor: then nothing is too young, for the clock cannot tell.
    pub(super) unknown: bool,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| UnixTime::now().as_secs())
    }

    /// Any source of seconds since 1970 UTC.
    #[must_use]
    pub fn new(now_unix_s: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { now_unix_s: Arc::new(now_unix_s), floor_unix_s: Arc::default() }
    }

    /// It is at least so late, milliseconds since 1970 UTC, because a server said so. Never goes back.
    pub fn at_least(&self, server_time_unix_ms: u64) {
        self.floor_unix_s.fetch_max(server_time_unix_ms / 1000, Ordering::Relaxed);
    }

    /// The time now, no earlier than any server's time nor than `born`, the start of the authority's life.
    pub(super) fn read(&self, born_unix_s: u64) -> Reading {
        let now = (self.now_unix_s)();
        let floor = self.floor_unix_s.load(Ordering::Relaxed).max(born_unix_s);
        Reading { at: UnixTime::since_unix_epoch(Duration::from_secs(now.max(floor))), unknown: now < floor }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("floor_unix_s", &self.floor_unix_s).finish_non_exhaustive()
    }
}
