//! What must hold whatever happens, and how long things take.

use super::super::for_each_seed;
use super::super::trace::{TWICE, Trace};
use super::flaw::Flaw;
use super::world::{Way, World};
use super::*;
use rand::Rng as _;

const SEEDS: u64 = 2000;
const FAULTS: usize = 30;
/// A silent server was replaced by then: 45 s until it has given up its devices, or they it, a few until they have dialled
/// the other one, 90 s with it, and two rounds of nonces.
const REPLACED_WITHIN: Duration = Duration::from_secs(45 + 10 + 90 + 5);

fn live(seed: u64) {
    live_with(seed, None);
}

pub(super) fn live_with(seed: u64, flaw: Option<Flaw>) {
    let mut world = World::new(seed, 3 + usize::try_from(seed % 7).unwrap()).with_flaw(flaw);
    world.run(secs(60));
    for _ in 0..FAULTS {
        let pause = [2, 20, 100, 250][world.rng.random_range(0..4)];
        let pause = Duration::from_millis(world.rng.random_range(0..pause * 1000));
        world.run(pause);
        world.fault();
        world.check();
    }
    world.settle();
}

#[test]
fn two_servers_never_write_at_once_and_one_does_in_the_end() {
    for_each_seed("takeovers", SEEDS, live);
}

/// The first server is active, all devices are on it, and automatic promotion is on.
fn settled(seed: u64) -> World {
    let mut world = World::new(seed, 3 + usize::try_from(seed % 7).unwrap());
    world.run(secs(90));
    assert_eq!(world.writers(), [0]);
    let stored = world.machines[1].disk.stored.clone();
    assert!(stored.newest.automatic, "the standby does not know that it may promote itself");
    world
}

fn until_replaced(world: &mut World, limit: Duration) -> Duration {
    let (start, end) = (world.now, world.now + limit);
    while !world.writers().contains(&1) {
        assert!(world.step(end), "not replaced within {limit:?}");
    }
    world.now - start
}

fn isolate(world: &mut World, machine: usize, way: Way) {
    (0..world.units.len()).for_each(|unit| _ = world.cut.insert((unit, machine, way)));
}

#[test]
fn an_active_server_that_is_dead_or_silent_is_replaced_in_time() {
    for seed in 0..100 {
        let mut world = settled(seed);
        match seed % 4 {
            0 => world.crash(0),
            1 => {
                isolate(&mut world, 0, Way::Up);
                world.silent.insert((0, 1));
            }
            2 => {
                isolate(&mut world, 0, Way::Down);
                world.silent.insert((1, 0));
            }
            _ => {
                isolate(&mut world, 0, Way::Up);
                isolate(&mut world, 0, Way::Down);
                world.silent.extend([(0, 1), (1, 0)]);
            }
        }
        let took = until_replaced(&mut world, REPLACED_WITHIN);
        assert!(took > secs(90), "replaced after {took:?}");
        assert_eq!(world.by_itself, 1);
    }
}

#[test]
fn an_active_server_that_only_the_standby_does_not_hear_goes_on() {
    for seed in 0..50 {
        let mut world = settled(seed);
        world.silent.extend([(0, 1), (1, 0)]);
        let end = world.now + secs(1000);
        while world.step(end) {
            assert_eq!(world.writers(), [0]);
        }
        assert_eq!(world.by_itself, 0);
    }
}

#[test]
fn a_lost_standby_is_harmless_and_an_isolated_active_steps_down() {
    for seed in 0..50 {
        let mut world = settled(seed);
        world.crash(1);
        let end = world.now + secs(600);
        while world.step(end) {
            assert_eq!(world.writers(), [0]);
        }
        isolate(&mut world, 0, Way::Up);
        world.run(secs(35));
        assert!(world.writers().is_empty(), "it writes on without devices and without the other server");
        world.heal();
        world.run(secs(60));
        assert_eq!(world.writers(), [0], "it goes on when half of its devices are back");
    }
}

#[test]
fn a_standby_that_never_heard_the_active_server_stays_standby() {
    for seed in 0..50 {
        let mut world = settled(seed);
        world.crash(1);
        world.crash(0);
        world.start(1);
        world.run(secs(600));
        assert!(world.writers().is_empty());
        assert_eq!(world.by_itself, 0);
    }
}

#[test]
fn scenarios_promote_and_answer_writes() {
    let (mut by_itself, mut safe) = (0, 0);
    for seed in 0..40 {
        let mut world = World::new(seed, 5);
        world.run(secs(60));
        for _ in 0..FAULTS {
            world.run(secs(60));
            world.fault();
        }
        (by_itself, safe) = (by_itself + world.by_itself, safe + world.safe);
    }
    assert!(by_itself >= 10, "{by_itself} promotions");
    assert!(safe >= 1000, "{safe} safe writes");
}

#[test]
fn one_seed_is_one_scenario() {
    let scenario = |seed| {
        let mut world = World::new(seed, 5);
        world.trace = Trace::kept();
        for _ in 0..FAULTS {
            world.run(secs(30));
            world.fault();
        }
        (world.trace.told(), world.safe, world.by_itself)
    };
    for seed in 0..TWICE {
        let told = scenario(seed);
        assert!(told.0.1 > 1000, "seed {seed}: {} events", told.0.1);
        assert_eq!(told, scenario(seed), "seed {seed}");
    }
}
