//! The newcomer's side of joining.

use super::{
    ALPN, JoinReply, JoinRequest, JoinString, JoinStringError,
    line::{CallError, Line},
    message::JOIN,
};
use gateway::tls::{self, Clock, TlsError, Trust};

/// Why this server did not join. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// What was given is no join string.
    #[error(transparent)]
    String(#[from] JoinStringError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server that made the string is not there, is another, or said no.
    #[error("joining failed: {0}")]
    Call(#[from] CallError),
}

/// Asks the server that made the join string to let this one in. `addresses` are where it will answer other servers,
/// `name` is what it wants to be called.
///
/// # Errors
///
/// A string that is none, is used up or has expired; a server that is not there or not the one that made it.
pub async fn join(
    string: &str,
    server_id: &str,
    name: Option<&str>,
    addresses: &[String],
) -> Result<JoinReply, JoinError> {
    let string: JoinString = string.parse()?;
    let config = tls::client_config(Trust::Fingerprint(string.authority_fingerprint), None, Clock::system(), ALPN)?;
    let mut failure = JoinStringError::Damaged.into();
    for address in &string.addresses {
        match Line::dial(address, &config).await {
            Ok(mut line) => {
                let request = JoinRequest {
                    string_id: string.id.clone(),
                    proof: hex::encode(string.proof(&line.binding, server_id)),
                    server_id: server_id.to_owned(),
                    server_name: name.map(str::to_owned),
                    addresses: addresses.to_vec(),
                };
                return Ok(line.post(JOIN, &request).await?);
            }
            Err(error) => failure = JoinError::Call(error),
        }
    }
    Err(failure)
}
