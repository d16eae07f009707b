//! The newcomer's side of joining.

use super::{
    ALPN,
    line::{CallError, Line},
    message::JOIN,
};
use crate::cluster::{
    join_messages::{JoinAnswer, JoinReply, JoinRequest},
    join_string::{JoinString, JoinStringError},
};
use gateway::tls::{self, Clock, TlsError, Trust};
use rustls::ClientConfig;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Between two questions whether an operator has decided.
const PAUSE: Duration = Duration::from_secs(1);
/// The join string lasts no longer.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

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

/// Who wants to join.
#[derive(Clone, Copy, Debug)]
pub struct Applicant<'a> {
    /// The id it made for itself.
    pub server_id: &'a str,
    /// What it wants to be called; `None` leaves that to the installation.
    pub name: Option<&'a str>,
    /// PKCS #10 over its key, DER.
    pub certificate_request: &'a [u8],
    /// `address:port` where it will answer other servers.
    pub addresses: &'a [String],
}

/// Asks the server that made the join string to let this one in, until an operator there has decided. `waiting` is
/// told once that server's name, when there is somebody to wait for.
///
/// # Errors
///
/// A string that is none, is used up or has expired; a server that is not there or not the one that made it; an
/// operator who said no.
pub async fn join(string: &str, applicant: Applicant<'_>, waiting: impl FnOnce(&str)) -> Result<JoinReply, JoinError> {
    let string: JoinString = string.parse()?;
    let config = tls::client_config(Trust::Fingerprint(string.authority_fingerprint), None, Clock::system(), ALPN)?;
    let mut line = dial(&string, &config).await?;
    let mut waiting = Some(waiting);
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let answer = line.post(JOIN, &request(&string, applicant, &line)).await;
        match answer {
            Ok(JoinAnswer::Welcome(reply)) => return Ok(*reply),
            Ok(JoinAnswer::Waiting { server_name }) => {
                if let Some(waiting) = waiting.take() {
                    waiting(&server_name);
                }
            }
            // A connection may break while people compare fingerprints.
            Err(CallError::Broken(_) | CallError::TooLate) if waiting.is_none() && Instant::now() < give_up_at => {
                if let Ok(again) = dial(&string, &config).await {
                    line = again;
                }
            }
            Err(error) => return Err(error.into()),
        }
        sleep(PAUSE).await;
    }
}

/// The first of the string's addresses that answers.
async fn dial(string: &JoinString, config: &Arc<ClientConfig>) -> Result<Line, JoinError> {
    let mut failure = JoinStringError::Damaged.into();
    for address in &string.addresses {
        match Line::dial(address, config).await {
            Ok(line) => return Ok(line),
            Err(error) => failure = JoinError::Call(error),
        }
    }
    Err(failure)
}

fn request(string: &JoinString, applicant: Applicant<'_>, line: &Line) -> JoinRequest {
    let Applicant { server_id, name, certificate_request, addresses } = applicant;
    JoinRequest {
        string_id: string.id.clone(),
        proof: hex::encode(string.proof(&line.binding, certificate_request, server_id)),
        server_id: server_id.to_owned(),
        certificate_request: hex::encode(certificate_request),
        server_name: name.map(str::to_owned),
        addresses: addresses.to_vec(),
    }
}
