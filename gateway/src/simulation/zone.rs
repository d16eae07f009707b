//! The names of an installation: where each server is, what the name servers say of it, and who is on a way there.

use super::link::Link;
use super::*;
use crate::device::Approach;
use rand::Rng as _;
use rand::rngs::SmallRng;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the name servers say of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Where it is.
    True,
    /// The same, after a while.
    Late,
    /// Where it was before it last moved.
    Stale,
    /// Where it was, then where it is.
    Mixed,
    /// That it has no address.
    Empty,
    /// That they do not know.
    Error,
    /// Nothing.
    Silence,
}

/// The names of an installation, and what is behind them.
#[derive(Debug, Default)]
pub(super) struct Zone {
    /// Servers that lists name; the others have one address for ever.
    named: BTreeSet<usize>,
    /// How often each server has moved.
    moves: BTreeMap<usize, u16>,
    pub(super) words: BTreeMap<usize, Word>,
    /// IPv6, or IPv4, leads nowhere.
    dead: Option<bool>,
    ipv6_first: bool,
    /// Where nobody is, somebody says so.
    pub(super) resets: bool,
    pub(super) ways: BTreeMap<(usize, AttemptId), Passage>,
    /// For a device that asks only once: what each name came to since it was started.
    pub(super) first: BTreeMap<(usize, u64, String), Vec<SocketAddr>>,
}

/// A device on its way to a server.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) approach: Approach,
    pub(super) entry: ServerEntry,
    /// Only to ask, beside a session.
    pub(super) probes: bool,
    /// Connections that are being made.
    pub(super) links: Vec<Link>,
}

#[derive(Debug)]
pub(super) enum Stop {
    /// An answer to a device, in that start, for that attempt or none.
    Answer(usize, u64, Option<AttemptId>, String, Vec<SocketAddr>),
    /// It is time to go on.
    Due(usize, u64, AttemptId),
    /// A probe has taken too long.
    TooLong(usize, u64, AttemptId),
    /// A device asks whoever has that address for a connection.
    Knock(Link, IpAddr),
    Stands(Link),
    Fails(Link),
}

impl Zone {
    pub(super) fn new(named: &[usize]) -> Self {
        Self { named: named.iter().copied().collect(), ..Self::default() }
    }

    /// A list of these servers, in this order.
    pub(super) fn entries(&self, servers: &[usize]) -> Entries {
        let addressed = servers.iter().map(|server| match self.named.contains(server) {
            true => format!("S{server}.Example"),
            false => "192.0.2.1".to_owned(),
        });
        let addresses: Vec<_> = addressed.collect();
        let entries = servers.iter().zip(&addresses).zip(1..);
        Entries::parse(entries.map(|((server, address), priority)| (priority, address.as_str(), port_of(*server))))
            .unwrap()
    }

    fn moves(&self, server: usize) -> u16 {
        self.moves.get(&server).copied().unwrap_or(0)
    }

    pub(super) fn word(&self, server: usize) -> Word {
        self.words.get(&server).copied().unwrap_or(Word::True)
    }

    /// Whether a device that knew where everybody was before anything moved finds this server.
    pub(super) fn is_found(&self, server: usize) -> bool {
        self.moves(server) == 0 || matches!(self.word(server), Word::True | Word::Late | Word::Mixed)
    }

    /// Whether the server can be reached at this address.
    pub(super) fn leads_to(&self, server: usize, address: IpAddr) -> bool {
        self.dead != Some(address.is_ipv6()) && self.addresses(self.moves(server)).contains(&address)
    }

    fn addresses(&self, moves: u16) -> [IpAddr; 2] {
        let low = u8::try_from(moves % 250).unwrap() + 1;
        let (old, new) = (Ipv4Addr::new(198, 51, 100, low), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, low.into()));
        if self.ipv6_first { [new.into(), old.into()] } else { [old.into(), new.into()] }
    }

    pub(super) fn answer(&self, server: usize) -> Vec<SocketAddr> {
        let now = self.addresses(self.moves(server));
        let before = self.addresses(self.moves(server).saturating_sub(1));
        let found = match self.word(server) {
            Word::True | Word::Late => now.to_vec(),
            Word::Stale => before.to_vec(),
            Word::Mixed => [before, now].concat(),
            Word::Empty | Word::Error | Word::Silence => Vec::new(),
        };
        found.into_iter().map(|address| SocketAddr::new(address, 0)).collect()
    }

    /// Something about names becomes another.
    pub(super) fn upset(&mut self, rng: &mut SmallRng) {
        let named: Vec<_> = self.named.iter().copied().collect();
        let Some(server) = named.get(rng.random_range(0..named.len().max(1))).copied() else { return };
        match rng.random_range(0..10) {
            0..3 => {
                *self.moves.entry(server).or_default() += 1;
                self.words.insert(server, if rng.random() { Word::True } else { Word::Stale });
            }
            3..6 => _ = self.words.insert(server, some_word(rng)),
            6 => {
                let word = some_word(rng);
                self.words.extend(named.into_iter().map(|server| (server, word)));
            }
            7 => self.words.clear(),
            8 => self.dead = [None, Some(false), Some(true)][rng.random_range(0..3)],
            _ => (self.ipv6_first, self.resets) = (rng.random(), rng.random()),
        }
    }

    /// All that is said is true. Where a family of addresses leads nowhere, it stays like that.
    pub(super) fn set_right(&mut self) {
        self.words.clear();
    }
}

fn some_word(rng: &mut SmallRng) -> Word {
    use Word::{Empty, Error, Late, Mixed, Silence, Stale, True};
    [True, Late, Stale, Mixed, Empty, Error, Silence][rng.random_range(0..7)]
}

/// Whom a name is for.
pub(super) fn named(name: &str) -> usize {
    name.trim_start_matches('s').trim_end_matches(".example").parse().unwrap()
}
