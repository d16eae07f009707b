//! Whatever name servers say, a device that loses its server is on the best one left in time.

use super::super::scenarios::until_on;
use super::*;

const SEEDS: u64 = 2000;
const SERVERS: usize = 3;
/// Two attempts that connect to nobody, and the pauses after them.
const TRIED_IN_VAIN: Duration = Duration::from_secs(12);
/// From a standby to the active server: probes of all servers, and the move.
const RECOVERED_WITHIN: Duration = Duration::from_secs(10);

/// Of the servers after the first: the best that is found, and how many come before it.
fn best_left(network: &Network) -> Option<(usize, u32)> {
    let found = |server: &usize| network.zone.is_found(*server);
    (1..SERVERS).zip(0..).find(|(server, _)| found(server))
}

/// Devices that have been on the first server for a while lose it, as the names become what they like.
pub(in crate::simulation) fn survive(seed: u64, flaw: Option<Flaw>) {
    let named: Vec<_> = (0..SERVERS).filter(|server| (seed % 7 + 1) >> server & 1 == 1).collect();
    let mut network = Network::with_names(seed, 2, SERVERS, &Config::default(), &named);
    network.set_flaw(flaw);
    until_on(&mut network, 0, secs(3));
    network.run(secs(70));
    while network.rng.random_bool(0.8) || best_left(&network).is_none() {
        network.zone.upset(&mut network.rng);
    }
    let (mut goal, before) = best_left(&network).unwrap();
    let mut limit = TRIED_IN_VAIN * before;
    if network.rng.random() {
        network.kill(0);
        limit += secs(13);
    } else {
        let way = if network.rng.random() { Way::Up } else { Way::Down };
        (0..2).for_each(|unit| network.cut(unit, 0, way));
        limit += secs(52);
    }
    if network.rng.random_bool(0.3) {
        (0..2).for_each(|unit| network.restart(unit));
    }
    if network.rng.random() && network.zone.is_found(2) {
        network.becomes(2, Role::Active, 2);
        limit += if goal == 2 { secs(0) } else { RECOVERED_WITHIN };
        goal = 2;
    }
    until_on(&mut network, goal, limit);
}

#[test]
fn the_best_server_that_names_lead_to_is_found_in_time() {
    for_each_seed("names", SEEDS, |seed| survive(seed, None));
}

#[test]
fn a_long_connected_device_fails_over_while_no_name_resolves() {
    let mut network = Network::with_names(1, 2, SERVERS, &Config::default(), &[0, 1, 2]);
    until_on(&mut network, 0, secs(3));
    network.run(secs(3 * 24 * 3600));
    network.zone.words.extend((0..SERVERS).map(|server| (server, Word::Error)));
    network.run(secs(20 * 3600));
    network.kill(0);
    until_on(&mut network, 1, secs(13));
}
