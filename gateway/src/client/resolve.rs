//! Names to addresses, anew at each attempt; the last good answer serves while names do not resolve.

use crate::{device::Config, wire::Address};
use std::{collections::HashMap, net::SocketAddr, time::Duration};
use tokio::time::{Instant, timeout};

/// Remembers the last good answer for each name.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    answers: HashMap<String, (Instant, Vec<SocketAddr>)>,
}

impl Resolver {
    /// The socket addresses of a server, in the order the system gave; `None` if the name is not known.
    pub(super) async fn resolve(&mut self, address: &Address, port: u16, config: &Config) -> Option<Vec<SocketAddr>> {
        match address {
            Address::Ip(ip) => Some(vec![SocketAddr::new(*ip, port)]),
            Address::Name(name) => self.look_up(name, port, config).await,
        }
    }

    async fn look_up(&mut self, name: &str, port: u16, config: &Config) -> Option<Vec<SocketAddr>> {
        match fresh_answer(name, port, config.name_limit).await {
            Some(found) => {
                self.answers.insert(name.to_ascii_lowercase(), (Instant::now(), found.clone()));
                Some(found)
            }
            None => self.remembered(name, port, config.name_memory),
        }
    }

    fn remembered(&self, name: &str, port: u16, memory: Duration) -> Option<Vec<SocketAddr>> {
        let (since, found) = self.answers.get(&name.to_ascii_lowercase())?;
        (since.elapsed() <= memory).then(|| found.iter().map(|known| SocketAddr::new(known.ip(), port)).collect())
    }
}

async fn fresh_answer(name: &str, port: u16, limit: Duration) -> Option<Vec<SocketAddr>> {
    let answer = timeout(limit, tokio::net::lookup_host((name, port))).await.ok()?.ok()?;
    let mut found: Vec<SocketAddr> = Vec::new();
    for address in answer {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_good_answer_serves_while_a_name_does_not_resolve() {
        let mut resolver = Resolver::default();
        let known = SocketAddr::from(([127, 0, 0, 9], 1));
        resolver.answers.insert("gone.invalid".to_owned(), (Instant::now(), vec![known]));
        let name = Address::Name("Gone.invalid".to_owned());
        let config = Config::default();
        let found = resolver.resolve(&name, 51213, &config).await;
        assert_eq!(found, Some(vec![SocketAddr::from(([127, 0, 0, 9], 51213))]));

        let forgetful = Config { name_memory: Duration::ZERO, ..config };
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(resolver.resolve(&name, 51213, &forgetful).await, None);
    }
}
