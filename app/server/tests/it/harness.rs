//! Whole servers in this process, and what a program says to them.

use gateway::{
    client::{self, ClientSettings},
    device,
};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use server::{
    config::Config,
    start::{Running, start},
};
use std::{future::Future, net::SocketAddr, path::PathBuf, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const PASSWORD: &str = "correct horse 51213";
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The program `portal`, which is built beside the tests.
pub(crate) fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("portal");
    assert!(program.exists(), "{} is not there: build it with `cargo build -p portal`", program.display());
    program
}

/// A running server in a folder of its own.
pub(crate) struct Portal {
    pub(crate) running: Running,
    pub(crate) folder: tempfile::TempDir,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// A real device that follows its server list.
pub(crate) struct TestDevice {
    pub(crate) id: u32,
    _folder: tempfile::TempDir,
    _stop: DropGuard,
}

impl Portal {
    /// A first server whose administrator has [`PASSWORD`].
    pub(crate) async fn start() -> Self {
        Self::start_with(|config| config.admin_password = Some(PASSWORD.to_owned())).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::on_loopback(folder.path().join("data"));
        config.stability = Duration::from_secs(1);
        change(&mut config);
        let running = start(config).await.unwrap_or_else(|error| panic!("{error}"));
        Self { running, folder }
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        send(self.running.http_addr, request).await
    }

    /// Asks the REST API; `path` begins after `/api/v1`. A token of "" is none.
    pub(crate) async fn api(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        self.send(api_request(method, path, token, body)).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.api(Method::GET, path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.api(Method::POST, path, token, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, token: &str, body: Value) -> Answer {
        self.api(Method::PUT, path, token, Some(body)).await
    }

    /// Replaces a device's servers on top of `revision`.
    pub(crate) async fn put_servers(&self, device: u32, token: &str, if_match: Option<&str>, body: Value) -> Answer {
        let mut request = api_request(Method::PUT, &format!("/devices/{device}/servers"), token, Some(body));
        if let Some(if_match) = if_match {
            request.headers_mut().insert(header::IF_MATCH, if_match.parse().unwrap());
        }
        self.send(request).await
    }

    /// An access token of the administrator.
    pub(crate) async fn sign_in(&self) -> String {
        let answer = self.post("/login", "", json!({ "login": "admin", "password": PASSWORD })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A device that was provisioned, accepted and is connected.
    pub(crate) async fn device(&self, id: u32, token: &str) -> TestDevice {
        let device = self.waiting_device(id, token).await;
        let waiting = self.get("/waiting-devices", token).await.json();
        let request = waiting.as_array().unwrap().iter().find(|request| request["device_id"] == id).unwrap().clone();
        let path = format!("/waiting-devices/{}/accept", request["id"].as_str().unwrap());
        let accepted = self.post(&path, token, json!({})).await;
        assert_eq!(accepted.status, StatusCode::OK, "{}", accepted.text);
        until("the device is connected", async || {
            self.get(&format!("/devices/{id}"), token).await.json()["status"] == "connected"
        })
        .await;
        device
    }

    /// A device that asked to belong.
    pub(crate) async fn waiting_device(&self, id: u32, token: &str) -> TestDevice {
        let made = self.post("/provisioning", token, json!({ "uses": 1 })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let device = TestDevice::start(id, made.json()["string"].as_str().unwrap());
        until("the device waits", async || {
            let waiting = self.get("/waiting-devices", token).await.json();
            waiting.as_array().unwrap().iter().any(|request| request["device_id"] == id)
        })
        .await;
        device
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    /// The problem's code; "" if it is none.
    pub(crate) fn problem(&self) -> String {
        let kind = self.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap());
        if kind != Some("application/problem+json") {
            return String::new();
        }
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("/problems/{code}"));
        code.to_owned()
    }

    /// The fields that the problem names.
    pub(crate) fn fields(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors: {problem}"));
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl TestDevice {
    pub(crate) fn start(id: u32, provisioning: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let settings = ClientSettings {
            state_dir: folder.path().to_owned(),
            info: crate::raw_device::info(id),
            provisioning: Some(provisioning.parse().unwrap()),
            config: device::Config::default(),
            seed: Some(u64::from(id)),
            network: None,
            events: None,
            status: None,
        };
        tokio::spawn(client::run(settings, stop.clone()));
        Self { id, _folder: folder, _stop: stop.drop_guard() }
    }
}

pub(crate) fn api_request(method: Method, path: &str, token: &str, body: Option<Value>) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap(),
        None => request.body(Full::default()).unwrap(),
    }
}

pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    let (status, headers, body) = open(address, request).await;
    let bytes = timeout(PATIENCE, body.collect()).await.unwrap().unwrap().to_bytes();
    Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
}

/// Sends a request and gives the answer as far as its head; the body comes as it comes.
pub(crate) async fn open(address: SocketAddr, mut request: Request<Full<Bytes>>) -> (StatusCode, HeaderMap, Incoming) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let host = address.to_string().parse().unwrap();
    request.headers_mut().entry(header::HOST).or_insert(host);
    let answer = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
    let (head, body) = answer.into_parts();
    (head.status, head.headers, body)
}

/// Asks until the answer is yes.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) {
    let asking = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
