//! Going back to a better server: not too early, not too late, and never from the active one to another.

use super::*;
use crate::wire::{DayWindow, DeviceSettings, Failback, Role};

/// Server 1 is down and the device on server 2.
fn on_the_second(seed: u64, settings: DeviceSettings) -> World {
    let mut world = World::with(Config::default(), seed, list(1, &[1, 2]).with_settings(settings));
    world.set(1, Health::Refusing);
    world.until_connected(10);
    world.run(700);
    assert_eq!(world.connected(), Some(2));
    world.dialled();
    world
}

fn with(failback: Failback) -> DeviceSettings {
    DeviceSettings { failback, ..DeviceSettings::default() }
}

/// How long until the device is on that server.
fn until_on(world: &mut World, server: u16, limit: u64) -> Duration {
    let (start, end) = (world.now, world.now + secs(limit));
    while world.connected() != Some(server) {
        assert!(world.step(end), "not on server {server} within {limit} s");
    }
    world.now - start
}

#[test]
fn it_returns_no_earlier_than_300_s_and_within_500() {
    for seed in 0..100 {
        let mut world = on_the_second(seed, DeviceSettings::default());
        world.set(1, Health::Up);
        let took = until_on(&mut world, 1, 500);
        assert!((secs(300)..secs(500)).contains(&took), "{took:?}");
        assert_eq!(world.dialled(), [1], "it goes there directly");
    }
}

#[test]
fn better_servers_are_probed_every_minute_and_worse_ones_never() {
    let mut world = World::new(1, &[1, 2, 3]);
    world.set(1, Health::Refusing);
    world.until_connected(10);
    world.run(3600);
    assert!(world.probes.iter().all(|(_, server)| *server == 1), "{:?}", world.probes);
    let gaps: Vec<_> = world.probes.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(gaps.len() > 40 && gaps.iter().all(|gap| (secs(48)..=secs(73)).contains(gap)), "{gaps:?}");
    let mut world = World::new(2, &[1, 2, 3]);
    world.run(3600);
    assert_eq!(world.probes, []);
}

#[test]
fn a_server_that_flaps_is_not_returned_to() {
    let mut world = on_the_second(2, DeviceSettings::default());
    for _ in 0..40 {
        world.set(1, Health::Up);
        world.run(240);
        world.set(1, Health::Refusing);
        world.run(75);
    }
    assert_eq!(world.dialled().len(), 0);
}

#[test]
fn a_return_that_does_not_last_doubles_the_hold_down() {
    let mut world = on_the_second(3, DeviceSettings::default());
    for hold in [300, 600, 1200, 2400, 3600, 3600] {
        world.set(1, Health::Up);
        let took = until_on(&mut world, 1, hold + 220);
        assert!(took >= secs(hold), "{took:?} instead of {hold}");
        world.run(60);
        world.set(1, Health::Refusing);
        until_on(&mut world, 2, 15);
    }
    // One that lasts ends the doubling.
    world.set(1, Health::Up);
    until_on(&mut world, 1, 3900);
    world.run(700);
    world.set(1, Health::Refusing);
    until_on(&mut world, 2, 15);
    world.set(1, Health::Up);
    assert!(until_on(&mut world, 1, 500) >= secs(300));
}

#[test]
fn a_hold_down_never_delays_recovery() {
    let mut world = on_the_second(4, DeviceSettings::default());
    world.set(1, Health::Up);
    world.run(100);
    world.set(2, Health::Refusing);
    until_on(&mut world, 1, 13);
}

#[test]
fn it_is_back_at_once_if_the_better_server_does_not_register_it() {
    let mut world = on_the_second(5, DeviceSettings::default());
    world.set(1, Health::Up);
    let end = world.now + secs(500);
    while world.connected() == Some(2) {
        assert!(world.step(end));
    }
    let left = world.now;
    world.set(1, Health::Mute);
    until_on(&mut world, 2, 12);
    assert!(world.now - left <= secs(11));
    // And tries it no sooner than after twice the time.
    world.dialled();
    world.set(1, Health::Up);
    assert!(until_on(&mut world, 1, 900) >= secs(600));
}

#[test]
fn sticky_and_manual_stay_where_they_are() {
    for failback in [Failback::Sticky, Failback::Manual] {
        let mut world = on_the_second(6, with(failback));
        world.set(1, Health::Up);
        world.run(7200);
        assert_eq!((world.connected(), world.probes.len()), (Some(2), 0));
        world.restart();
        world.until_connected(5);
        let expected = if failback == Failback::Sticky { 1 } else { 2 };
        assert_eq!(world.connected(), Some(expected), "{failback:?} after a restart");
    }
}

#[test]
fn a_window_is_waited_for() {
    // The servers' clocks say 14:13:20 at the world's second 0.
    let window = DayWindow::new(15 * 60, 16 * 60).unwrap();
    let mut world = on_the_second(7, with(Failback::Window(window)));
    world.set(1, Health::Up);
    let opens = secs(46 * 60 + 40) - world.now;
    assert!(opens > secs(500), "{opens:?}");
    let took = until_on(&mut world, 1, 7200);
    assert!((opens..opens + secs(121)).contains(&took), "{took:?} instead of {opens:?}");
}

#[test]
fn from_a_standby_the_active_server_is_found_at_once() {
    for policy in [Failback::Auto, Failback::Sticky, Failback::Manual] {
        let mut world = World::with(Config::default(), 8, list(1, &[1, 2, 3]).with_settings(with(policy)));
        world.becomes(2, Role::Standby, 1);
        world.run(100);
        world.set(1, Health::Refusing);
        until_on(&mut world, 3, 13);
    }
}

#[test]
fn a_device_never_leaves_the_active_server_for_a_standby() {
    let mut world = on_the_second(9, DeviceSettings::default());
    world.becomes(1, Role::Standby, 1);
    world.set(1, Health::Up);
    world.run(7200);
    assert_eq!(world.connected(), Some(2));
    world.becomes(1, Role::ReadOnly, 1);
    world.run(7200);
    assert_eq!(world.connected(), Some(2));
    // An active one of an epoch that is over is no better.
    world.becomes(2, Role::Active, 2);
    world.becomes(1, Role::Active, 1);
    world.run(7200);
    assert_eq!(world.connected(), Some(2));
    world.becomes(1, Role::Active, 2);
    until_on(&mut world, 1, 500);
}

#[test]
fn a_promotion_draws_the_devices_that_follow_it() {
    let mut world = World::new(10, &[1, 2]);
    world.becomes(2, Role::Standby, 1);
    world.run(100);
    assert_eq!(world.connected(), Some(1));
    world.becomes(2, Role::Active, 2);
    world.becomes(1, Role::Standby, 2);
    until_on(&mut world, 2, 5);
    assert_eq!(world.disk.epoch.as_ref().unwrap().number, 2);
}

#[test]
fn a_busy_promoted_server_is_probed_again_until_it_has_room() {
    for policy in [Failback::Auto, Failback::Sticky, Failback::Manual] {
        let mut world = World::with(Config::default(), 12, list(1, &[1, 2]).with_settings(with(policy)));
        world.becomes(2, Role::Standby, 1);
        world.run(100);
        world.probes.clear();
        world.set(2, Health::Busy(30));
        world.becomes(2, Role::Active, 2);
        world.becomes(1, Role::Standby, 2);
        world.run(600);
        assert_eq!(world.connected(), Some(1), "it stays where it is registered");
        let gaps: Vec<_> = world.probes.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_secs()).collect();
        assert!(gaps[0] < 6 && gaps.iter().all(|gap| *gap <= 72) && gaps.len() < 20, "{gaps:?}");
        world.set(2, Health::Up);
        until_on(&mut world, 2, 75);
    }
}

#[test]
fn a_promoted_server_that_fails_to_register_is_soon_tried_again() {
    let mut world = World::new(13, &[1, 2]);
    world.becomes(2, Role::Standby, 1);
    world.run(100);
    world.becomes(2, Role::Active, 2);
    world.becomes(1, Role::Standby, 2);
    let end = world.now + secs(10);
    while world.connected() == Some(1) {
        assert!(world.step(end), "it does not leave");
    }
    world.set(2, Health::Mute);
    until_on(&mut world, 1, 12);
    world.set(2, Health::Up);
    until_on(&mut world, 2, 10);
}

#[test]
fn roles_that_keep_changing_move_a_device_once_per_hold_down() {
    let mut world = World::new(11, &[1, 2]);
    world.run(100);
    world.dialled();
    for epoch in (2..200).step_by(2) {
        for (active, other, epoch) in [(2, 1, epoch), (1, 2, epoch + 1)] {
            world.becomes(active, Role::Active, epoch);
            world.becomes(other, Role::Standby, epoch);
            world.run(20);
        }
    }
    let (moves, holds) = (world.dialled().len(), 100 * 2 * 20 / 300);
    assert!(moves <= holds + 2, "{moves} moves in {holds} hold-downs");
}
