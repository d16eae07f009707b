//! What a nonce that came back proves, and for how long.

use std::time::Duration;

/// Nonces that may be under way to one device at once; of more the oldest are forgotten.
const UNDER_WAY_MAX: usize = 32;

#[derive(Clone, Copy, Debug)]
struct Asked {
    nonce: u64,
    at: Duration,
    order: u64,
}

/// The newest nonce that came back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    /// When it was sent.
    pub(super) at: Duration,
    /// Its place among all nonces that this server sent.
    pub(super) order: u64,
    /// Since when the hold lasts without a break, in one session.
    pub(super) since: Duration,
    /// Whoever answered had this server's epoch on disk.
    pub(super) at_own_epoch: bool,
}

impl Answered {
    pub(super) fn is_fresh(&self, now: Duration, hold: Duration) -> bool {
        now < self.at + hold
    }
}

/// The hold on a device or on the other server.
#[derive(Clone, Debug, Default)]
pub(super) struct Hold {
    pub(super) session: u64,
    under_way: Vec<Asked>,
    pub(super) answered: Option<Answered>,
}

impl Hold {
    pub(super) fn asked(&mut self, session: u64, nonce: u64, order: u64, now: Duration, hold: Duration) {
        if self.session != session {
            *self = Self { session, ..Self::default() };
        }
        self.under_way.retain(|asked| now < asked.at + hold);
        if self.under_way.len() == UNDER_WAY_MAX {
            self.under_way.remove(0);
        }
        self.under_way.push(Asked { nonce, at: now, order });
    }

    pub(super) fn came_back(&mut self, session: u64, nonce: u64, at_own_epoch: bool, now: Duration, hold: Duration) {
        if self.session != session {
            return;
        }
        let Some(place) = self.under_way.iter().position(|asked| asked.nonce == nonce) else { return };
        let asked = self.under_way.remove(place);
        if self.answered.is_some_and(|newest| newest.order > asked.order) || now >= asked.at + hold {
            return;
        }
        let unbroken = self.answered.filter(|answer| answer.is_fresh(now, hold)).map(|answer| answer.since);
        let since = unbroken.unwrap_or(asked.at);
        self.answered = Some(Answered { at: asked.at, order: asked.order, since, at_own_epoch });
    }
}
