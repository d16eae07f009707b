//! Whether what was written here is safe: since then somebody has answered who would know of another active server.

use gateway::quorum::{Mark, Quorum};
use std::time::Duration;

/// After so long it is told that something is not.
const TELL_AFTER: Duration = Duration::from_secs(5);

/// What was written and is not proven.
#[derive(Debug, Default)]
pub(super) struct Proof {
    checking: Option<Unproven>,
    /// The first write after those, and when it was.
    next: Option<(Duration, String)>,
}

#[derive(Debug)]
struct Unproven {
    /// The first of these writes, by this server's running time and by the time of day.
    at: Duration,
    since: String,
    /// After the last of them.
    mark: Mark,
}

impl Proof {
    /// Something is on disk now.
    pub(super) fn wrote(&mut self, quorum: &Quorum, at: Duration, since: String) {
        if self.checking.is_none() {
            self.checking = Some(Unproven { at, since, mark: quorum.mark() });
        } else if self.next.is_none() {
            self.next = Some((at, since));
        }
    }

    /// Looks who has answered meanwhile.
    pub(super) fn look(&mut self, quorum: &Quorum) {
        if self.checking.as_ref().is_some_and(|writes| !quorum.is_on() || quorum.is_safe(&writes.mark)) {
            self.checking = self.next.take().map(|(at, since)| Unproven { at, since, mark: quorum.mark() });
        }
    }

    /// Since when what was written may be here alone; `None` if nothing is, or it is too early to say.
    pub(super) fn alone_since(&self, now: Duration) -> Option<&str> {
        let writes = self.checking.as_ref().filter(|writes| now >= writes.at + TELL_AFTER)?;
        Some(&writes.since)
    }
}
