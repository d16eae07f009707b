//! The way to a server: from what its entry says to the first of its addresses that answers.
//!
//! Whoever drives an [`Approach`] does what [`step`](Approach::step) says, tells it what came of that, and asks again.

use super::Config;
use crate::wire::Address;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The most names of which a device remembers the addresses while it is off: more than any two lists have.
const REMEMBERED_MAX: usize = 16;

/// What names came to last, without the time.
pub(crate) type Remembered = BTreeMap<String, Vec<IpAddr>>;

/// The last good answer for each name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    answers: BTreeMap<String, (Duration, Vec<SocketAddr>)>,
    /// Some are others than when they were last written down.
    news: bool,
}

impl Names {
    /// Of a device that was off: nobody knows for how long, so what it remembered serves as if it were new.
    pub(crate) fn recalled(remembered: Remembered, now: Duration) -> Self {
        let at = |ip| SocketAddr::new(ip, 0);
        let answer = |(name, ips): (String, Vec<IpAddr>)| (name, (now, ips.into_iter().map(at).collect()));
        Self { answers: remembered.into_iter().map(answer).collect(), news: false }
    }

    /// What serves for a name, after this answer to a question for it: a good answer takes the place of the one before,
    /// which stands in for any other.
    pub(crate) fn learn(
        &mut self,
        name: &str,
        answer: Option<Vec<SocketAddr>>,
        now: Duration,
        config: &Config,
    ) -> Option<Vec<SocketAddr>> {
        let name = name.to_ascii_lowercase();
        if let Some(found) = answer.filter(|found| !found.is_empty()) {
            let ips = |found: &[SocketAddr]| found.iter().map(SocketAddr::ip).collect::<BTreeSet<_>>();
            let before = self.answers.insert(name, (now, found.clone()));
            // Name servers like to change the order.
            self.news |= before.is_none_or(|(_, before)| ips(&before) != ips(&found));
            return Some(found);
        }
        let (since, found) = self.answers.get(&name)?;
        (now.saturating_sub(*since) <= config.name_memory).then(|| found.clone())
    }

    /// What a device that is switched off has to remember: the names that were answered last.
    pub(crate) fn remembered(&self) -> Remembered {
        let mut latest: Vec<_> = self.answers.iter().collect();
        latest.sort_by_key(|(_, (since, _))| Reverse(*since));
        let ips = |found: &[SocketAddr]| found.iter().map(SocketAddr::ip).collect();
        latest.into_iter().take(REMEMBERED_MAX).map(|(name, (_, found))| (name.clone(), ips(found))).collect()
    }

    /// The same, if it has changed since the last time.
    pub(crate) fn take_news(&mut self) -> Option<Remembered> {
        std::mem::take(&mut self.news).then(|| self.remembered())
    }
}

/// What is to be done on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask for this name's addresses, whatever their ports, and say [`Approach::resolved`].
    Resolve(String),
    /// Begin a connection, beside those under way. If it fails, say [`Approach::failed`]; the first that stands is the
    /// one, and the others are given up.
    Connect(SocketAddr),
    /// Nothing before that time, if one is named, unless something comes of what was begun.
    Wait(Option<Duration>),
    /// The name has no address.
    NoAddress,
    /// Every address has failed.
    Failed,
}

/// One attempt's way to one server.
#[derive(Debug)]
pub(crate) struct Approach {
    port: u16,
    config: Config,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Until then an answer is waited for.
    Asking {
        name: String,
        asked: bool,
        until: Duration,
        answer: Option<Vec<SocketAddr>>,
    },
    /// Addresses that have not been dialled; from when on the next is; and how many connections are under way.
    Racing {
        waiting: VecDeque<SocketAddr>,
        next_at: Duration,
        open: usize,
    },
    Lost,
}

impl Approach {
    pub(crate) fn new(address: &Address, port: u16, now: Duration, config: &Config) -> Self {
        let stage = match address {
            Address::Ip(ip) => Stage::race(vec![SocketAddr::new(*ip, port)], port, now),
            Address::Name(name) => Stage::Asking {
                name: name.to_ascii_lowercase(),
                asked: false,
                until: now + config.name_limit,
                answer: None,
            },
        };
        Self { port, config: config.clone(), stage }
    }

    /// The next thing to do.
    pub(crate) fn step(&mut self, names: &mut Names, now: Duration) -> Step {
        if let Stage::Asking { name, asked, until, answer } = &mut self.stage {
            if !std::mem::replace(asked, true) {
                return Step::Resolve(name.clone());
            }
            if now < *until {
                return Step::Wait(Some(*until));
            }
            let found = names.learn(name, answer.take(), now, &self.config);
            self.stage = found.map_or(Stage::Lost, |found| Stage::race(found, self.port, now));
        }
        match &mut self.stage {
            Stage::Racing { waiting, next_at, open } => {
                if now >= *next_at
                    && let Some(next) = waiting.pop_front()
                {
                    *next_at += self.config.race_delay;
                    *open += 1;
                    return Step::Connect(next);
                }
                match (waiting.is_empty(), *open) {
                    (true, 0) => Step::Failed,
                    (true, _) => Step::Wait(None),
                    (false, _) => Step::Wait(Some(*next_at)),
                }
            }
            Stage::Asking { .. } | Stage::Lost => Step::NoAddress,
        }
    }

    /// The answer for the name; `None` if there is none.
    pub(crate) fn resolved(&mut self, found: Option<Vec<SocketAddr>>) {
        if let Stage::Asking { until, answer, .. } = &mut self.stage {
            (*until, *answer) = (Duration::ZERO, found);
        }
    }

    /// One of the connections could not be made.
    pub(crate) fn failed(&mut self) {
        if let Stage::Racing { open, .. } = &mut self.stage {
            *open = open.saturating_sub(1);
        }
    }
}

impl Stage {
    /// Each address gets a head start over the next.
    fn race(found: Vec<SocketAddr>, port: u16, now: Duration) -> Self {
        let mut waiting = VecDeque::new();
        for mut address in found {
            address.set_port(port);
            if !waiting.contains(&address) {
                waiting.push_back(address);
            }
        }
        Self::Racing { waiting, next_at: now, open: 0 }
    }
}
