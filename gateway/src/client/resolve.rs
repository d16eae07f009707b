//! Names to addresses, anew at each attempt; the last good answer serves while names do not resolve.

use crate::{device::Config, wire::Address};
use futures::{FutureExt as _, future::BoxFuture};
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};
use tokio::{
    net::lookup_host,
    time::{Instant, timeout},
};

/// Asks for a name's addresses, whatever their ports.
type LookUp = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

/// Remembers the last good answer for each name.
pub(super) struct Resolver {
    look_up: Box<LookUp>,
    /// Never locked while somebody is asked: one slow name holds up no other.
    answers: Mutex<HashMap<String, (Instant, Vec<SocketAddr>)>>,
}

impl Resolver {
    /// One that asks the system.
    pub(super) fn new() -> Self {
        Self::asking(|name| async move { Ok(lookup_host((name, 0)).await?.collect()) }.boxed())
    }

    /// One that asks somebody else.
    pub(super) fn asking(
        look_up: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static,
    ) -> Self {
        Self { look_up: Box::new(look_up), answers: Mutex::default() }
    }

    /// The socket addresses of a server, in the order they were told; `None` if the name is not known.
    pub(super) async fn resolve(&self, address: &Address, port: u16, config: &Config) -> Option<Vec<SocketAddr>> {
        let name = match address {
            Address::Ip(ip) => return Some(vec![SocketAddr::new(*ip, port)]),
            Address::Name(name) => name.to_ascii_lowercase(),
        };
        let answer = timeout(config.name_limit, (self.look_up)(name.clone())).await;
        let fresh = answer.ok().and_then(Result::ok).filter(|found| !found.is_empty());
        let found = self.remember(name, fresh, config)?;
        let mut addresses = Vec::new();
        for mut address in found {
            address.set_port(port);
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Some(addresses)
    }

    /// A good answer takes the place of the one before, which stands in for any other.
    fn remember(&self, name: String, fresh: Option<Vec<SocketAddr>>, config: &Config) -> Option<Vec<SocketAddr>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = fresh {
            answers.insert(name, (Instant::now(), found.clone()));
            return Some(found);
        }
        let (since, found) = answers.get(&name)?;
        (since.elapsed() <= config.name_memory).then(|| found.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::VecDeque, sync::Arc, time::Duration};

    fn addresses(ips: &[&str]) -> Vec<SocketAddr> {
        ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 51_213)).collect()
    }

    fn name(text: &str) -> Address {
        Address::Name(text.to_owned())
    }

    /// Gives these answers, one after the other; an error is none at all.
    fn scripted(answers: Vec<io::Result<Vec<SocketAddr>>>) -> Resolver {
        let answers = Mutex::new(VecDeque::from(answers));
        Resolver::asking(move |_| {
            let next = answers.lock().unwrap().pop_front().unwrap_or_else(no_answer);
            async move { next }.boxed()
        })
    }

    fn no_answer() -> io::Result<Vec<SocketAddr>> {
        Err(io::ErrorKind::NotFound.into())
    }

    #[tokio::test]
    async fn the_newest_good_answer_counts_and_serves_while_there_is_none() {
        let (first, second) = (addresses(&["192.0.2.1", "2001:db8::1", "192.0.2.1"]), addresses(&["192.0.2.7"]));
        let resolver = scripted(vec![Ok(first), Ok(Vec::new()), no_answer(), Ok(second), no_answer()]);
        let config = Config::default();
        let mut found = Vec::new();
        for spelling in ["portal.example", "Portal.Example", "PORTAL.example", "portal.example", "portal.EXAMPLE"] {
            found.push(resolver.resolve(&name(spelling), 51_213, &config).await.unwrap());
        }
        let (first, second) = (addresses(&["192.0.2.1", "2001:db8::1"]), addresses(&["192.0.2.7"]));
        assert_eq!(found, [first.clone(), first.clone(), first, second.clone(), second]);
        assert_eq!(resolver.resolve(&name("other.example"), 51_213, &config).await, None);
    }

    #[tokio::test]
    async fn a_good_answer_is_forgotten_after_its_time_and_takes_the_port_that_is_asked_for() {
        let resolver = scripted(vec![Ok(addresses(&["192.0.2.1"]))]);
        let config = Config::default();
        assert_eq!(config.name_memory, Duration::from_secs(24 * 3600));
        for port in [1, 2] {
            let found = resolver.resolve(&name("portal.example"), port, &config).await.unwrap();
            assert_eq!(found[0].port(), port);
        }
        let forgetful = Config { name_memory: Duration::ZERO, ..config };
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(resolver.resolve(&name("portal.example"), 1, &forgetful).await, None);
    }

    #[tokio::test]
    async fn a_slow_name_holds_up_neither_an_address_nor_another_name() {
        let resolver = Arc::new(Resolver::asking(|name| {
            async move {
                if name == "slow.example" {
                    std::future::pending::<()>().await;
                }
                Ok(addresses(&["192.0.2.1"]))
            }
            .boxed()
        }));
        let config = Config { name_limit: Duration::from_secs(60), ..Config::default() };
        let slow = tokio::spawn({
            let (resolver, config) = (Arc::clone(&resolver), config.clone());
            async move { resolver.resolve(&name("slow.example"), 1, &config).await }
        });
        tokio::task::yield_now().await;
        for address in [Address::Ip("192.0.2.9".parse().unwrap()), name("quick.example")] {
            let found = timeout(Duration::from_secs(20), resolver.resolve(&address, 1, &config)).await;
            assert!(found.unwrap().is_some());
        }
        assert!(!slow.is_finished());
        slow.abort();

        let hurried = Config { name_limit: Duration::from_millis(10), ..config };
        assert_eq!(resolver.resolve(&name("slow.example"), 1, &hurried).await, None);
    }
}
