//! What a newcomer and a server of the installation say to one another.

use super::peer_board::ServerFacts;
use serde::{Deserialize, Serialize};

/// A newcomer's request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The join string's public part.
    pub string_id: String,
    /// Knows the secret, on this channel; hexadecimal.
    pub proof: String,
    /// The id it made for itself.
    pub server_id: String,
    /// PKCS #10 over the key it made, DER, hexadecimal; the proof covers it.
    pub certificate_request: String,
    /// The name it wants; `None` leaves that to the installation.
    pub server_name: Option<String>,
    /// `address:port` where it will answer other servers.
    pub addresses: Vec<String>,
}

/// What a newcomer is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JoinAnswer {
    /// An operator has to compare fingerprints; ask again in a second.
    Waiting {
        /// The server that asks its operator.
        server_name: String,
    },
    /// Confirmed.
    Welcome(Box<JoinReply>),
}

/// All that makes a newcomer a server. Secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinReply {
    /// The installation it belongs to now.
    pub installation_id: String,
    /// Its name.
    pub server_name: String,
    /// The authority's certificate, PEM.
    pub authority_certificate: String,
    /// The authority's key: PKCS #8, PEM.
    pub authority_key: String,
    /// The newcomer's certificate, PEM.
    pub server_certificate: String,
    /// What access tokens are signed with, hexadecimal.
    pub token_key: String,
    /// The servers that are there already.
    pub servers: Vec<ServerFacts>,
}

impl std::fmt::Debug for JoinReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinReply").field("installation_id", &self.installation_id).finish_non_exhaustive()
    }
}
