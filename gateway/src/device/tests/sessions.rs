//! What keeps a session alive, what ends it, and how soon the next one stands.

use super::*;
use crate::wire::Goodbye;
use proptest::prelude::*;

#[test]
fn a_quiet_session_lives_on_pings() {
    let mut world = World::new(1, &[1]);
    world.run(3600);
    assert_eq!(world.dialled(), [1]);
    let pings = world.sent.iter().filter(|message| matches!(message, Message::Ping { .. })).count();
    assert!((355..=361).contains(&pings), "{pings}");
}

#[test]
fn a_silent_loss_ends_on_the_next_entry_within_52_seconds() {
    for seed in 0..200 {
        let mut world = World::new(seed, &[1, 2]);
        world.run(100 + seed % 10);
        world.set(1, Health::Silent);
        let lost = world.now;
        while world.connected() != Some(2) {
            assert!(world.step(lost + secs(52)), "seed {seed}: {:?}", world.dials);
        }
        // The last pong may have come almost a keep-alive ago.
        assert!(world.now - lost > secs(20), "seed {seed}");
    }
}

#[test]
fn a_reset_ends_on_the_next_entry_within_13_seconds() {
    for seed in 0..200 {
        for health in [Health::Refusing, Health::Silent] {
            let mut world = World::new(seed, &[1, 2, 3]);
            world.run(100);
            world.set(1, Health::Refusing);
            world.set(1, health);
            world.until_connected(13);
            assert_eq!(world.connected(), Some(2));
        }
    }
}

#[test]
fn any_byte_counts_as_life() {
    let mut world = World::new(2, &[1]);
    world.run(5);
    world.set(1, Health::Mute);
    for _ in 0..100 {
        world.run(20);
        world.input(Input::Heard(AttemptId(1)));
    }
    assert_eq!(world.dialled(), [1]);
    world.run(31);
    assert!(!world.dialled().is_empty());
}

#[test]
fn the_sequence_and_the_highest_epoch_are_on_disk() {
    let mut world = World::new(3, &[1, 2]);
    world.epochs.insert(1, 7);
    world.run(100);
    assert_eq!(world.disk.connection_sequence, 1);
    world.set(1, Health::Refusing);
    world.run(100);
    assert_eq!(world.connected(), Some(2));
    assert_eq!(world.disk.connection_sequence, 2);
    assert_eq!(world.disk.epoch.as_ref().map(|epoch| epoch.number), Some(7));
    world.restart();
    world.run(10);
    assert_eq!(world.disk.connection_sequence, 3);
}

#[test]
fn no_text_is_too_long_or_odd_for_a_frame() {
    let text = tidy_text(&"\u{1F6AA}\n".repeat(1000));
    assert!(text.len() <= 512 && !text.chars().any(char::is_control));
}

#[test]
fn an_attempt_that_is_over_has_no_say() {
    let mut world = World::new(4, &[1, 2]);
    world.set(1, Health::Silent);
    world.run(5);
    world.input(Input::Opened(AttemptId(1)));
    world.until_connected(30);
    let before = world.connected();
    world.input(Input::Closed(AttemptId(1), FailureKind::Closed, "late".into()));
    world.input(Input::Received(AttemptId(1), Box::new(Message::ConfirmTrial(list(9, &[1]).version()))));
    assert_eq!(world.connected(), before);
}

#[test]
fn a_server_of_a_lower_epoch_is_not_obeyed() {
    let mut world = World::new(5, &[1, 2]);
    world.epochs.insert(1, 7);
    world.run(100);
    world.set(1, Health::Refusing);
    world.wanted = Some(list(2, &[3]));
    world.run(100);
    assert_eq!(world.connected(), Some(2));
    assert!(world.sent.iter().any(|message| matches!(message, Message::StageRefused { .. })));
    assert_eq!(world.disk.lists.staged, None);
}

#[test]
fn a_device_that_is_switched_off_says_so() {
    let mut world = World::new(6, &[1]);
    world.run(10);
    world.input(Input::Stop);
    assert!(matches!(world.sent.last(), Some(Message::Goodbye(Goodbye { reason: Reason::ShuttingDown, .. }))));
    assert_eq!(world.device.poll_timeout(), None);
}

#[test]
fn unknown_messages_are_answered_and_wrong_ones_end_the_session() {
    let mut world = World::new(7, &[1]);
    world.run(10);
    world.say(Message::Unknown);
    assert_eq!(world.sent.last(), Some(&Message::Unsupported { message: 0 }));
    assert_eq!(world.connected(), Some(1));
    world.say(Message::EnrolWaiting { keep_alive_s: 1 });
    assert_eq!(world.connected(), None);
    world.until_connected(3);
}

fn any_message() -> impl Strategy<Value = Message> {
    let listed = (1..6_u64, 1..6_u16).prop_map(|(number, server)| list(number, &[server]));
    prop_oneof![
        any::<u64>().prop_map(|nonce| Message::Ping { nonce }),
        Just(Message::Unknown),
        (0..100_u32).prop_map(|retry_after_s| Message::Busy { retry_after_s }),
        listed.clone().prop_map(Message::StageList),
        (listed.clone(), 0..200_u32)
            .prop_map(|(list, timeout_s)| Message::StartTrial { version: list.version(), timeout_s }),
        listed.clone().prop_map(|list| Message::ConfirmTrial(list.version())),
        listed.prop_map(|list| Message::RollbackNoted(list.version())),
        Just(Message::Goodbye(Goodbye {
            reason: Reason::Revoked,
            text: "x".repeat(512),
            reconnect_spread_s: u32::MAX
        })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_server_says_the_device_dials_on(
        script in proptest::collection::vec((any_message(), 0..90_u64), 1..40),
        seed: u64,
    ) {
        let mut world = World::new(seed, &[1, 2]);
        for (message, pause) in script {
            if world.connected().is_some() {
                world.say(message);
            }
            world.run(pause);
        }
        world.set_all(Health::Up);
        world.until_connected(3600);
    }
}
