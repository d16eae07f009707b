//! Numbers that a server says, or that hold whatever it says.

use super::world::Told;
use super::*;
use crate::wire::{DeviceSettings, RingId, Role};

fn told(keep_alive_s: u32, silence_limit_s: u32, reconnect_spread_s: u32) -> Told {
    Told { keep_alive_s, silence_limit_s, reconnect_spread_s }
}

/// Pings in an hour, and for how long the device bears silence.
fn pings_and_patience(said: Told) -> (usize, Duration) {
    let mut world = World::new(1, &[1]);
    world.told = said;
    world.run(3600);
    let pings = world.sent.iter().filter(|message| matches!(message, Message::Ping { .. })).count();
    world.set(1, Health::Mute);
    let silent_since = world.now;
    while world.connected().is_some() {
        assert!(world.step(silent_since + secs(1000)), "silence does not end the session");
    }
    (pings, world.now - silent_since)
}

#[test]
fn the_server_sets_the_ping_interval_and_the_silence_limit() {
    let (pings, patience) = pings_and_patience(told(20, 50, 2));
    assert!((175..=181).contains(&pings), "{pings}");
    assert!(patience > secs(29) && patience <= secs(50), "{patience:?}");
    let (pings, patience) = pings_and_patience(told(u32::MAX, u32::MAX, 2));
    assert!((23..=25).contains(&pings), "{pings}");
    assert!(patience > secs(149) && patience <= secs(300), "{patience:?}");
}

/// How long devices of a server that said so wait after a loss.
fn waits(reconnect_spread_s: u32) -> Vec<Duration> {
    let wait = |seed| {
        let mut world = World::new(seed, &[1]);
        world.told.reconnect_spread_s = reconnect_spread_s;
        world.run(100);
        world.dialled();
        let lost = world.now;
        world.set(1, Health::Refusing);
        while world.dials.is_empty() {
            assert!(world.step(lost + secs(1000)), "it does not dial");
        }
        world.dials[0].at - lost
    };
    let mut waits: Vec<_> = (0..100).map(wait).collect();
    waits.sort();
    waits
}

#[test]
fn devices_come_back_over_the_whole_spread_that_a_server_says() {
    for (said, spread) in [(2, 2.0), (100, 100.0), (u32::MAX, 600.0)] {
        let waits: Vec<_> = waits(said).into_iter().map(|wait| wait.as_secs_f64() / spread).collect();
        assert!(waits[10] < 0.25 && waits[50] > 0.25 && waits[50] < 0.75, "{said}: {waits:?}");
        assert!(waits[90] > 0.75 && waits[99] <= 1.0, "{said}: {waits:?}");
    }
}

#[test]
fn devices_go_back_over_the_whole_spread_of_returns() {
    let took = |seed| {
        let mut world = World::new(seed, &[1, 2]);
        world.set(1, Health::Refusing);
        world.until_connected(10);
        world.set(1, Health::Up);
        while world.connected() == Some(2) {
            assert!(world.step(secs(2000)), "it does not go back");
        }
        world.now
    };
    let mut took: Vec<_> = (0..100).map(took).collect();
    took.sort();
    // Between the first and the last probe before it are 24 s at most.
    assert!(took[95] - took[5] > secs(80), "{took:?}");
}

#[test]
fn a_short_hold_down_still_takes_three_answers_to_go_back() {
    for seed in 0..20 {
        let settings = DeviceSettings { hold_down_s: 10, failback_spread_s: 0, ..DeviceSettings::default() };
        let mut world = World::with(Config::default(), seed, list(1, &[1, 2]).with_settings(settings));
        world.set(1, Health::Refusing);
        world.until_connected(10);
        world.set(1, Health::Up);
        world.probes.clear();
        while world.connected() == Some(2) {
            assert!(world.step(secs(2000)), "it does not go back");
        }
        assert_eq!(world.probes.len(), 3);
    }
}

#[test]
fn a_trial_lasts_an_hour_at_most() {
    let mut world = World::new(2, &[1]);
    world.trial_timeout_s = u32::MAX;
    world.set(3, Health::Unconfirming);
    world.wanted = Some(list(2, &[3]));
    world.set(1, Health::Refusing);
    world.set(1, Health::Up);
    world.run(3500);
    assert_eq!((world.connected(), world.device.trial().is_some()), (Some(3), true));
    world.run(200);
    assert_eq!((world.connected(), world.device.trial()), (Some(1), None));
}

#[test]
fn a_registration_is_waited_for_5_s() {
    let mut world = World::new(3, &[1, 2]);
    world.set(1, Health::Mute);
    world.until_connected(13);
    assert_eq!(world.dialled(), [1, 1, 2]);
}

#[test]
fn a_server_that_sends_a_registered_device_away_comes_last() {
    for reason in [Reason::Revoked, Reason::Removed, Reason::NotEnrolled] {
        let mut world = World::new(4, &[1, 2]);
        world.run(100);
        world.dialled();
        world.goodbye(reason);
        world.until_connected(10);
        assert_eq!(world.dialled(), [2], "{reason:?}");
    }
}

#[test]
fn an_answer_about_another_ring_says_nothing_of_this_one() {
    let mut world = World::new(5, &[1]);
    world.run(5);
    world.store_delay = secs(5);
    world.log(3);
    let ring = world.ring.span().ring;
    world.say(Message::EventsStored { ring: RingId([9; 16]), watermark: 900 });
    world.run(20);
    world.log(1);
    world.run(20);
    assert_eq!(world.ring.span().ring, ring, "nothing was lost");
    assert_eq!(world.stores[&1].watermark(ring), world.ring.span().newest);
}

#[test]
fn a_new_list_ends_a_stay_for_good() {
    let mut world = World::new(7, &[1, 2]);
    world.run(100);
    world.say(Message::Move { request: 1, entry: entries(&[1, 2]).as_slice()[1].clone(), ttl_s: 0 });
    world.run(1000);
    assert!(world.connected() == Some(2) && world.disk.pinned.is_some());
    world.wanted = Some(list(2, &[2, 1]));
    world.set(2, Health::Refusing);
    world.set(2, Health::Up);
    world.run(60);
    assert_eq!(world.disk.lists.committed, list(2, &[2, 1]));
    world.restart();
    world.run(10);
    assert_eq!(world.disk.pinned, None);
}

#[test]
fn a_moved_device_stays_whatever_else_it_has_to_do() {
    for ttl_s in [0, 7200] {
        let mut world = World::new(9, &[1, 2]);
        world.run(100);
        world.say(Message::Move { request: 1, entry: entries(&[1, 2]).as_slice()[1].clone(), ttl_s });
        world.run(5);
        world.probes.clear();
        // The server takes no events, so that every second something is due.
        world.forgetful = true;
        world.log(1);
        world.run(7000);
        assert_eq!((world.connected(), world.probes.len()), (Some(2), 0), "for {ttl_s} s");
    }
}

#[test]
fn an_active_server_of_a_past_epoch_is_left_for_the_later_one() {
    let mut world = World::new(10, &[1, 2]);
    world.set(1, Health::Refusing);
    world.becomes(2, Role::Active, 2);
    world.until_connected(10);
    world.set(2, Health::Refusing);
    world.set(1, Health::Up);
    world.until_connected(15);
    assert_eq!(world.connected(), Some(1));
    world.set(2, Health::Up);
    world.run(600);
    assert_eq!(world.connected(), Some(2));
}

#[test]
fn a_connection_of_an_attempt_before_is_not_greeted() {
    let mut world = World::new(11, &[1]);
    world.set(1, Health::Silent);
    world.run(8);
    assert_eq!(world.dials.len(), 2);
    world.input(Input::Opened(AttemptId(1)));
    assert_eq!(world.sent, []);
    world.input(Input::Opened(AttemptId(2)));
    assert!(matches!(world.sent[..], [Message::Hello(_)]));
}
