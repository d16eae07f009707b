//! What a server is in its installation, and since which move of the active role.

/// What a server is in its installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes.
    Active,
    /// Collects only.
    Standby,
    /// Has met a higher epoch or lost its hold.
    ReadOnly,
}

/// How many times the active role has moved, and to which server. Of two with one number the higher server id stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch {
    /// Counts from 1.
    pub number: u64,
    /// The server that was promoted.
    pub server_id: String,
    /// What makes it credible: see [`epoch`](crate::epoch).
    pub seal: Vec<u8>,
}
