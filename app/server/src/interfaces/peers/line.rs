//! A connection to another server, from the side that dialled.

use super::message::{BINDING_LABEL, COPY, FROM, MANIFEST, MAX_MESSAGE_BYTES, RESUME, Refused};
use crate::db::{Manifest, PartOfCopy};
use bytes::Bytes;
use gateway::tls::{self, Peer};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use serde::{Serialize, de::DeserializeOwned};
use std::{io, sync::Arc, time::Duration};
use tokio::{net::TcpStream, task::AbortHandle, time::timeout};
use tokio_rustls::TlsConnector;

/// For connecting and the handshake, and again for each answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// For an answer that needs a snapshot of the whole database first.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// Why another server did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody there.
    #[error("{address} cannot be reached: {source}")]
    Unreachable {
        /// What was dialled.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody there who is no server of this installation, or who does not want ours.
    #[error("{address} is not the expected server: {source}")]
    Stranger {
        /// What was dialled.
        address: String,
        /// What TLS said.
        source: io::Error,
    },
    /// It took too long.
    #[error("the other server does not answer in time")]
    TooLate,
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    /// The other server said no.
    #[error("the other server refused: {0}")]
    Refused(String),
    /// The answer makes no sense.
    #[error("the other server's answer cannot be read: {0}")]
    Malformed(String),
}

/// An open connection. Dropping it closes it.
pub(super) struct Line {
    requests: http1::SendRequest<Full<Bytes>>,
    driver: AbortHandle,
    /// Who answers: id and certificate serial in hexadecimal.
    pub(super) server: (String, String),
    /// What only the two ends of this connection know.
    pub(super) binding: [u8; 32],
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Line {
    pub(super) async fn dial(address: &str, config: &Arc<ClientConfig>) -> Result<Self, CallError> {
        timeout(PATIENCE, Self::open(address, config)).await.map_err(|_| CallError::TooLate)?
    }

    async fn open(address: &str, config: &Arc<ClientConfig>) -> Result<Self, CallError> {
        let unreachable = |source| CallError::Unreachable { address: address.to_owned(), source };
        let stranger = |source| CallError::Stranger { address: address.to_owned(), source };
        let plain = TcpStream::connect(address).await.map_err(unreachable)?;
        plain.set_nodelay(true).map_err(unreachable)?;
        let stream = TlsConnector::from(config.clone()).connect(tls::server_name(), plain).await.map_err(stranger)?;
        let session = stream.get_ref().1;
        let binding = session
            .export_keying_material([0; 32], BINDING_LABEL, None)
            .map_err(|error| stranger(io::Error::other(error)))?;
        let peer = session.peer_certificates().and_then(|chain| tls::peer_of(chain.first()?));
        let Some(Peer::Server { id, serial, .. }) = peer else {
            return Err(stranger(io::Error::other("its certificate names no server")));
        };
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(CallError::Broken)?;
        // Its end is seen by the request that fails.
        let driver = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        Ok(Self { requests, driver, server: (id, hex::encode(serial)), binding })
    }

    /// Sends `question` and reads the answer.
    pub(super) async fn post<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        path: &str,
        question: &Q,
    ) -> Result<A, CallError> {
        self.post_within(PATIENCE, path, question).await
    }

    /// The same, for what takes the other server longer.
    pub(super) async fn post_patiently<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        path: &str,
        question: &Q,
    ) -> Result<A, CallError> {
        self.post_within(LONG_PATIENCE, path, question).await
    }

    async fn post_within<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        limit: Duration,
        path: &str,
        question: &Q,
    ) -> Result<A, CallError> {
        let question = serde_json::to_vec(question).map_err(|error| CallError::Malformed(error.to_string()))?;
        let call = async {
            let response = self.send(Method::POST, path, None, question.into()).await?;
            let answer = read(response).await?;
            serde_json::from_slice(&answer).map_err(|error| CallError::Malformed(error.to_string()))
        };
        timeout(limit, call).await.map_err(|_| CallError::TooLate)?
    }

    /// Asks for a snapshot of the database: the newest, or the one that was `begun` if it is still there. Its bytes follow in the
    /// body, after as many as were left out.
    pub(super) async fn copy(&mut self, begun: Option<&PartOfCopy>) -> Result<(Manifest, u64, Incoming), CallError> {
        let resume = begun.map(|begun| (RESUME, format!("{} {}", begun.sha256, begun.size)));
        let call = self.send(Method::GET, COPY, resume, Bytes::new());
        let response = timeout(PATIENCE, call).await.map_err(|_| CallError::TooLate)??;
        let manifest = response
            .headers()
            .get(MANIFEST)
            .and_then(|value| serde_json::from_slice(value.as_bytes()).ok())
            .ok_or_else(|| CallError::Malformed("the copy comes without its manifest".to_owned()))?;
        let from = response.headers().get(FROM).and_then(|from| from.to_str().ok()).and_then(|from| from.parse().ok());
        Ok((manifest, from.unwrap_or(0), response.into_body()))
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        more: Option<(&'static str, String)>,
        body: Bytes,
    ) -> Result<Response<Incoming>, CallError> {
        self.requests.ready().await.map_err(CallError::Broken)?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "server")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some((name, value)) = more {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| CallError::Malformed(error.to_string()))?;
        let response = self.requests.send_request(request).await.map_err(CallError::Broken)?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let status = response.status();
        let reason = serde_json::from_slice(&read(response).await?).map(|refused: Refused| refused.reason);
        Err(CallError::Refused(reason.unwrap_or_else(|_| status.to_string())))
    }
}

async fn read(response: Response<Incoming>) -> Result<Bytes, CallError> {
    let body = Limited::new(response.into_body(), MAX_MESSAGE_BYTES).collect().await;
    Ok(body.map_err(|error| CallError::Malformed(error.to_string()))?.to_bytes())
}
