//! The secrets of a server, as files that only its user can read.

use gateway::authority::{Authority, AuthorityError};

/// What a server proves itself with, and what it issues with.
#[derive(Debug)]
pub struct Keys {
    authority: Authority,
}

impl Keys {
    /// Makes the keys of a new installation and of its first server.
    ///
    /// # Errors
    ///
    /// When no certificate can be made.
    pub fn create(installation_id: &str, _server: &str, now: time::OffsetDateTime) -> Result<Self, AuthorityError> {
        Ok(Self { authority: Authority::create(installation_id, now)? })
    }

    /// The installation's authority.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}
