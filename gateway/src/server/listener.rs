//! Listens for devices: accepts only what it can handshake, hands each connection to its own task, and closes in time.

use super::connection::{self, Shared};
use super::directory::{Directory, SessionId};
use super::inbox::{Farewell, Inbox};
use super::line::Acceptor;
use super::load::{Load, Tally};
use super::orders::{Order, OrderError, OrderReply};
use super::registry::Registry;
use super::settings::{Settings, Waves};
use crate::enrolment::KeyFingerprint;
use crate::wire::{DeviceId, Entries, EntryProbe, Epoch, Reason, ServerEntry, ServerList};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// All sessions have said goodbye within this after the stop.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// Pause after a failed accept: the process has no file descriptor left, and asking at once gains none.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long whoever gives a device an order waits for its answer.
const ORDER_LIMIT: Duration = Duration::from_secs(30);

/// Reaches a running server's sessions from anywhere.
#[derive(Clone, Debug)]
pub struct Handle {
    registry: Arc<Mutex<Registry<Arc<Inbox>>>>,
    load: Arc<Load>,
}

impl Handle {
    /// The wanted list of a device may have changed: its session, if it has one here, looks again.
    pub fn wake(&self, device: DeviceId) {
        if let Some(inbox) = self.registry().registered(device) {
            inbox.wake();
        }
    }

    /// An operator decided about a waiting device: its connection, if it is here, asks again.
    pub fn wake_waiting(&self, fingerprint: KeyFingerprint) {
        if let Some(inbox) = self.registry().waiting(fingerprint) {
            inbox.wake();
        }
    }

    /// Anything may have changed, for instance this server's role: every session looks again.
    pub fn wake_all(&self) {
        self.registry().everybody().for_each(|inbox| inbox.wake());
    }

    /// Ends a device's session, and any that is just being admitted, with a reason and a text for people.
    pub fn close(&self, device: DeviceId, reason: Reason, text: &str) {
        self.registry().all_of(device).for_each(|inbox| inbox.close(reason, text));
    }

    /// Lets a device try these entries from its own network; its table has a row for each.
    ///
    /// # Errors
    ///
    /// The device is not connected here, does not know how, or does not answer.
    pub async fn probe(&self, device: DeviceId, entries: Entries) -> Result<Vec<EntryProbe>, OrderError> {
        let reply = self.order(device, Order::Probe(entries)).await?;
        if let OrderReply::Probed(rows) = reply { Ok(rows) } else { Err(refusal_of(reply)) }
    }

    /// Sends a device to another entry of its list, from where it does not fail back for so many seconds (0: for good).
    /// It first makes sure that it would be registered there, and leaves only then.
    ///
    /// # Errors
    ///
    /// The device is not connected here, does not know how, does not answer, or stays for a reason that it gives.
    pub async fn move_to(&self, device: DeviceId, entry: ServerEntry, ttl_s: u32) -> Result<(), OrderError> {
        let reply = self.order(device, Order::Move(entry, ttl_s)).await?;
        if reply == OrderReply::Moving { Ok(()) } else { Err(refusal_of(reply)) }
    }

    /// Asks a device for the highest epoch that it has on disk. `None` if it is not connected here; else the session that
    /// is asked now, and what comes back over that session and no other.
    pub fn ask_epoch(
        &self,
        device: DeviceId,
    ) -> Option<(SessionId, impl Future<Output = Result<Option<Epoch>, OrderError>> + use<>)> {
        let registry = self.registry();
        let (session, inbox) = registry.session(device)?;
        let answer = inbox.order(Order::TellEpoch);
        let told = async move {
            let reply = answered(answer).await?;
            if let OrderReply::Epoch(epoch) = reply { Ok(epoch) } else { Err(refusal_of(reply)) }
        };
        Some((session, told))
    }

    /// Asks a device for the list that it keeps, with the seal that came with it.
    ///
    /// # Errors
    ///
    /// The device is not connected here, does not know how, or does not answer.
    pub async fn ask_list(&self, device: DeviceId) -> Result<ServerList, OrderError> {
        let reply = self.order(device, Order::TellList).await?;
        if let OrderReply::List(list) = reply { Ok(*list) } else { Err(refusal_of(reply)) }
    }

    async fn order(&self, device: DeviceId, order: Order) -> Result<OrderReply, OrderError> {
        let answer = self.registry().registered(device).map(|inbox| inbox.order(order));
        answered(answer.ok_or(OrderError::NotConnected)?).await
    }

    /// Sends everybody who is connected now to other servers, wave after wave; how many were told. Who finds no other
    /// comes back and is admitted. Dropped, it sends no more away.
    pub async fn drain(&self, waves: Waves) -> usize {
        let inboxes: Vec<_> = self.registry().everybody().cloned().collect();
        let pause_s = u32::try_from(waves.pause.as_secs()).unwrap_or(u32::MAX).max(1);
        for (number, wave) in inboxes.chunks(waves.size.max(1)).enumerate() {
            if number > 0 {
                sleep(waves.pause).await;
            }
            for inbox in wave {
                let text = "this server sends its devices to other servers".to_owned();
                inbox.dismiss(Farewell { reason: Reason::Draining, text, spread_s: Some(pause_s) });
            }
        }
        inboxes.len()
    }

    /// The waves that this server's capacity suggests.
    #[must_use]
    pub fn waves(&self) -> Waves {
        self.load.waves()
    }

    /// How many devices are registered now.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.registry().len()
    }

    /// What became of connections since the server's start.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.load.tally()
    }

    fn registry(&self) -> MutexGuard<'_, Registry<Arc<Inbox>>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answered(answer: oneshot::Receiver<OrderReply>) -> Result<OrderReply, OrderError> {
    match timeout(ORDER_LIMIT, answer).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(_)) => Err(OrderError::NotConnected),
        Err(_) => Err(OrderError::NoAnswer),
    }
}

fn refusal_of(reply: OrderReply) -> OrderError {
    match reply {
        OrderReply::Refused(why) => OrderError::Refused(why),
        OrderReply::NotUnderstood => OrderError::NotUnderstood,
        OrderReply::NotConnected
        | OrderReply::Probed(_)
        | OrderReply::Moving
        | OrderReply::Epoch(_)
        | OrderReply::List(_) => OrderError::NotConnected,
    }
}

/// Listens with a chosen backlog: at most what can be served within half a device's time limit, so that the queue
/// never holds connections whose devices have given up.
///
/// # Errors
///
/// The address is taken or not this machine's.
pub fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// Serves devices until `stop` is cancelled; the task ends within 2 s of that, with every session told.
pub fn start<D: Directory>(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    directory: Arc<D>,
    settings: Settings,
    stop: CancellationToken,
) -> (Handle, JoinHandle<()>) {
    let registry = Arc::new(Mutex::new(Registry::new()));
    let settings = Arc::new(settings);
    let load = Arc::new(Load::new(Arc::clone(&settings)));
    let handle = Handle { registry: Arc::clone(&registry), load: Arc::clone(&load) };
    let shared = Arc::new(Shared::new(directory, settings, registry, load, stop));
    (handle, tokio::spawn(accept(listener, Acceptor::new(&tls), shared)))
}

/// A permit comes before each accept and goes with the handshake, which is never awaited here.
async fn accept<D: Directory>(listener: TcpListener, tls: Acceptor, shared: Arc<Shared<D>>) {
    let handshakes = Arc::new(Semaphore::new(shared.settings.handshakes_max.max(1)));
    let connections = TaskTracker::new();
    loop {
        let next = async {
            let permit = Arc::clone(&handshakes).acquire_owned().await;
            (permit, listener.accept().await)
        };
        match shared.stop.run_until_cancelled(next).await {
            None => break,
            Some((Ok(permit), Ok((stream, peer)))) => {
                connections.spawn(connection::serve(stream, peer, tls.clone(), permit, Arc::clone(&shared)));
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
            Some((Err(_), Ok(_))) => break,
        }
    }
    drop(listener);
    connections.close();
    if timeout(STOP_LIMIT, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "some device sessions did not end in time");
    }
}
