//! Where other servers are answered.

use super::{
    Exchange, ExchangeReply, Peers,
    message::{
        BINDING_LABEL, COPY, Carried, Carry, EXCHANGE, FROM, JOIN, MANIFEST, MAX_MESSAGE_BYTES, ORDER, RENEW, RESUME,
        Refused, Renewed, STEP_DOWN, StepDown, SteppedDown, TAKE_BACK,
    },
    snapshots,
    snapshots::Snapshot,
};
use crate::cluster::{
    join_messages::{JoinAnswer, JoinRequest},
    peer_requests::Renew,
};
use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use gateway::tls::{self, Peer};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use model::{Fault, Role};
use rustls::ServerConfig;
use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// A server that says nothing for so long has gone; it calls every second.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// Servers are few; more connections than this are no servers.
const MAX_CONNECTIONS: usize = 64;
/// What is in flight may end after the stop.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Who is at the other end of a connection.
#[derive(Clone)]
struct Caller {
    peer: Option<Peer>,
    binding: [u8; 32],
    address: SocketAddr,
}

pub(super) async fn serve(listener: TcpListener, tls: Arc<ServerConfig>, peers: Arc<Peers>, stop: CancellationToken) {
    let router = Router::new()
        .route(JOIN, post(join))
        .route(EXCHANGE, post(exchange))
        .route(COPY, get(copy))
        .route(STEP_DOWN, post(step_down))
        .route(TAKE_BACK, post(take_back))
        .route(ORDER, post(order))
        .route(RENEW, post(renew))
        .layer(DefaultBodyLimit::max(MAX_MESSAGE_BYTES))
        .with_state(peers);
    let acceptor = TlsAcceptor::from(tls);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        while connections.try_join_next().is_some() {}
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection from another server could be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::warn!(%address, "too many connections from other servers; this one is closed");
            continue;
        };
        let connection = converse(stream, address, acceptor.clone(), router.clone(), stop.clone());
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::info!(%address, %error, "a connection from another server ended");
            }
            drop(place);
        });
    }
    let all_ended = async { while connections.join_next().await.is_some() {} };
    // Whoever has not ended by then is cut off when the set is dropped.
    let _ = timeout(STOP_GRACE, all_ended).await;
}

async fn converse(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??;
    let session = stream.get_ref().1;
    let caller = Caller {
        peer: session.peer_certificates().and_then(|chain| tls::peer_of(chain.first()?)),
        binding: session.export_keying_material([0; 32], BINDING_LABEL, None).map_err(io::Error::other)?,
        address,
    };
    let service = TowerToHyperService::new(router.layer(Extension(caller)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE_LIMIT);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    ended.map_err(io::Error::other)
}

/// A refusal as the other end reads it.
fn refuse(status: StatusCode, reason: impl Into<String>) -> Response {
    (status, Json(Refused { reason: reason.into() })).into_response()
}

fn refuse_fault(fault: &Fault) -> Response {
    refuse(StatusCode::SERVICE_UNAVAILABLE, fault.to_string())
}

async fn join(
    State(peers): State<Arc<Peers>>,
    Extension(caller): Extension<Caller>,
    Json(request): Json<JoinRequest>,
) -> Result<Json<JoinAnswer>, Response> {
    let server = request.server_id.clone();
    let reply = peers.service.join(request, &caller.binding, caller.address.ip().to_string()).await;
    reply.map(Json).map_err(|refusal| {
        tracing::warn!(peer = %caller.address, server, %refusal, "a server was not let in");
        refuse(StatusCode::FORBIDDEN, refusal.to_string())
    })
}

async fn exchange(
    State(peers): State<Arc<Peers>>,
    Extension(caller): Extension<Caller>,
    Json(told): Json<Exchange>,
) -> Result<Json<ExchangeReply>, Response> {
    let server = peers.server_of(&caller).await?;
    if told.news.server.id != server {
        return Err(refuse(StatusCode::FORBIDDEN, "the certificate names another server than the message"));
    }
    let copy = peers.latest.borrow().as_ref().map(|snapshot| snapshot.manifest.clone());
    let reply = peers.service.answer_exchange(told, copy).await.map_err(|fault| refuse_fault(&fault))?;
    peers.remember();
    Ok(Json(reply))
}

async fn copy(
    State(peers): State<Arc<Peers>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    peers.server_of(&caller).await?;
    let newest = peers.latest.borrow().clone();
    let Some(newest) = newest else {
        let reason = match peers.service.role() {
            _ if peers.service.store.is_on_a_server() => {
                "its database is on a database server and is not copied: give this server a replica of it with --database"
            }
            Role::Active => "the first snapshot of the database is not taken yet",
            Role::Standby | Role::ReadOnly => "this server is not active and gives no copies",
        };
        return Err(refuse(StatusCode::CONFLICT, reason));
    };
    let (snapshot, from) = peers.choose(newest, &headers);
    let manifest = serde_json::to_string(&snapshot.manifest).ok().and_then(|text| HeaderValue::try_from(text).ok());
    let (Some(manifest), Ok(body)) = (manifest, snapshots::body(&snapshot, from).await) else {
        return Err(refuse(StatusCode::SERVICE_UNAVAILABLE, "the snapshot cannot be read"));
    };
    let headers = [
        (header::CONTENT_LENGTH, HeaderValue::from(snapshot.manifest.size - from)),
        (HeaderName::from_static(MANIFEST), manifest),
        (HeaderName::from_static(FROM), HeaderValue::from(from)),
    ];
    Ok((headers, body).into_response())
}

/// The caller becomes the active server: this one writes no more, and offers all that it wrote.
async fn step_down(
    State(peers): State<Arc<Peers>>,
    Extension(caller): Extension<Caller>,
    Json(request): Json<StepDown>,
) -> Result<Json<SteppedDown>, Response> {
    let server = peers.server_of(&caller).await?;
    peers.service.step_down(&server, &request.by).await.map_err(|fault| refuse_fault(&fault))?;
    if peers.service.shares_its_database() {
        // It needs no copy to change hands.
        return Ok(Json(SteppedDown { manifest: peers.service.store.copy(), position: None }));
    }
    if peers.service.store.is_on_a_server() {
        return give_position(&peers, &server).await;
    }
    match snapshots::take(&peers.service).await {
        Ok(last) => {
            let manifest = Some(last.manifest.clone());
            peers.latest.send_replace(Some(Arc::new(last)));
            Ok(Json(SteppedDown { manifest, position: None }))
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "no last snapshot: the role stays here");
            peers.service.take_back(&server).await.map_err(|fault| refuse_fault(&fault))?;
            Err(refuse(StatusCode::SERVICE_UNAVAILABLE, "no last snapshot could be taken; its log says why"))
        }
    }
}

/// A replica has all that was written once it has come so far.
async fn give_position(peers: &Peers, server: &str) -> Result<Json<SteppedDown>, Response> {
    match peers.service.store.position().await {
        Ok(position) => Ok(Json(SteppedDown { manifest: None, position })),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the end of the log is unknown: the role stays here"
            );
            peers.service.take_back(server).await.map_err(|fault| refuse_fault(&fault))?;
            Err(refuse(StatusCode::SERVICE_UNAVAILABLE, "its database server does not answer"))
        }
    }
}

/// A device of this server does something for another one.
async fn order(
    State(peers): State<Arc<Peers>>,
    Extension(caller): Extension<Caller>,
    Json(Carry { device, order }): Json<Carry>,
) -> Result<Json<Carried>, Response> {
    let server = peers.server_of(&caller).await?;
    tracing::info!(device, server, ?order, "another server's order for a device");
    let rows = peers.service.carry_out(device, order).await;
    rows.map(|rows| Json(Carried { rows })).map_err(|fault| refuse(StatusCode::CONFLICT, fault.to_string()))
}

async fn renew(
    State(peers): State<Arc<Peers>>,
    Extension(caller): Extension<Caller>,
    Json(Renew { device, shown, certificate_request }): Json<Renew>,
) -> Result<Json<Renewed>, Response> {
    let server = peers.server_of(&caller).await?;
    tracing::info!(device, server, "another server passes on that a device wants another certificate");
    let request =
        hex::decode(certificate_request).map_err(|error| refuse(StatusCode::BAD_REQUEST, error.to_string()))?;
    let renewed = peers.service.renew_here(device, &shown, &request).await;
    renewed
        .map(|certificate| Json(Renewed { certificate: hex::encode(certificate) }))
        .map_err(|reason| refuse(StatusCode::CONFLICT, reason))
}

async fn take_back(
    State(peers): State<Arc<Peers>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<serde_json::Value>, Response> {
    let server = peers.server_of(&caller).await?;
    peers.service.take_back(&server).await.map_err(|fault| refuse_fault(&fault))?;
    Ok(Json(serde_json::json!({})))
}

impl Peers {
    /// The snapshot to send, and from which byte on: the one whose transfer broke off, if it is still there, else the newest.
    fn choose(&self, newest: Arc<Snapshot>, headers: &HeaderMap) -> (Arc<Snapshot>, u64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let resumed = headers.get(RESUME).and_then(|value| value.to_str().ok()).and_then(|text| {
            let (sha256, size) = text.split_once(' ')?;
            let size: u64 = size.parse().ok()?;
            let candidates = [Some(&newest), sent.as_ref()];
            let begun = candidates.into_iter().flatten().find(|one| one.manifest.sha256 == sha256)?;
            (size <= begun.manifest.size).then(|| (begun.clone(), size))
        });
        let (snapshot, from) = resumed.unwrap_or((newest, 0));
        *sent = Some(snapshot.clone());
        (snapshot, from)
    }

    /// Id of the server at the other end, if its certificate is one of this installation and not revoked.
    async fn server_of(&self, caller: &Caller) -> Result<String, Response> {
        let refuse = |reason: &str| {
            tracing::warn!(peer = %caller.address, reason, "a connection from elsewhere was refused");
            refuse(StatusCode::FORBIDDEN, reason)
        };
        match &caller.peer {
            Some(Peer::Server { installation_id, id, serial }) => {
                if *installation_id != self.service.identity().installation_id {
                    return Err(refuse("the certificate is of another installation"));
                }
                let revoked = self.service.store.is_server_revoked(id, &hex::encode(serial)).await;
                if revoked.map_err(|error| refuse_fault(&error.into()))? {
                    return Err(refuse("this server was removed from the installation, or its certificate revoked"));
                }
                Ok(id.clone())
            }
            Some(Peer::Device { .. }) => Err(refuse("this port is for servers, not for devices")),
            None => Err(refuse("a server's certificate is needed")),
        }
    }
}
