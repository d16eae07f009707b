//! Who tried to sign in.

use serde::{Deserialize, Serialize};

/// An attempt to sign in to one of the servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInAttempt {
    /// The id of that server.
    pub server_id: String,
    /// Its name.
    pub server: String,
    /// When, by its clock.
    pub at: String,
    /// As whom; perhaps nobody's login.
    pub login: String,
    /// Whether the password was right.
    pub succeeded: bool,
    /// Where the request came from, if that is known.
    pub peer: Option<String>,
}

/// Which attempts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignInQuery {
    /// At most so many, 1 to 200; 50 if not given.
    pub limit: Option<u32>,
    /// From a page's `next_cursor`.
    pub cursor: Option<String>,
}
