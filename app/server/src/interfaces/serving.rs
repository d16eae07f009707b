//! Listening for people: plain HTTP, HTTPS, and the console's Unix socket.
//!
//! Every connection has a task of its own, its TLS handshake included, so that a slow one delays nobody.

use super::auth::{Console, Peer};
use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::{
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

/// Connections served at once; more wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 1024;
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's head, and how long a connection may idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(60);
/// How long answers under way may take to end when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// After a failed accept (no file descriptors left), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` to whoever connects, by HTTPS if `tls` is given, until `stop`; returns when all connections ended.
pub(crate) async fn serve_tcp(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) {
    let tls = tls.map(TlsAcceptor::from);
    let accept = move |context: &mut Context<'_>| listener.poll_accept(context);
    accept_all(accept, stop.clone(), move |(stream, peer)| {
        let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
        async move {
            let marks = move |request: &mut Request<Body>| {
                request.extensions_mut().insert(Peer(Some(peer.ip())));
            };
            // Answers are written whole; waiting to fill packets only delays them.
            let _ = stream.set_nodelay(true);
            let Some(tls) = tls else { return serve_connection(stream, router, marks, stop).await };
            match timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await {
                Ok(Ok(stream)) => serve_connection(stream, router, marks, stop).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            }
        }
    })
    .await;
}

/// Serves `router` on the console's socket until `stop`.
pub(crate) async fn serve_console(listener: UnixListener, router: Router, stop: CancellationToken) {
    let accept = move |context: &mut Context<'_>| listener.poll_accept(context);
    accept_all(accept, stop.clone(), move |(stream, _)| {
        let marks = |request: &mut Request<Body>| {
            request.extensions_mut().insert(Peer(None));
            request.extensions_mut().insert(Console);
        };
        serve_connection(stream, router.clone(), marks, stop.clone())
    })
    .await;
}

async fn accept_all<C, F: Future<Output = ()> + Send + 'static>(
    mut accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<C>>,
    stop: CancellationToken,
    serve: impl Fn(C) -> F,
) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let ended = CancellationToken::new();
    loop {
        let next = async { (places.clone().acquire_owned().await, poll_fn(&mut accept).await) };
        match stop.run_until_cancelled(next).await {
            Some((place, Ok(connection))) => {
                let (served, ended) = (serve(connection), ended.clone());
                connections.spawn(async move {
                    let _place = place;
                    ended.run_until_cancelled(served).await;
                });
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
            None => break,
        }
    }
    connections.close();
    if timeout(STOP_LIMIT, connections.wait()).await.is_err() {
        ended.cancel();
        connections.wait().await;
    }
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    marks: impl Fn(&mut Request<Body>) + Send + 'static,
    stop: CancellationToken,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        marks(&mut request);
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}
