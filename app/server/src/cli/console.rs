//! The client of the console's socket.

use super::CliError;
use crate::{
    data_folder::console_socket,
    interfaces::router::{HERE_ALONE, SAVED},
};
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use model::SAVED_ALONE;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{net::UnixStream, time::timeout};

const ANSWER_LIMIT: Duration = Duration::from_secs(80);

/// Asks the server that serves a data folder, with the rights of whoever has the server's files.
pub(super) struct Console {
    data: PathBuf,
}

impl Console {
    /// The console of the server on `data`.
    pub(super) fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// Reads a resource of the REST API; `path` begins after `/api/v1`.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the answer is a refusal.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.ask(Method::GET, path, None).await
    }

    /// Posts to the REST API; `path` begins after `/api/v1`.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the answer is a refusal.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, CliError> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Puts to the REST API; `path` begins after `/api/v1`.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the answer is a refusal.
    pub(super) async fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, CliError> {
        self.ask(Method::PUT, path, Some(body)).await
    }

    /// Deletes through the REST API; `path` begins after `/api/v1`.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the answer is a refusal.
    pub(super) async fn delete(&self, path: &str) -> Result<(), CliError> {
        self.ask::<Value>(Method::DELETE, path, None).await.map(drop)
    }

    /// The process of the server that answers; `None` where the system does not tell.
    ///
    /// # Errors
    ///
    /// Nobody answers.
    pub(super) async fn pid(&self) -> Result<Option<i32>, CliError> {
        let stream = self.connect().await?;
        Ok(stream.peer_cred().map_err(|error| self.failed(&error))?.pid())
    }

    async fn connect(&self) -> Result<UnixStream, CliError> {
        UnixStream::connect(console_socket(&self.data)).await.map_err(|error| {
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
                CliError::NotRunning(self.data.clone())
            } else {
                self.failed(&error)
            }
        })
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&Value>) -> Result<T, CliError> {
        let stream = self.connect().await?;
        let request = Request::builder().method(method).uri(format!("/api/v1{path}")).header(header::HOST, "console");
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(body.to_string())))
            }
            None => request.body(Full::default()),
        };
        let request = request.map_err(|error| self.failed(&error))?;
        let (success, bytes) = timeout(ANSWER_LIMIT, self.exchange(stream, request))
            .await
            .map_err(|_| self.failed(&"it took too long"))??;
        if success {
            // An answer without content is one without anything to say.
            let bytes = if bytes.is_empty() { Bytes::from_static(b"null") } else { bytes };
            return serde_json::from_slice(&bytes).map_err(|error| self.failed(&error));
        }
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        Err(CliError::Refused(words_of(&problem)))
    }

    async fn exchange(&self, stream: UnixStream, request: Request<Full<Bytes>>) -> Result<(bool, Bytes), CliError> {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.failed(&error))?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| self.failed(&error))?;
        let success = answer.status().is_success();
        if answer.headers().get(SAVED) == Some(&HERE_ALONE) {
            eprintln!("portal: {SAVED_ALONE}");
        }
        let bytes = answer.into_body().collect().await.map_err(|error| self.failed(&error))?.to_bytes();
        connection.abort();
        Ok((success, bytes))
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> CliError {
        CliError::Console(self.data.clone(), error.to_string())
    }
}

/// A problem's detail, and what is wrong with each field.
fn words_of(problem: &Value) -> String {
    let detail = problem["detail"].as_str().unwrap_or("the server refused without saying why").to_owned();
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines = errors.iter().map(|error| {
        format!("{}: {}", error["field"].as_str().unwrap_or_default(), error["message"].as_str().unwrap_or_default())
    });
    std::iter::once(detail).chain(lines).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_is_told_with_its_fields() {
        let problem = json!({ "detail": "2 fields need attention.", "errors": [
            { "field": "uses", "message": "1 to 10,000" }, { "field": "expires_in_seconds", "message": "60 at least" },
        ]});
        let expected = "2 fields need attention.\n  uses: 1 to 10,000\n  expires_in_seconds: 60 at least";
        assert_eq!(words_of(&problem), expected);
        assert_eq!(words_of(&Value::Null), "the server refused without saying why");
    }

    #[tokio::test]
    async fn no_server_is_told_with_the_way_out() {
        let data = tempfile::tempdir().unwrap();
        let error = Console::new(data.path()).get::<Value>("/devices").await.unwrap_err();
        assert!(matches!(&error, CliError::NotRunning(_)), "{error}");
        assert!(error.to_string().contains("portal run --data"), "{error}");
    }
}
