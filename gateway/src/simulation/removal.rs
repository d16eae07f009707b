//! A server that was removed from the installation goes on as if nothing had happened: no device that was told has anything to
//! do with it any more, and each finds the others as soon as ever.

use super::network::Network;
use super::scenarios::until_on;
use super::*;
use rand::Rng as _;

const SEEDS: u64 = 300;
const FAULTS: usize = 40;

/// Devices that were told, on disk, and have met the server since.
fn met(network: &Network, removed: usize) -> Vec<usize> {
    let id = format!("server-{removed}");
    let told = |unit: &usize| network.units[*unit].disk.revoked_servers.contains(&id);
    (0..network.units.len()).filter(told).filter(|unit| network.units[*unit].server() == Some(removed)).collect()
}

/// One thing goes wrong, or is well again.
fn fault(network: &mut Network, removed: usize) {
    let (server, unit) = (network.rng.random_range(0..3), network.rng.random_range(0..network.units.len()));
    match network.rng.random_range(0..8) {
        0..3 => network.kill(server),
        3 | 4 => (0..3).for_each(|server| network.start(server)),
        5 => network.restart(unit),
        6 => network.becomes(removed, Role::Active, 9),
        _ => network.heal(),
    }
}

fn scenario(seed: u64) {
    let mut network = Network::new(seed, 3, 3, &Config::default());
    let removed = usize::try_from(seed % 3).unwrap();
    until_on(&mut network, 0, secs(3));
    network.removed.insert(removed);
    (0..3).for_each(|server| network.wake(server));
    for _ in 0..FAULTS {
        fault(&mut network, removed);
        let end = network.now + Duration::from_millis(network.rng.random_range(10..30_000));
        while network.step(end) {
            assert_eq!(met(&network, removed), [0; 0], "seed {seed}: told of server {removed}, and registered there");
        }
    }
    (0..3).for_each(|server| network.start(server));
    (0..3).filter(|server| *server != removed).for_each(|server| network.becomes(server, Role::Standby, 10));
    let best = if removed == 0 { 1 } else { 0 };
    network.becomes(best, Role::Active, 10);
    until_on(&mut network, best, secs(4000));
}

#[test]
fn a_removed_server_is_left_for_good() {
    for_each_seed("removals", SEEDS, scenario);
}
