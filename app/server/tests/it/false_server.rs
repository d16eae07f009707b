//! A server with the keys of a real one that hands out whatever copy a test wants.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Json, Router,
    body::Body,
    http::HeaderMap,
    response::IntoResponse as _,
    routing::{get, post},
};
use futures::{Stream, StreamExt as _, stream};
use gateway::tls::server_config;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use model::Role;
use server::{
    cluster::{peer_board::ServerFacts, starts::Start},
    db::Manifest,
    epoch::EpochToken,
    interfaces::peers::{Exchange, ExchangeReply, News},
    keys::Keys,
};
use std::{io, net::SocketAddr, path::Path, time::Duration};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct FalseServer {
    asked: watch::Receiver<u32>,
    serving: JoinHandle<()>,
}

impl FalseServer {
    /// The manifest of a copy that is sent as `bytes`.
    pub(crate) fn manifest_of(bytes: &[u8]) -> Manifest {
        Manifest {
            sha256: hex::encode(digest(&SHA256, bytes)),
            size: bytes.len() as u64,
            taken_at: "2029-01-01T00:00:00.000Z".to_owned(),
            generation: 1000,
            ..Manifest::default()
        }
    }

    /// Answers on `address` in the place of the server of `data`.
    pub(crate) async fn start(address: SocketAddr, data: &Path, manifest: Manifest, body: Vec<u8>) -> Self {
        Self::begin(address, data, manifest, body, false).await
    }

    /// The same, but the first transfer breaks off in the middle, and the rest is given only to who asks for the rest.
    pub(crate) async fn start_breaking_off(
        address: SocketAddr,
        data: &Path,
        manifest: Manifest,
        body: Vec<u8>,
    ) -> Self {
        Self::begin(address, data, manifest, body, true).await
    }

    async fn begin(address: SocketAddr, data: &Path, manifest: Manifest, body: Vec<u8>, breaks: bool) -> Self {
        let keys = Keys::load(data).unwrap().unwrap();
        let tls = server_config(&keys.server_credentials().unwrap(), &[b"http/1.1"]).unwrap();
        let (ask, asked) = watch::channel(0);
        let header = [("x-copy-manifest", serde_json::to_string(&manifest).unwrap())];
        let sha256 = manifest.sha256.clone();
        let copy = move |headers: HeaderMap| {
            ask.send_modify(|times| *times += 1);
            let asked = headers.get("x-copy-resume").and_then(|value| value.to_str().ok());
            let arrived = asked.and_then(|text| text.strip_prefix(&sha256)?.trim().parse::<usize>().ok());
            let answer = match arrived {
                _ if !breaks => (header.clone(), body.clone()).into_response(),
                Some(from) => {
                    (header.clone(), [("x-copy-from", from.to_string())], body[from..].to_vec()).into_response()
                }
                None => (header.clone(), Body::from_stream(half_of(&body))).into_response(),
            };
            async move { answer }
        };
        let facts = ServerFacts {
            id: keys.server_id().to_owned(),
            name: "BioStar Server #1".to_owned(),
            role: Role::Active,
            epoch: EpochToken::seal(&keys, 1, keys.server_id()).unwrap(),
            addresses: vec![address.to_string()],
            copy_taken_at: None,
            copy: None,
            replication: None,
            start: Start::default(),
        };
        let exchange = move |Json(_): Json<Exchange>| {
            let (server, copy) = (facts.clone(), Some(manifest.clone()));
            async move {
                let news = News {
                    server,
                    have: 0,
                    sightings: Vec::new(),
                    change: 0,
                    holds: None,
                    forks: Vec::new(),
                    seen: None,
                    revoked: 0,
                    revoked_digest: String::new(),
                    revocations: Vec::new(),
                    at: None,
                    letter: None,
                };
                Json(ExchangeReply { news, noted: Vec::new(), events_noted: false, held: None, copy })
            }
        };
        let router = Router::new().route("/exchange", post(exchange)).route("/copy", get(copy));
        let listener = bind(address);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, router) = (TlsAcceptor::from(tls.clone()), router.clone());
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = TowerToHyperService::new(router);
                    // The other end may hang up at any time.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { asked, serving }
    }

    /// Returns when a second copy was asked for, and so the first one was refused.
    pub(crate) async fn was_asked_for_a_copy(&self) {
        let mut asked = self.asked.clone();
        timeout(PATIENCE, asked.wait_for(|times| *times >= 2)).await.unwrap().unwrap();
    }

    /// Frees the address.
    pub(crate) async fn stop(self) {
        self.serving.abort();
        assert!(self.serving.await.unwrap_err().is_cancelled());
    }
}

/// The first half, and then an end that is none.
fn half_of(bytes: &[u8]) -> impl Stream<Item = io::Result<Vec<u8>>> + use<> {
    let first = bytes[..bytes.len() / 2].to_vec();
    let half = stream::once(async { Ok(first) });
    half.chain(stream::once(async {
        // What was sent before has arrived by then.
        sleep(Duration::from_millis(300)).await;
        Err(io::Error::other("the cable was pulled"))
    }))
}

/// Binds although connections of the predecessor may linger.
fn bind(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(16).unwrap()
}
