//! A whole server with its pages in this process, and what a browser says to it.

use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use server::{
    config::Config,
    start::{Running, start_with},
};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};

pub(crate) const PASSWORD: &str = "correct horse 51213";
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server in a folder of its own.
pub(crate) struct Portal {
    pub(crate) running: Running,
    _folder: tempfile::TempDir,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Portal {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::on_loopback(folder.path().join("data"));
        config.admin_password = Some(PASSWORD.to_owned());
        let running = start_with(config, app::router::router()).await.unwrap_or_else(|error| panic!("{error}"));
        Self { running, _folder: folder }
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Answer {
        let address = self.running.http_addr;
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        request.headers_mut().insert(header::HOST, address.to_string().parse().unwrap());
        let answer = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
        let (head, body) = answer.into_parts();
        let bytes = timeout(PATIENCE, body.collect()).await.unwrap().unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `name=value` of each cookie that was set.
    pub(crate) fn cookies(&self) -> Vec<String> {
        let set = self.headers.get_all(header::SET_COOKIE).iter();
        set.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
    }
}
