//! Whether what was written here is safe: since then somebody has answered who would know of another active server.

use super::{QuorumKeeper, State};
use gateway::quorum::{Mark, Quorum};
use std::time::Duration;

/// After so long it is told that something is not.
const TELL_AFTER: Duration = Duration::from_secs(5);

/// What was written and is not proven.
#[derive(Debug, Default)]
pub(super) struct Proof {
    checking: Option<Unproven>,
    /// What was written after those.
    next: Option<Unproven>,
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
    fn wrote(&mut self, quorum: &Quorum, at: Duration, since: String) {
        let mark = quorum.mark();
        match (&self.checking, &mut self.next) {
            (None, _) => self.checking = Some(Unproven { at, since, mark }),
            (Some(_), None) => self.next = Some(Unproven { at, since, mark }),
            (Some(_), Some(next)) => next.mark = mark,
        }
    }

    /// Looks who has answered meanwhile.
    pub(super) fn look(&mut self, quorum: &Quorum) {
        let proven = |writes: &Unproven| !quorum.is_on() || quorum.is_safe(&writes.mark);
        if self.checking.as_ref().is_some_and(proven) {
            self.checking = self.next.take().filter(|writes| !proven(writes));
        }
    }

    /// Since when what was written may be here alone; `None` if nothing is, or it is too early to say.
    pub(super) fn alone_since(&self, now: Duration) -> Option<&str> {
        let writes = self.checking.as_ref().filter(|writes| now >= writes.at + TELL_AFTER)?;
        Some(&writes.since)
    }
}

impl QuorumKeeper {
    /// Whether what is written has to be proven.
    pub(crate) fn is_on(&self) -> bool {
        self.lock().quorum.is_on()
    }

    /// Something was written here, at this time of day.
    pub(crate) fn wrote(&self, at: String) {
        let mut state = self.lock();
        let State { quorum, proof, .. } = &mut *state;
        if quorum.is_on() {
            proof.wrote(quorum, self.now(), at);
        }
    }

    /// Since when what was written may be on this server alone.
    pub(crate) fn alone_since(&self) -> Option<String> {
        self.lock().proof.alone_since(self.now()).map(str::to_owned)
    }

    /// A mark after what is written now; from now on devices may be asked anew, to prove it.
    pub(crate) fn mark(&self) -> Mark {
        let mut state = self.lock();
        state.marked = Some(self.now());
        state.quorum.mark()
    }

    /// Waits until what was written before `mark` is safe.
    pub(crate) async fn until_safe(&self, mark: &Mark) {
        loop {
            // Whatever is heard from here on wakes it.
            let heard = self.heard.notified();
            if self.is_safe(mark) {
                return;
            }
            heard.await;
        }
    }

    fn is_safe(&self, mark: &Mark) -> bool {
        let state = self.lock();
        !state.quorum.is_on() || state.quorum.is_safe(mark)
    }
}
