//! The secrets of a server, as files that only its user can read.

/// What a server proves itself with, and what it issues with.
#[derive(Debug)]
pub struct Keys {
    /// Signs.
    pub authority: gateway::authority::Authority,
}
