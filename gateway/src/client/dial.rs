//! One attempt on one server: name, TCP to the first of its addresses that answers, TLS.

use super::{connection::Connection, resolve::Resolver};
use crate::{
    device::Config,
    tls::{TlsFailure, failure_of, server_name},
    wire::{Address, FailureKind},
};
use futures::{StreamExt as _, stream::FuturesUnordered};
use rustls::ClientConfig;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::Mutex,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

/// What an attempt ended with.
pub(super) type Failure = (FailureKind, String);

/// How far an attempt came, and when.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The address that was connected to, or tried last.
    pub(super) address: Option<IpAddr>,
    /// From the beginning to the TCP connection.
    pub(super) tcp: Option<Duration>,
    /// From there to the end of the TLS handshake.
    pub(super) tls: Option<Duration>,
}

/// Dials servers for one device.
#[derive(Clone)]
pub(super) struct Dialler {
    tls: Arc<ClientConfig>,
    config: Config,
    resolver: Arc<Mutex<Resolver>>,
}

impl Dialler {
    pub(super) fn new(tls: Arc<ClientConfig>, config: Config) -> Self {
        Self { tls, config, resolver: Arc::default() }
    }

    /// The same, showing another certificate from now on.
    pub(super) fn set_tls(&mut self, tls: Arc<ClientConfig>) {
        self.tls = tls;
    }

    /// A connection that stands, TLS included. With other limits than the device began with, if its list says so.
    pub(super) async fn dial(&self, address: Address, port: u16, limit: Duration) -> Result<Box<Connection>, Failure> {
        self.dial_in_steps(address, port, limit, &mut Steps::default()).await
    }

    /// The same, telling how far it came.
    pub(super) async fn dial_in_steps(
        &self,
        address: Address,
        port: u16,
        limit: Duration,
        steps: &mut Steps,
    ) -> Result<Box<Connection>, Failure> {
        timeout(limit, self.connect(address, port, steps))
            .await
            .unwrap_or_else(|_| Err((FailureKind::TimedOut, format!("no answer within {} s", limit.as_secs_f32()))))
    }

    async fn connect(&self, address: Address, port: u16, steps: &mut Steps) -> Result<Box<Connection>, Failure> {
        let begun = Instant::now();
        let found = self.resolver.lock().await.resolve(&address, port, &self.config).await;
        let Some(found) = found else {
            return Err((FailureKind::NameNotFound, format!("the name {address} does not resolve")));
        };
        steps.address = found.first().map(SocketAddr::ip);
        let (address, stream) = self.race(&found).await?;
        steps.address = Some(address.ip());
        steps.tcp = Some(begun.elapsed());
        // Frames are small and each is waited for.
        stream.set_nodelay(true).map_err(|error| failure(&error))?;
        let shaking = Instant::now();
        let tls = TlsConnector::from(self.tls.clone()).connect(server_name(), stream).await;
        let stream = tls.map_err(|error| failure(&error))?;
        steps.tls = Some(shaking.elapsed());
        Ok(Box::new(Connection::new(stream)))
    }

    /// The first address to answer wins; each gets a head start over the next.
    async fn race(&self, addresses: &[SocketAddr]) -> Result<(SocketAddr, TcpStream), Failure> {
        let mut runners = FuturesUnordered::new();
        for (place, address) in (0u32..).zip(addresses) {
            let start = self.config.race_delay * place;
            runners.push(async move {
                tokio::time::sleep(start).await;
                TcpStream::connect(address).await.map(|stream| (*address, stream))
            });
        }
        let mut last = (FailureKind::NameNotFound, "the name has no address".to_owned());
        while let Some(outcome) = runners.next().await {
            match outcome {
                Ok(connected) => return Ok(connected),
                Err(error) => last = failure(&error),
            }
        }
        Err(last)
    }
}

/// What a failed connection is called.
pub(super) fn failure(error: &io::Error) -> Failure {
    let kind = match failure_of(error) {
        Some(TlsFailure::ForeignInstallation) => FailureKind::ForeignInstallation,
        Some(TlsFailure::RefusedByServer(_)) => FailureKind::NotAdmitted,
        Some(TlsFailure::Certificate(_) | TlsFailure::Protocol(_)) => FailureKind::Tls,
        None => kind_of(error.kind()),
    };
    (kind, error.to_string())
}

fn kind_of(kind: io::ErrorKind) -> FailureKind {
    use io::ErrorKind as Kind;
    let cut_off = [Kind::NetworkUnreachable, Kind::HostUnreachable, Kind::NetworkDown, Kind::AddrNotAvailable];
    if kind == Kind::ConnectionRefused {
        FailureKind::Refused
    } else if kind == Kind::TimedOut {
        FailureKind::TimedOut
    } else if cut_off.contains(&kind) {
        FailureKind::Unreachable
    } else {
        FailureKind::Closed
    }
}
