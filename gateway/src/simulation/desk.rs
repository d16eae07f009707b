//! What comes to a server and is not done yet, and how fast the server is.

use super::link::Link;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a server works on each device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    pub(super) handshake: Duration,
    pub(super) admission: Duration,
}

/// What a server has before it.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// Not accepted yet.
    pub(super) queue: VecDeque<Link>,
    pub(super) shaking: bool,
    /// When the last admission that was asked for is done.
    pub(super) admitted_at: Duration,
}

impl Desk {
    /// Whether a connection that comes now is lost.
    pub(super) fn is_full(&self, backlog: usize) -> bool {
        self.queue.len() >= backlog
    }
}
