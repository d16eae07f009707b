//! Who this server is.

use serde::{Deserialize, Serialize};

/// Who this server is in its installation; fixed while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The installation's id.
    pub installation_id: String,
    /// This server's id.
    pub server_id: String,
    /// This server's name.
    pub server_name: String,
}
