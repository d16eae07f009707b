//! The connections between devices and servers.

use crate::device::AttemptId;
use crate::server::SessionId;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Up,
    Down,
}

/// A TCP connection, named by the session that it is or would be at its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub(super) device: usize,
    pub(super) attempt: AttemptId,
    pub(super) server: usize,
    pub(super) session: SessionId,
}
