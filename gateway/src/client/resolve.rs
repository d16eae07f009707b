//! Asking for names, and what is remembered of the answers.

use crate::device::{Approach, Config, Names, Remembered, Step};
use crate::wire::Address;
use futures::{FutureExt as _, future::BoxFuture};
use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::lookup_host,
    time::{Instant, timeout},
};

/// What a question for a name's addresses comes to, whatever their ports.
pub(super) type LookUp = BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Asks, and remembers for all attempts of one device.
pub(super) struct Resolver {
    ask: Box<dyn Fn(String) -> LookUp + Send + Sync>,
    /// Never locked while somebody is asked: one slow name holds up no other.
    names: Mutex<Names>,
    begun: Instant,
}

impl Resolver {
    /// One that asks the system, and remembers what names came to before.
    pub(super) fn new(remembered: Remembered) -> Self {
        let resolver = Self::asking(|name| async move { Ok(lookup_host((name, 0)).await?.collect()) }.boxed());
        *resolver.names() = Names::recalled(remembered, Duration::ZERO);
        resolver
    }

    /// What is to be remembered, if it has changed since the last time.
    pub(super) fn take_news(&self) -> Option<Remembered> {
        self.names().take_news()
    }

    /// One that asks somebody else.
    pub(super) fn asking(ask: impl Fn(String) -> LookUp + Send + Sync + 'static) -> Self {
        Self { ask: Box::new(ask), names: Mutex::default(), begun: Instant::now() }
    }

    /// Asks, and remembers the answer.
    pub(super) async fn learn(&self, name: String, config: &Config) {
        let answer = timeout(config.name_limit, self.look_up(name.clone())).await;
        let found = answer.ok().and_then(Result::ok);
        self.names().learn(&name, found, self.begun.elapsed(), config);
    }

    pub(super) fn look_up(&self, name: String) -> LookUp {
        (self.ask)(name)
    }

    /// The way to a server begins.
    pub(super) fn approach(&self, address: &Address, port: u16, config: &Config) -> Approach {
        Approach::new(address, port, self.begun.elapsed(), config)
    }

    /// The next thing to do on it.
    pub(super) fn step(&self, approach: &mut Approach) -> Step {
        approach.step(&mut self.names(), self.begun.elapsed())
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until a time that [`step`](Self::step) named.
    pub(super) async fn sleep_until(&self, time: Option<Duration>) {
        match time {
            Some(time) => tokio::time::sleep_until(self.begun + time).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[tokio::test]
    async fn learned_addresses_serve_when_the_name_does_not_resolve() {
        static FAILS: AtomicBool = AtomicBool::new(false);
        let found = SocketAddr::new(IpAddr::from([192, 0, 2, 1]), 0);
        let resolver = Resolver::asking(move |_| {
            let answer =
                if FAILS.load(Ordering::Relaxed) { Err(io::ErrorKind::NotFound.into()) } else { Ok(vec![found]) };
            async move { answer }.boxed()
        });
        let (name, config) = (Address::Name("portal.example".to_owned()), Config::default());
        resolver.learn("Portal.Example".to_owned(), &config).await;
        FAILS.store(true, Ordering::Relaxed);
        resolver.learn("portal.example".to_owned(), &config).await;
        let mut approach = resolver.approach(&name, 51_213, &config);
        assert!(matches!(resolver.step(&mut approach), Step::Resolve(_)));
        approach.resolved(resolver.look_up("portal.example".to_owned()).await.ok());
        assert_eq!(resolver.step(&mut approach), Step::Connect(SocketAddr::new(found.ip(), 51_213)));
    }
}
