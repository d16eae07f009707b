//! One attempt on one server: name, TCP to the first of its addresses that answers, TLS.

use super::{
    connection::Connection,
    failure::{Failure, failure},
    resolve::{LookUp, Resolver},
};
use crate::{
    device::{Config, Remembered, Step},
    tls::server_name,
    wire::{Address, FailureKind},
};
use futures::{StreamExt as _, stream::FuturesUnordered};
use rustls::ClientConfig;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

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
    resolver: Arc<Resolver>,
}

impl Dialler {
    pub(super) fn new(tls: Arc<ClientConfig>, config: Config, remembered: Remembered) -> Self {
        Self { tls, config, resolver: Arc::new(Resolver::new(remembered)) }
    }

    /// What names came to, if that has changed since the last time.
    pub(super) fn take_names(&self) -> Option<Remembered> {
        self.resolver.take_news()
    }

    /// The same, showing another certificate from now on.
    pub(super) fn set_tls(&mut self, tls: Arc<ClientConfig>) {
        self.tls = tls;
    }

    /// Asks for a name beside everything else, and remembers the answer.
    pub(super) async fn learn(self, name: String) {
        self.resolver.learn(name, &self.config).await;
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
        let (address, stream) = self.reach(&address, port, steps).await?;
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

    /// A TCP connection with the first address to answer.
    async fn reach(&self, address: &Address, port: u16, steps: &mut Steps) -> Result<(SocketAddr, TcpStream), Failure> {
        let mut approach = self.resolver.approach(address, port, &self.config);
        let (mut asked, mut runners) = (None, FuturesUnordered::new());
        let mut last = (FailureKind::NameNotFound, "the name has no address".to_owned());
        loop {
            let until = match self.resolver.step(&mut approach) {
                Step::Resolve(name) => {
                    asked = Some(self.resolver.look_up(name));
                    continue;
                }
                Step::Connect(to) => {
                    steps.address.get_or_insert(to.ip());
                    runners.push(async move { TcpStream::connect(to).await.map(|stream| (to, stream)) });
                    continue;
                }
                Step::Wait(until) => until,
                Step::NoAddress => {
                    return Err((FailureKind::NameNotFound, format!("the name {address} does not resolve")));
                }
                Step::Failed => return Err(last),
            };
            tokio::select! {
                found = answer_to(&mut asked) => approach.resolved(found),
                Some(outcome) = runners.next() => match outcome {
                    Ok(connected) => return Ok(connected),
                    Err(error) => {
                        last = failure(&error);
                        approach.failed();
                    }
                },
                () = self.resolver.sleep_until(until) => {}
            }
        }
    }
}

/// Waits for the answer to a name; for ever if nothing was asked, or no more.
async fn answer_to(asked: &mut Option<LookUp>) -> Option<Vec<SocketAddr>> {
    match asked {
        Some(looking) => {
            let found = looking.await.ok();
            *asked = None;
            found
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tls::{Clock, Trust, client_config},
        wire::ALPN,
    };
    use futures::FutureExt as _;
    use tokio::net::TcpListener;

    /// For one name, which resolves to these addresses.
    fn dialler(race_delay: Duration, ips: &[&str]) -> Dialler {
        let tls = client_config(Trust::Fingerprint([0; 32]), None, Clock::system(), &[ALPN]).unwrap();
        let found: Vec<_> = ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        let resolver = Resolver::asking(move |_| {
            let found = found.clone();
            async move { Ok(found) }.boxed()
        });
        let config = Config { race_delay, ..Config::default() };
        Dialler { tls, config, resolver: Arc::new(resolver) }
    }

    /// Takes connections on one address, and ends each at once: a server as far as TCP.
    async fn listen(ip: &str) -> u16 {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        port
    }

    /// The address that won, and when.
    async fn winner(dialler: &Dialler, port: u16) -> (IpAddr, Duration) {
        let mut steps = Steps::default();
        let dialled = dialler.dial_in_steps(name("portal.example"), port, Duration::from_secs(30), &mut steps).await;
        assert!(dialled.is_err(), "nobody speaks TLS there");
        (steps.address.unwrap(), steps.tcp.expect("a connection"))
    }

    #[tokio::test]
    async fn one_address_family_is_enough() {
        let race_delay = Config::default().race_delay;
        assert_eq!(race_delay, Duration::from_millis(250));
        for (up, dead) in [("127.0.0.1", "::1"), ("::1", "127.0.0.1")] {
            let port = listen(up).await;
            let (address, _) = winner(&dialler(race_delay, &[up, dead]), port).await;
            assert_eq!(address.to_string(), up);
            let (address, took) = winner(&dialler(race_delay, &[dead, up]), port).await;
            assert_eq!(address.to_string(), up);
            assert!(took >= race_delay, "the second address was dialled after {took:?}");
        }
    }

    #[tokio::test]
    async fn a_slow_name_holds_up_neither_an_address_nor_another_name() {
        let port = listen("127.0.0.1").await;
        let dialler = slow_dialler(Duration::from_secs(60));
        let slow = tokio::spawn({
            let dialler = dialler.clone();
            async move { dialler.dial(name("slow.example"), port, Duration::from_secs(60)).await.map(|_| ()) }
        });
        tokio::task::yield_now().await;
        for address in [Address::Ip("127.0.0.1".parse().unwrap()), name("quick.example")] {
            let mut steps = Steps::default();
            let dialled = dialler.dial_in_steps(address, port, Duration::from_secs(20), &mut steps).await;
            assert!(dialled.is_err() && steps.tcp.is_some());
        }
        assert!(!slow.is_finished());
        slow.abort();
        let hurried = slow_dialler(Duration::from_millis(10));
        let dialled = hurried.dial(name("slow.example"), port, Duration::from_secs(60)).await;
        assert_eq!(dialled.err().map(|(kind, _)| kind), Some(FailureKind::NameNotFound));
    }

    /// One name is never answered, the others at once.
    fn slow_dialler(name_limit: Duration) -> Dialler {
        let quick = dialler(Duration::ZERO, &[]);
        let resolver = Resolver::asking(|name| {
            async move {
                if name == "slow.example" {
                    std::future::pending::<()>().await;
                }
                Ok(vec!["127.0.0.1:0".parse().unwrap()])
            }
            .boxed()
        });
        Dialler { config: Config { name_limit, ..Config::default() }, resolver: Arc::new(resolver), ..quick }
    }

    fn name(text: &str) -> Address {
        Address::Name(text.to_owned())
    }

    #[tokio::test]
    async fn the_first_address_has_a_head_start() {
        let port = listen("127.0.0.2").await;
        let same_port = TcpListener::bind(("127.0.0.3", port)).await.unwrap();
        let dialler = dialler(Duration::from_secs(20), &["127.0.0.2", "127.0.0.3"]);
        let (address, took) = winner(&dialler, port).await;
        assert_eq!(address.to_string(), "127.0.0.2");
        assert!(took < Duration::from_secs(20));
        assert!(same_port.accept().now_or_never().is_none(), "both were dialled");
    }
}
