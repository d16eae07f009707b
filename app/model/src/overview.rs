//! What stands around every page: who is signed in, at which server, and how much there is.

use super::{Banner, Operator, Role};
use serde::{Deserialize, Serialize};

/// What the frame around the pages shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Who is signed in.
    pub operator: Operator,
    /// The name of the server that answers.
    pub server_name: String,
    /// Its role.
    pub role: Role,
    /// The standing messages.
    pub banners: Vec<Banner>,
    /// How many devices belong to the installation.
    pub devices: u64,
    /// How many wait to be accepted.
    pub waiting_devices: u64,
}
