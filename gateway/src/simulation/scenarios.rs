//! What must hold whatever happens, and what must be true again soon after peace.

use super::database::Told;
use super::flaw::Flaw;
use super::link::Way;
use super::network::Network;
use super::pushes::Pushes;
use super::standing::Standing;
use super::trace::{TWICE, Trace};
use super::*;
use crate::wire::ListHash;
use rand::Rng as _;

const SEEDS: u64 = 2000;
const FAULTS: usize = 60;
const UNITS: usize = 2;

/// Until everybody is on that server; how long it took.
pub(super) fn until_on(network: &mut Network, server: usize, limit: Duration) -> Duration {
    let (start, end) = (network.now, network.now + limit);
    while network.units.iter().any(|unit| unit.server() != Some(server)) {
        let at: Vec<_> = network.units.iter().map(super::unit::Unit::server).collect();
        assert!(network.step(end), "not all on server {server} within {limit:?}: {at:?}");
    }
    network.now - start
}

fn settled(seed: u64, servers: usize) -> Network {
    let mut network = Network::new(seed, 3, servers, &Config::default());
    until_on(&mut network, 0, secs(3));
    network.run(secs(70));
    network
}

#[test]
fn a_killed_server_is_left_within_13_s_and_a_silent_one_in_52_s() {
    for seed in 0..100 {
        let mut network = settled(seed, 3);
        network.kill(0);
        assert!(until_on(&mut network, 1, secs(13)) > secs(0));
        let mut network = settled(seed, 3);
        for unit in 0..3 {
            network.cut(unit, 0, if seed % 2 == 0 { Way::Up } else { Way::Down });
        }
        until_on(&mut network, 1, secs(52));
    }
}

#[test]
fn the_highest_active_server_is_found_behind_a_standby() {
    for seed in 0..100 {
        let mut network = settled(seed, 3);
        network.kill(0);
        network.becomes(2, Role::Active, 2);
        until_on(&mut network, 2, secs(14));
    }
}

/// One thing goes wrong, or changes.
fn fault(network: &mut Network, number: &mut u64) {
    let (servers, units) = (network.servers.len(), network.units.len());
    let (server, unit) = (network.rng.random_range(0..servers), network.rng.random_range(0..units));
    match network.rng.random_range(0..29) {
        0..4 => {
            let way = if network.rng.random() { Way::Up } else { Way::Down };
            network.cut(unit, server, way);
        }
        4 => (0..units).for_each(|unit| {
            network.cut(unit, server, Way::Up);
            network.cut(unit, server, Way::Down);
        }),
        5 | 6 => network.heal(),
        7 | 8 => network.kill(server),
        9 | 10 => (0..servers).for_each(|server| network.start(server)),
        11 => restart(network, unit),
        12 => promote(network, server),
        13..22 => befall_events(network, server, unit),
        22..25 => network.zone.upset(&mut network.rng),
        _ => want_another_list(network, unit, number),
    }
}

/// Somebody edits a device's list; some entries of the new one name servers that do not exist.
fn want_another_list(network: &mut Network, unit: usize, number: &mut u64) {
    let servers = network.servers.len();
    *number += 1;
    let mut list: Vec<usize> = (0..servers + 1).filter(|_| network.rng.random_bool(0.6)).collect();
    list.push(servers + 1);
    let epoch = network.servers.iter().map(|server| server.epoch).max().unwrap();
    let wanted = ServerList::new(epoch, *number, None, network.zone.entries(&list));
    network.database.row(id_of(unit)).wanted = Some(wanted);
    (0..servers).for_each(|server| network.wake(server));
}

#[test]
fn scenarios_push_lists_that_are_kept_or_given_up() {
    let mut told = Told::default();
    for seed in 0..40 {
        let mut network = Network::new(seed, UNITS, 3, &Config::default());
        trouble(&mut network, &mut 1);
        let of = network.database.told;
        told =
            Told { staged: told.staged + of.staged, kept: told.kept + of.kept, given_up: told.given_up + of.given_up };
    }
    assert!(told.staged >= 100 && told.kept >= 50 && told.given_up >= 20, "{told:?}");
}

/// Power off and on; some never hear what becomes of their first words.
fn restart(network: &mut Network, unit: usize) {
    network.restart(unit);
    if network.rng.random() {
        let pause = network.rng.random_range(0..120);
        network.run(Duration::from_millis(pause));
        if let Activity::Dialling(entry) = network.units[unit].device.activity() {
            network.cut(unit, server_of(entry.port), Way::Up);
        }
    }
}

/// The same for what is logged, and for what the servers hold of it.
fn befall_events(network: &mut Network, server: usize, unit: usize) {
    match network.rng.random_range(0..9) {
        0..4 => {
            let count = if network.rng.random_bool(0.1) { 260 } else { 30 };
            let count = network.rng.random_range(1..count);
            network.log(unit, count);
        }
        4 => network.keep_copy(server),
        5 | 6 => {
            if network.rng.random() {
                network.kill(server);
            }
            network.go_on_from_copy(server);
        }
        7 => network.commit_ms = network.rng.random_range(1..8000),
        _ => network.units[unit].save(),
    }
}

fn promote(network: &mut Network, server: usize) {
    let epoch = network.servers.iter().map(|server| server.epoch).max().unwrap() + 1;
    for other in 0..network.servers.len() {
        network.becomes(other, if other == server { Role::Active } else { Role::Standby }, epoch);
    }
}

/// What may never be.
fn check(network: &Network, sequences: &mut [u64]) {
    for (unit, sequence) in sequences.iter_mut().enumerate() {
        let stored = network.units[unit].device.stored();
        assert!(stored.connection_sequence >= *sequence, "a device's sequence went back");
        *sequence = stored.connection_sequence;
        let trial = network.units[unit].device.trial();
        let on_disk = network.units[unit].disk.lists.trial.as_ref().map(|mark| mark.version);
        assert_eq!(trial, on_disk, "a trial that is not on disk, or a forgotten one");
    }
    for server in 0..network.servers.len() {
        for unit in 0..sequences.len() {
            let newest = network.newest.get(&(server, unit)).copied();
            assert_eq!(network.registered(server, unit), newest, "the newest session is not the one that is known");
        }
    }
}

fn live(seed: u64) {
    live_with(seed, None);
}

pub(super) fn live_with(seed: u64, flaw: Option<Flaw>) {
    let servers = 2 + usize::try_from(seed % 2).unwrap();
    // In every other scenario lists name some servers.
    let named: Vec<_> = (0..servers).filter(|server| seed & 4 > 0 && (seed >> 3 | 1) >> server & 1 == 1).collect();
    let mut network = Network::with_names(seed, UNITS, servers, &Config::default(), &named);
    network.set_flaw(flaw);
    if seed % 4 > 1 {
        network.units.iter_mut().for_each(|unit| unit.ring.capacity = 60);
    }
    let mut number = 1;
    trouble(&mut network, &mut number);
    if network.rng.random() {
        end_trouble(&mut network);
        (0..UNITS).for_each(|unit| network.reset_ring(unit));
        trouble(&mut network, &mut number);
    }
    end_trouble(&mut network);
    // A trial may still have to end; then the longest wait between two passes, and two attempts on each entry.
    network.run(secs(400));
    for unit in 0..UNITS {
        peace(&mut network, unit);
        network.check_all_told(unit);
    }
    network.check_records();
}

/// Things go wrong, one after the other.
fn trouble(network: &mut Network, number: &mut u64) {
    let (mut sequences, mut standing) = (vec![0; UNITS], Standing::new(UNITS));
    let mut pushes = Pushes::new(network);
    for _ in 0..FAULTS {
        let pause = [3, 30, 120, 400][network.rng.random_range(0..4)];
        let end = network.now + Duration::from_millis(network.rng.random_range(0..pause * 1000));
        while network.step(end) {
            check(network, &mut sequences);
            standing.check(network);
            pushes.check(network);
        }
        network.now = end;
        fault(network, number);
        check(network, &mut sequences);
        standing.check(network);
        pushes.check(network);
    }
    network.check_records();
}

fn end_trouble(network: &mut Network) {
    network.heal();
    network.zone.set_right();
    network.commit_ms = 30;
    (0..network.servers.len()).for_each(|server| network.start(server));
    promote(network, 0);
}

/// Every device is on the active server, shown there, and has what was wanted or has said why not.
fn peace(network: &mut Network, unit: usize) {
    let end = network.now + secs(300);
    while network.units[unit].server().is_none() {
        assert!(network.step(end), "device {unit} found no server");
    }
    network.run(secs(600));
    let server = network.units[unit].server().expect("it stays");
    let listed =
        network.units[unit].disk.lists.committed.entries().iter().any(|entry| i64::from(entry.port) == port_of(0));
    if listed {
        assert_eq!(server, 0, "device {unit} is not on the active server");
    }
    let shown = network.database.shown(id_of(unit)).map(|shown| (shown.server, shown.entry.clone()));
    assert_eq!(shown, network.units[unit].entry().map(|entry| (server, entry)), "the record and the device differ");
    let committed: ListHash = network.units[unit].disk.lists.committed.version().hash;
    let row = network.database.row(id_of(unit));
    assert_eq!(row.committed, Some(committed));
    if listed && let Some(wanted) = &row.wanted {
        let hash = wanted.version().hash;
        assert!(hash == committed || row.given_up.contains(&hash), "device {unit} neither has the list nor said why");
    }
}

#[test]
fn nothing_that_a_network_does_strands_a_device() {
    for_each_seed("the network", SEEDS, live);
}

#[test]
fn one_seed_is_one_scenario() {
    let scenario = |seed| {
        let mut network = Network::new(seed, 2, 3, &Config::default());
        network.trace = Trace::kept();
        let mut number = 1;
        for _ in 0..30 {
            network.run(secs(40));
            fault(&mut network, &mut number);
        }
        (network.trace.told(), network.units[1].disk.clone())
    };
    for seed in 0..TWICE {
        let told = scenario(seed);
        assert!(told.0.1 > 1000, "seed {seed}: {} events", told.0.1);
        assert!(told == scenario(seed), "seed {seed}");
    }
}
