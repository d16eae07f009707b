//! The rota against a plain list of the attempts that are still to come.

use super::*;
use crate::device::chance::Chance;
use crate::device::rota::{Next, Rota, Start};
use proptest::prelude::*;

const LISTED: usize = 3;
/// Listed ones, then the reserve, then one that is neither.
const SERVERS: usize = 6;

#[derive(Clone, Copy, Debug)]
enum Beginning {
    Fresh { with_reserve: bool },
    Lost(usize),
    Left(usize),
    Preferring(usize),
    Moving(usize),
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Begin(Beginning),
    Fail(usize, FailureKind),
    Busy(usize, u64),
    Registered(usize),
    Penalise(usize),
    Pass(u64),
}

/// What the document says, without any thought for speed.
#[derive(Default)]
struct Plain {
    /// Of each server, the attempts that are left, with their limits.
    left: [Vec<Duration>; SERVERS],
    /// Whose turn it is before the list's, and after it.
    first: Option<usize>,
    last: Option<usize>,
    penalty_until: [Duration; SERVERS],
    busy: [u32; SERVERS],
    alone_until: [Duration; SERVERS],
}

impl Plain {
    fn begin(&mut self, beginning: Beginning) {
        let reserve = matches!(beginning, Beginning::Fresh { with_reserve: true });
        self.left = Default::default();
        let included = if reserve { SERVERS - 1 } else { LISTED };
        self.left[..included].fill(vec![secs(10); 2]);
        (self.first, self.last) = (None, None);
        match beginning {
            Beginning::Lost(server) if is_known(server) => self.put_first(server, vec![secs(5)]),
            Beginning::Preferring(server) if is_known(server) => self.put_first(server, vec![secs(10); 2]),
            Beginning::Moving(server) if is_known(server) => {
                self.put_first(server, vec![secs(10)]);
                (self.penalty_until[server], self.alone_until[server]) = (secs(0), secs(0));
            }
            Beginning::Left(server) if is_known(server) => {
                self.left[server] = vec![secs(10)];
                self.last = Some(server);
            }
            Beginning::Fresh { .. }
            | Beginning::Lost(_)
            | Beginning::Left(_)
            | Beginning::Preferring(_)
            | Beginning::Moving(_) => {}
        }
    }

    fn put_first(&mut self, server: usize, attempts: Vec<Duration>) {
        self.left[server] = attempts;
        self.first = Some(server);
    }

    /// Everybody in the order of the document, whether anything is left of them or not.
    fn order(&self, now: Duration) -> Vec<usize> {
        let penalised = |server: &usize| now < self.penalty_until[*server];
        let is_late = |server: &usize| penalised(server) || self.last == Some(*server);
        let listed = || (0..LISTED).filter(|server| self.first != Some(*server));
        let first = self.first.filter(|server| !penalised(server));
        let early = listed().filter(|server| !is_late(server));
        // Refused, it has lost its advantage, but not its place.
        let late = (0..SERVERS).filter(|server| match self.first {
            Some(first) if first == *server => penalised(server),
            _ => *server < LISTED && is_late(server),
        });
        let reserve = (LISTED..SERVERS).filter(|server| self.first != Some(*server));
        first.into_iter().chain(early).chain(late).chain(reserve).collect()
    }

    fn next(&self, now: Duration) -> Next {
        let mut soonest: Option<Duration> = None;
        for server in self.order(now) {
            let Some(limit) = self.left[server].first() else { continue };
            let until = self.alone_until[server];
            if until <= now {
                return Next::Dial(entry(server), *limit);
            }
            if self.busy[server] > 0 {
                return Next::Wait(until);
            }
            soonest = Some(soonest.map_or(until, |soonest| soonest.min(until)));
        }
        soonest.map_or(Next::Over, Next::Wait)
    }

    fn fail(&mut self, server: usize, kind: FailureKind, now: Duration) -> bool {
        self.left[server].pop();
        self.busy[server] = 0;
        if matches!(kind, FailureKind::Tls | FailureKind::ForeignInstallation | FailureKind::NotAdmitted) {
            self.penalty_until[server] = now + secs(300);
        }
        self.left[server].is_empty()
    }

    fn busy(&mut self, server: usize, seconds: u64, now: Duration) -> bool {
        self.alone_until[server] = now + secs(seconds.min(60));
        self.busy[server] += 1;
        if self.busy[server] == 3 {
            self.busy[server] = 0;
            self.left[server].clear();
        }
        self.left[server].is_empty()
    }
}

fn is_known(server: usize) -> bool {
    server < SERVERS - 1
}

fn entry(server: usize) -> ServerEntry {
    entries(&[u16::try_from(server).unwrap()]).as_slice()[0].clone()
}

fn beginnings() -> impl Strategy<Value = Beginning> {
    prop_oneof![
        any::<bool>().prop_map(|with_reserve| Beginning::Fresh { with_reserve }),
        (0..SERVERS).prop_map(Beginning::Lost),
        (0..SERVERS).prop_map(Beginning::Left),
        (0..SERVERS).prop_map(Beginning::Preferring),
        (0..SERVERS).prop_map(Beginning::Moving),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    let kinds = [FailureKind::Refused, FailureKind::TimedOut, FailureKind::NotAdmitted, FailureKind::Tls];
    let kinds = proptest::sample::select(kinds.to_vec());
    prop_oneof![
        1 => beginnings().prop_map(Act::Begin),
        4 => (0..SERVERS, kinds).prop_map(|(server, kind)| Act::Fail(server, kind)),
        3 => (0..SERVERS, 0..100_u64).prop_map(|(server, seconds)| Act::Busy(server, seconds)),
        1 => (0..SERVERS).prop_map(Act::Registered),
        1 => (0..SERVERS).prop_map(Act::Penalise),
        3 => (0..200_u64).prop_map(Act::Pass),
    ]
}

fn begin(rota: &mut Rota, beginning: Beginning, config: &Config) {
    match beginning {
        Beginning::Fresh { with_reserve } => rota.begin(Start::Fresh { with_reserve }, config),
        Beginning::Lost(server) => rota.begin(Start::Lost(&entry(server)), config),
        Beginning::Left(server) => rota.begin(Start::Left(&entry(server)), config),
        Beginning::Preferring(server) => rota.begin(Start::Preferring(&entry(server)), config),
        Beginning::Moving(server) => rota.begin(Start::Moving(&entry(server)), config),
    }
}

fn rota() -> Rota {
    let known: Vec<_> = (0..SERVERS - 1).map(entry).collect();
    Rota::new(&known[..LISTED], known[LISTED..].to_vec())
}

proptest! {
    #[test]
    fn a_rota_does_what_a_plain_list_does(acts in proptest::collection::vec(acts(), 1..80)) {
        let (config, mut rota, mut plain, mut now) = (Config::default(), rota(), Plain::default(), secs(1000));
        for act in acts {
            match act {
                Act::Begin(beginning) => {
                    begin(&mut rota, beginning, &config);
                    plain.begin(beginning);
                }
                Act::Fail(server, kind) => {
                    let over = rota.failed(&entry(server), kind, now, &config);
                    prop_assert_eq!(over, plain.fail(server, kind, now));
                }
                Act::Busy(server, seconds) => {
                    let over = rota.busy(&entry(server), secs(seconds), now, &config);
                    prop_assert_eq!(over, plain.busy(server, seconds, now));
                }
                Act::Registered(server) => {
                    rota.registered(&entry(server));
                    (plain.busy[server], plain.penalty_until[server]) = (0, secs(0));
                }
                Act::Penalise(server) => {
                    rota.penalise(&entry(server), now, &config);
                    plain.penalty_until[server] = now + secs(300);
                }
                Act::Pass(seconds) => now += secs(seconds),
            }
            prop_assert_eq!(rota.next(now), plain.next(now), "after {:?}", act);
        }
    }

    #[test]
    fn a_pass_without_success_ends(beginning in beginnings()) {
        let (config, mut rota, mut dialled) = (Config::default(), rota(), [0; SERVERS]);
        begin(&mut rota, beginning, &config);
        while let Next::Dial(entry, _) = rota.next(secs(1000)) {
            dialled[usize::from(entry.port) - 50_000] += 1;
            rota.failed(&entry, FailureKind::Refused, secs(1000), &config);
        }
        prop_assert_eq!(rota.next(secs(1000)), Next::Over);
        prop_assert!(dialled.iter().all(|attempts| *attempts <= 2), "{:?}", dialled);
        prop_assert!(dialled[..LISTED].iter().all(|attempts| *attempts >= 1), "{:?}", dialled);
    }

    #[test]
    fn waits_double_up_to_their_limit(seed: u64) {
        let (config, mut rota, mut chance) = (Config::default(), rota(), Chance::new(seed));
        for whole in [2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = rota.back_off(&mut chance, &config);
            prop_assert!(wait >= secs(whole) / 2 && wait <= secs(whole), "{:?} of {} s", wait, whole);
        }
    }
}
