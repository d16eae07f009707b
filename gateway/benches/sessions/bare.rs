//! The yardstick: accepts, shakes hands, answers each frame with ready-made bytes, holds the session. No rules, no limits.

use crate::{Failure, keys, lists};
use bytes::{Bytes, BytesMut};
use gateway::wire::{Epoch, Message, Registered, Role, ServerList};
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// Bytes set aside for a read; given back when it was taken in.
const READ_BYTES: usize = 256;
/// As most servers have it.
const BACKLOG: u32 = 4096;

pub(crate) struct Bare {
    shared: Arc<Shared>,
}

struct Shared {
    registered: Bytes,
    list: watch::Sender<Push>,
    sessions: AtomicUsize,
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
}

/// The two frames of a push.
#[derive(Clone, Default)]
struct Push {
    stage: Bytes,
    start_trial: Bytes,
}

impl Bare {
    pub(crate) fn start(address: SocketAddr, tls: Arc<ServerConfig>) -> Result<Self, Failure> {
        let shared = Arc::new(Shared {
            registered: lists::frame(registered())?,
            list: watch::Sender::default(),
            sessions: AtomicUsize::new(0),
            acknowledged: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        });
        let listener = gateway::server::bind(address, BACKLOG)?;
        tokio::spawn(accept(listener, TlsAcceptor::from(tls), Arc::clone(&shared)));
        Ok(Self { shared })
    }

    pub(crate) fn sessions(&self) -> usize {
        self.shared.sessions.load(Ordering::Relaxed)
    }

    pub(crate) fn answered(&self) -> [usize; 2] {
        [&self.shared.acknowledged, &self.shared.refused].map(|counter| counter.load(Ordering::Relaxed))
    }

    pub(crate) fn push(&self, list: ServerList) -> Result<(), Failure> {
        let start_trial = lists::frame(Message::StartTrial { version: list.version(), timeout_s: 60 })?;
        self.shared.list.send_replace(Push { stage: lists::frame(Message::StageList(list))?, start_trial });
        Ok(())
    }
}

fn registered() -> Message {
    Message::Registered(Registered {
        connection_sequence: 1,
        installation_id: keys::INSTALLATION.into(),
        server_id: "server-1".into(),
        server_name: "bare".into(),
        role: Role::Active,
        epoch: Epoch { number: 1, server_id: "server-1".into(), seal: vec![0; 88] },
        server_time_unix_ms: 0,
        keep_alive_s: 10,
        silence_limit_s: 30,
        reconnect_spread_s: 2,
        start: None,
        event_watermark: 0,
    })
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            // How a device leaves is no concern of this server.
            let _ = session(stream, tls, shared).await;
        });
    }
}

async fn session(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = Box::pin(tls.accept(stream)).await?;
    let _counted = Counted::new(&shared);
    let mut list = shared.list.subscribe();
    let mut incoming = BytesMut::new();
    loop {
        incoming.reserve(READ_BYTES);
        tokio::select! {
            read = stream.read_buf(&mut incoming) => if read? == 0 { return Ok(()) },
            changed = list.changed() => {
                changed.map_err(std::io::Error::other)?;
                let push = list.borrow_and_update().clone();
                stream.write_all(&push.stage).await?;
            }
        }
        while let Some(answer) = next_answer(&mut incoming, &shared) {
            stream.write_all(&answer).await?;
        }
        if incoming.is_empty() {
            incoming = BytesMut::new();
        }
    }
}

/// Takes a whole frame and answers it by its first byte, the number of its message.
fn next_answer(incoming: &mut BytesMut, shared: &Shared) -> Option<Bytes> {
    let length = u32::from_be_bytes(*incoming.first_chunk()?) as usize + 4;
    if incoming.len() < length {
        return None;
    }
    let mut frame = incoming.split_to(length);
    match frame.get(4)? >> 3 {
        4 => Some(shared.registered.clone()),
        8 => {
            // A pong is the same bytes under the next number.
            frame[4] = 9 << 3 | 2;
            Some(frame.freeze())
        }
        12 => {
            shared.acknowledged.fetch_add(1, Ordering::Relaxed);
            Some(shared.list.borrow().start_trial.clone())
        }
        number => {
            shared.refused.fetch_add(usize::from(number == 13), Ordering::Relaxed);
            Some(Bytes::new())
        }
    }
}

struct Counted<'a>(&'a Shared);

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.sessions.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}
