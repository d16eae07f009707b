//! Hours of bad luck, from many seeds. Faults first, and whatever happens some things never may; then peace, in which
//! the device must find home.

use super::rules::{Counts, Rules};
use super::*;
use crate::wire::{DayWindow, DeviceSettings, Failback, ListVersion, Role};
use rand::Rng as _;
use std::collections::BTreeSet;

/// What every run of the tests looks at; `make simulate` goes on from there.
const SEEDS: u64 = 2000;
/// Scenarios that are told twice.
const TWICE: u64 = 20;
const FAULTS: usize = 120;

/// What may never happen, looked at after every single step.
struct Watch {
    /// All lists ever wanted, so that a version can be told from its entries.
    lists: Vec<ServerList>,
    trial: Option<(ListVersion, Duration)>,
    /// Servers that have registered the device.
    good: BTreeSet<u16>,
    seen: usize,
    rules: Rules,
}

impl Watch {
    fn check(&mut self, world: &World) {
        let stored = world.device.stored();
        let committed = world.disk.lists.committed.version();
        let allowed = committed == self.lists[0].version() || world.confirmed.contains(&committed);
        assert!(allowed, "committed to a list that nobody confirmed");
        self.check_trial(world);
        self.good.extend(world.connected());
        for dialled in &world.dials[self.seen..] {
            let idle = dialled.at - world.idle_since.min(dialled.at);
            assert!(idle <= secs(60), "{idle:?} without an attempt");
            let tried = world.device.trial();
            let list = tried.and_then(|version| self.lists.iter().find(|list| list.version() == version));
            let allowed: Vec<u16> = match list {
                Some(list) if dialled.trial => list.entries().iter().map(|entry| entry.port).collect(),
                _ => {
                    let committed = stored.lists.committed.entries().iter().cloned();
                    let known = committed.chain(stored.reserve()).map(|entry| entry.port);
                    known.chain(self.good.iter().map(|server| server + 50_000)).collect()
                }
            };
            assert!(allowed.contains(&(dialled.server + 50_000)), "dialled a server that is on no list");
        }
        self.seen = world.dials.len();
        self.rules.check(world);
    }

    fn check_trial(&mut self, world: &World) {
        match (world.device.trial(), self.trial) {
            (None, _) => {
                assert_eq!(world.device.stored().lists.trial, None, "a trial was forgotten, not undone");
                self.trial = None;
            }
            (Some(version), Some((known, since))) if version == known => {
                let lasted = world.now - since;
                assert!(lasted <= secs(world.trial_timeout_s.into()), "a trial lasted {lasted:?}");
            }
            (Some(version), _) => {
                assert_eq!(world.disk.lists.trial.as_ref().map(|mark| mark.version), Some(version), "not on disk");
                self.trial = Some((version, world.now));
            }
        }
    }
}

fn some_servers(world: &mut World) -> Vec<u16> {
    let mut servers: Vec<u16> = (1..=5).collect();
    for index in 0..5 {
        let other = world.rng.random_range(index..5);
        servers.swap(index, other);
    }
    servers.truncate(world.rng.random_range(1..=4));
    servers
}

fn some_health(world: &mut World) -> Health {
    match world.rng.random_range(0..12) {
        0..4 => Health::Up,
        4 => Health::Unconfirming,
        5 | 6 => Health::Silent,
        7 | 8 => Health::Refusing,
        9 => Health::Busy(world.rng.random_range(0..100)),
        10 if world.rng.random() => Health::Foreign,
        10 => Health::Strict,
        _ if world.rng.random() => Health::Mute,
        _ => Health::Flapping,
    }
}

fn fault(world: &mut World, lists: &mut Vec<ServerList>) {
    match world.rng.random_range(0..21) {
        16 | 17 => change_role(world),
        18 => order_about(world),
        // All servers' clocks jump: to 1970, back, ahead, and to the end of time.
        20 => world.clock_ms = [0, 1_000_000_000_000, 4_000_000_000_000, u64::MAX][world.rng.random_range(0..4)],
        0..5 => {
            let server = world.rng.random_range(1..=5);
            let health = some_health(world);
            world.set(server, health);
        }
        5 => {
            let health = some_health(world);
            world.set_all(health);
        }
        6 => world.set_all(Health::Up),
        7 | 8 => world.restart(),
        12 | 13 => {
            let count = world.rng.random_range(1..40);
            world.log(count);
        }
        14 => {
            // A server goes on from another's copy, or from an old one of its own.
            let (one, other) = (world.rng.random_range(1..=5), world.rng.random_range(1..=5));
            let copy = world.stores.get(&other).cloned().unwrap_or_default();
            world.stores.insert(one, copy);
        }
        15 => world.store_delay = Duration::from_millis(world.rng.random_range(0..8000)),
        9 => world.disk_full = !world.disk_full && world.rng.random_bool(0.3),
        _ => {
            let servers = some_servers(world);
            let settings = some_settings(world);
            let wanted = list(lists.len() as u64 + 1, &servers).with_settings(settings);
            lists.push(wanted.clone());
            world.wanted = Some(wanted);
        }
    }
}

fn some_settings(world: &mut World) -> DeviceSettings {
    let failback = match world.rng.random_range(0..8) {
        0 => Failback::Sticky,
        1 => Failback::Manual,
        2 => {
            Failback::Window(DayWindow::new(world.rng.random_range(0..720), world.rng.random_range(720..1440)).unwrap())
        }
        _ => Failback::Auto,
    };
    let hold_down_s = if world.rng.random() { 300 } else { 30 };
    DeviceSettings { failback, hold_down_s, ..DeviceSettings::default() }
}

/// Another server is active from now on, in the next epoch; others may not have heard of it.
fn change_role(world: &mut World) {
    let epoch = world.epochs.values().max().unwrap() + 1;
    let active = world.rng.random_range(1..=5);
    for server in 1..=5 {
        if server == active {
            world.becomes(server, Role::Active, epoch);
        } else if world.rng.random_bool(0.8) {
            world.becomes(server, Role::Standby, epoch);
        }
    }
}

/// Somebody wants to know something, or the device elsewhere.
fn order_about(world: &mut World) {
    if world.connected().is_none() {
        return;
    }
    let request = world.rng.random();
    let order = if world.rng.random() {
        Message::ProbeList { request, entries: entries(&some_servers(world)) }
    } else {
        let entry = entries(&some_servers(world)).as_slice()[0].clone();
        let ttl_s = if world.rng.random() { 0 } else { world.rng.random_range(0..1000) };
        Message::Move { request, entry, ttl_s }
    };
    world.say(order);
}

fn pass(world: &mut World, watch: &mut Watch, time: Duration) {
    let end = world.now + time;
    while world.step(end) {
        watch.check(world);
    }
    world.now = end;
}

fn until_connected(world: &mut World, watch: &mut Watch) {
    let end = world.now + secs(120);
    while world.connected().is_none() {
        assert!(world.step(end), "not connected; dialled {:?}", world.dials);
        watch.check(world);
    }
}

fn live(seed: u64) {
    scenario(seed);
}

/// How often what the rules are about has happened.
fn scenario(seed: u64) -> Counts {
    let mut world = World::new(seed, &[1, 2, 3]);
    world.cut_at_write = 0.03;
    world.ring.capacity = if seed.is_multiple_of(2) { 50_000 } else { 60 };
    let rules = Rules::new(&world);
    let mut watch = Watch { lists: vec![list(1, &[1, 2, 3])], trial: None, good: BTreeSet::new(), seen: 0, rules };
    for _ in 0..FAULTS {
        let pause = match world.rng.random_range(0..4) {
            0 => 5,
            1 => 40,
            2 => 200,
            _ => 1500,
        };
        let time = Duration::from_millis(world.rng.random_range(0..pause * 1000));
        pass(&mut world, &mut watch, time);
        fault(&mut world, &mut watch.lists);
        watch.check(&world);
    }
    world.disk_full = false;
    world.cut_at_write = 0.0;
    world.wanted = None;
    world.store_delay = Duration::ZERO;
    let epoch = *world.epochs.values().max().unwrap();
    (1..=5).for_each(|server| world.becomes(server, Role::Active, epoch));
    world.set_all(Health::Up);
    // A server of the past may be none any more.
    watch.check(&world);
    // A trial may still have to end, and a penalty or a backoff to pass.
    pass(&mut world, &mut watch, secs(300));
    until_connected(&mut world, &mut watch);
    let committed = world.disk.lists.committed.entries();
    let connected = world.connected().unwrap() + 50_000;
    let listed = committed.iter().any(|entry| entry.port == connected);
    assert!(listed || world.device.stored().reserve().iter().any(|entry| entry.port == connected));
    assert_eq!(world.device.trial(), None);
    // The longest stay that was ordered, the longest hold-down, and the waits around them.
    pass(&mut world, &mut watch, secs(5500));
    until_connected(&mut world, &mut watch);
    let settings = *world.disk.lists.committed.settings();
    if settings.failback == Failback::Auto && world.device.stored().pinned.is_none() {
        let best = world.disk.lists.committed.entries().as_slice()[0].port - 50_000;
        assert_eq!(world.connected(), Some(best), "not back at the best server");
    }
    // A server that went on from an older copy during the session learns with the next event what it lacks.
    world.log(1);
    world.run(60);
    check_events(&world);
    watch.rules.counts
}

/// No server holds an event that never was, or in another's place; the one connected to holds all that the ring does.
fn check_events(world: &World) {
    let span = world.ring.span();
    for (server, store) in &world.stores {
        for (id, event) in store.held(span.ring) {
            if let Some(event) = event {
                assert_eq!(Some(&event), world.kept.get(&(span.ring, id)), "server {server}, event {id}");
            }
        }
    }
    let held = world.stores[&world.connected().unwrap()].held(span.ring);
    assert!(held.keys().copied().eq(1..=span.newest), "{span:?}");
    assert!(held.range(span.oldest..).all(|(_, event)| event.is_some()), "a gap where nothing is missing");
}

#[test]
fn nothing_strands_a_device() {
    crate::simulation::for_each_seed("the device", SEEDS, live);
}

#[test]
fn scenarios_give_each_rule_occasions_to_be_broken() {
    let told: Vec<_> = (0..30).map(scenario).collect();
    let sum = |of: fn(&Counts) -> u32| told.iter().map(of).sum::<u32>();
    let counts = [sum(|of| of.returns), sum(|of| of.recoveries), sum(|of| of.defied), sum(|of| of.recovered_starts)];
    assert!(counts.iter().all(|count| *count >= 10), "{counts:?}");
}

#[test]
fn one_seed_is_one_scenario() {
    let scenario = |seed| {
        let mut world = World::new(seed, &[1, 2, 3]);
        let mut lists = vec![list(1, &[1, 2, 3])];
        for _ in 0..40 {
            world.run(100);
            fault(&mut world, &mut lists);
        }
        world.dials
    };
    for seed in 0..TWICE {
        assert_eq!(scenario(seed), scenario(seed), "seed {seed}");
    }
}
