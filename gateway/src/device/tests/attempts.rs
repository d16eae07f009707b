//! Who is dialled, how often and when.

use super::*;

#[test]
fn a_device_starts_at_the_top_at_once() {
    let mut world = World::new(1, &[3, 1, 2]);
    assert!(world.until_connected(1) < secs(1));
    assert_eq!(world.connected(), Some(3));
    assert_eq!(world.dialled(), [3]);
}

#[test]
fn each_entry_gets_two_attempts_a_second_apart() {
    let mut world = World::new(2, &[1, 2, 3]);
    world.set_all(Health::Refusing);
    world.run(6);
    let times: Vec<_> = world.dials.windows(2).map(|pair| (pair[1].at - pair[0].at).as_millis()).collect();
    assert_eq!(world.dialled()[..6], [1, 1, 2, 2, 3, 3]);
    // After the pass the wait is another one.
    assert!(times[..5].iter().all(|gap| (1000..1050).contains(gap)), "{times:?}");
}

#[test]
fn the_lost_entry_gets_one_short_attempt_first() {
    let mut world = World::new(3, &[1, 2, 3]);
    world.set_all(Health::Refusing);
    world.set(2, Health::Up);
    world.until_connected(60);
    world.run(70);
    world.dialled();
    world.set_all(Health::Refusing);
    world.run(12);
    assert_eq!(world.dialled()[..5], [2, 1, 1, 3, 3]);
}

#[test]
fn the_lost_entry_blocks_for_five_seconds_at_most() {
    let mut world = World::new(4, &[1, 2]);
    world.run(100);
    world.dialled();
    world.set(1, Health::Mute);
    world.input(Input::Closed(AttemptId(1), FailureKind::Closed, "reset".into()));
    world.until_connected(9);
    let gap = world.dials[1].at - world.dials[0].at;
    assert!(gap >= secs(6) && gap < secs(7), "{gap:?}");
    assert_eq!(world.dialled(), [1, 2]);
}

#[test]
fn the_only_entry_is_dialled_for_ever() {
    let mut world = World::new(5, &[1]);
    world.run(10);
    world.dialled();
    world.set_all(Health::Refusing);
    world.run(24 * 3600);
    let dials = std::mem::take(&mut world.dials);
    assert!(dials.len() > 24 * 60, "{}", dials.len());
    assert!(dials.windows(2).all(|pair| pair[1].at - pair[0].at <= secs(61)));
    world.set(1, Health::Up);
    assert!(world.until_connected(61) <= secs(61));
}

#[test]
fn waits_between_passes_double_to_a_minute_with_jitter() {
    let mut world = World::new(6, &[1]);
    world.set_all(Health::Refusing);
    world.run(600);
    let pauses: Vec<_> = world.dials.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
    let backoffs: Vec<_> = pauses.iter().skip(1).step_by(2).copied().collect();
    for (index, (wait, full)) in backoffs.iter().zip([2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]).enumerate() {
        assert!((full / 2.0..=full + 0.1).contains(wait), "wait {index} is {wait}");
    }
}

#[test]
fn a_stable_session_resets_the_backoff_and_a_short_one_does_not() {
    let after_session_of = |seconds| {
        let mut world = World::new(7, &[1]);
        world.set_all(Health::Refusing);
        world.run(300);
        world.set(1, Health::Up);
        world.until_connected(70);
        world.run(seconds);
        world.dialled();
        world.set(1, Health::Refusing);
        world.run(200);
        world.dials[1].at - world.dials[0].at
    };
    assert!(after_session_of(61) <= secs(3));
    assert!(after_session_of(50) >= secs(30));
}

#[test]
fn a_refusal_moves_an_entry_last_for_five_minutes() {
    let mut world = World::new(8, &[1, 2]);
    world.set(1, Health::Strict);
    world.set(2, Health::Refusing);
    world.run(4);
    assert_eq!(world.dialled()[..4], [1, 2, 2, 1]);
    world.run(100);
    let dialled = world.dialled();
    assert!(dialled.contains(&1) && dialled.contains(&2));
    world.set(1, Health::Up);
    world.set(2, Health::Up);
    world.until_connected(61);
    assert_eq!(world.connected(), Some(2));
    world.run(300);
    world.set(2, Health::Refusing);
    world.until_connected(10);
    assert_eq!(world.connected(), Some(1));
}

#[test]
fn with_all_refusing_they_are_dialled_in_order() {
    let mut world = World::new(9, &[1, 2, 3]);
    world.set_all(Health::Foreign);
    world.run(20);
    assert_eq!(world.dialled()[..6], [1, 2, 3, 1, 2, 3]);
    world.run(3600);
    assert!(world.dialled().len() > 100);
}

#[test]
fn a_busy_server_is_waited_for_three_times() {
    let mut world = World::new(10, &[1, 2]);
    world.set(1, Health::Busy(20));
    world.set(2, Health::Busy(5));
    world.run(54);
    let gaps: Vec<_> = world.dials.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs()).collect();
    assert_eq!(world.dialled(), [1, 1, 1, 2, 2, 2]);
    assert_eq!(gaps, [20, 20, 1, 5, 5]);
}

#[test]
fn a_busy_server_is_not_dialled_before_its_time() {
    let mut world = World::new(11, &[1, 2]);
    world.set(1, Health::Busy(1000));
    world.set(2, Health::Refusing);
    world.run(3600);
    let ones: Vec<_> = world.dials.iter().filter(|dialled| dialled.server == 1).map(|dialled| dialled.at).collect();
    assert!(ones.windows(2).all(|pair| pair[1] - pair[0] >= secs(60)), "{ones:?}");
    assert!(ones.len() > 20);
}

#[test]
fn the_previous_list_is_tried_last_after_fifteen_minutes() {
    let mut world = World::new(12, &[1]);
    world.wanted = Some(list(2, &[2]));
    world.run(60);
    assert_eq!(world.connected(), Some(2));
    world.dialled();
    world.set(2, Health::Silent);
    world.run(900);
    assert!(world.dialled().iter().all(|server| *server == 2));
    world.until_connected(180);
    assert_eq!(world.connected(), Some(1));
    assert_eq!(world.disk.lists.committed, list(2, &[2]));
    // And it comes back from there as from anywhere.
    world.set(2, Health::Up);
    world.set(1, Health::Refusing);
    world.until_connected(5);
    assert_eq!(world.connected(), Some(2));
}

#[test]
fn a_server_that_drains_or_stops_is_left_within_three_seconds() {
    for seed in 0..50 {
        for reason in [Reason::Draining, Reason::ShuttingDown] {
            let mut world = World::new(seed, &[1, 2]);
            world.run(100);
            world.dialled();
            world.goodbye(reason);
            assert!(world.until_connected(3) < secs(3));
            assert_eq!(world.dialled(), [2]);
        }
    }
}

#[test]
fn a_server_that_keeps_dropping_the_device_is_not_stormed() {
    let mut world = World::new(13, &[1]);
    world.set(1, Health::Flapping);
    world.run(3600);
    let dials = world.dialled().len();
    assert!((60..150).contains(&dials), "{dials}");
}

#[test]
fn the_network_coming_back_ends_the_wait() {
    let mut world = World::new(14, &[1]);
    world.set_all(Health::Silent);
    world.run(1000);
    world.set_all(Health::Up);
    while world.device.activity() != Activity::Waiting {
        world.run(1);
    }
    world.input(Input::LinkUp);
    world.until_connected(3);
}
