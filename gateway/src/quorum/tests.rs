//! The rules one by one.

use super::*;

const A: &str = "a";
const B: &str = "b";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn epoch(number: u64, server: &str) -> Epoch {
    Epoch { number, server_id: server.to_owned(), seal: Vec::new() }
}

fn members(count: u32) -> BTreeSet<DeviceId> {
    (1..=count).map(DeviceId).collect()
}

fn server(id: &str, role: Role, automatic: bool) -> Quorum {
    let newest = Electorate { version: Version { epoch: 1, number: 1 }, automatic, members: members(4) };
    let acknowledged = (role == Role::Active).then(|| newest.clone());
    let stored = Stored { role, epoch: epoch(1, A), unproven: false, newest, acknowledged, peer_start: None };
    Quorum::new(Config::default(), id, stored, Start { number: 1, incarnation: 1 })
}

/// Devices `1..=count` answer a nonce of that moment, in one session each.
fn hold(server: &mut Quorum, count: u32, at: Duration, known: &Epoch) {
    for device in members(count) {
        let nonce = at.as_millis().try_into().unwrap();
        server.asked_device(device, 1, nonce, at);
        server.device_answered(device, 1, nonce, (Some(known), None), at);
    }
}

/// Both hear each other twice, so that each holds the other.
fn correspond(one: &mut Quorum, other: &mut Quorum, now: Duration) {
    for round in 0..3 {
        let nonce = u64::try_from(now.as_millis()).unwrap() * 10 + round;
        let letter = one.write_letter(nonce, now);
        other.read_letter(&letter, now);
        let letter = other.write_letter(nonce, now);
        one.read_letter(&letter, now);
    }
}

fn ordered(server: &mut Quorum) -> Option<u64> {
    std::iter::from_fn(|| server.poll_output()).find_map(|output| match output {
        Output::Promote { number } => Some(number),
        Output::Persist(_) => None,
    })
}

#[test]
fn holding_half_lets_the_active_server_write_30_s_from_sending() {
    let mut active = server(A, Role::Active, true);
    assert_eq!(active.standing(secs(0)), Standing::Starting);
    hold(&mut active, 2, secs(10), &epoch(1, A));
    assert_eq!(active.standing(secs(39)), Standing::Writes);
    assert_eq!(active.standing(secs(40)), Standing::Lone);
    // An answer that lay in a buffer.
    active.asked_device(DeviceId(1), 1, 7, secs(41));
    active.asked_device(DeviceId(2), 1, 7, secs(41));
    for device in members(2) {
        active.device_answered(device, 1, 7, (Some(&epoch(1, A)), None), secs(71));
    }
    assert_eq!(active.standing(secs(71)), Standing::Lone);
    hold(&mut active, 1, secs(72), &epoch(1, A));
    assert_eq!(active.standing(secs(72)), Standing::Lone, "a quarter is not half");
}

#[test]
fn another_epoch_is_not_held_and_a_later_one_ends_the_role() {
    let mut active = server(A, Role::Active, true);
    hold(&mut active, 4, secs(0), &epoch(0, A));
    assert_eq!(active.standing(secs(0)), Standing::Starting);
    hold(&mut active, 1, secs(1), &epoch(2, B));
    assert_eq!(active.standing(secs(1)), Standing::ReadOnly);
    assert!(matches!(active.poll_output(), Some(Output::Persist(stored)) if stored.epoch == epoch(2, B)));
}

#[test]
fn a_standby_promotes_itself_after_90_s_with_the_same_majority() {
    let (mut active, mut standby) = (server(A, Role::Active, true), server(B, Role::Standby, true));
    for second in 0..10 {
        hold(&mut standby, 3, secs(second), &epoch(1, A));
        correspond(&mut active, &mut standby, secs(second));
    }
    for second in 10..129 {
        hold(&mut standby, 3, secs(second), &epoch(1, A));
        standby.handle_timeout(secs(second));
        assert_eq!(ordered(&mut standby), None, "after {second} s");
    }
    // The last nonce that came back was sent after 9 s: held until 39.
    hold(&mut standby, 3, secs(129), &epoch(1, A));
    standby.handle_timeout(secs(129));
    assert_eq!(ordered(&mut standby), Some(2));
    // It writes once more than half know so.
    standby.promoted(epoch(2, B), Promotion::Automatic);
    assert_eq!(standby.standing(secs(129)), Standing::Unproven);
    hold(&mut standby, 2, secs(130), &epoch(2, B));
    assert_eq!(standby.standing(secs(130)), Standing::Unproven, "two of four");
    hold(&mut standby, 3, secs(131), &epoch(2, B));
    assert_eq!(standby.standing(secs(131)), Standing::Writes);
    assert_eq!(
        standby.propose(members(4), true, secs(131)),
        Err(ProposalRefused::Outstanding),
        "off until it rejoined"
    );
}

#[test]
fn self_promotion_needs_a_heartbeat_a_majority_and_permission() {
    let run = |heard: bool, automatic: bool, devices: u32| {
        let (mut active, mut standby) = (server(A, Role::Active, automatic), server(B, Role::Standby, automatic));
        if heard {
            correspond(&mut active, &mut standby, secs(0));
        }
        (0..500).any(|second| {
            hold(&mut standby, devices, secs(second), &epoch(1, A));
            standby.handle_timeout(secs(second));
            ordered(&mut standby).is_some()
        })
    };
    assert!(run(true, true, 3));
    assert!(!run(false, true, 3), "never heard");
    assert!(!run(true, false, 3), "off");
    assert!(!run(true, true, 2), "half is not more than half");
}

#[test]
fn a_device_that_went_and_came_back_counts_anew() {
    let (mut active, mut standby) = (server(A, Role::Active, true), server(B, Role::Standby, true));
    correspond(&mut active, &mut standby, secs(0));
    for second in 0..200 {
        for device in members(3) {
            let session = second / 60;
            standby.asked_device(device, session, second, secs(second));
            standby.device_answered(device, session, second, (Some(&epoch(1, A)), None), secs(second));
        }
        standby.handle_timeout(secs(second));
        assert_eq!(ordered(&mut standby), None);
    }
}

#[test]
fn a_standby_echoes_nonces_only_while_it_holds_the_active_one() {
    let (mut active, mut standby) = (server(A, Role::Active, true), server(B, Role::Standby, true));
    let letter = active.write_letter(1, secs(0));
    standby.read_letter(&letter, secs(0));
    assert_eq!(standby.write_letter(1, secs(0)).echo, None);
    correspond(&mut active, &mut standby, secs(1));
    assert_eq!(active.standing(secs(1)), Standing::Writes, "it holds the standby");
    assert!(standby.write_letter(99, secs(2)).echo.is_some());
    let letter = active.write_letter(77, secs(31));
    standby.read_letter(&Letter { echo: None, ..letter }, secs(31));
    assert_eq!(standby.write_letter(100, secs(32)).echo, None);
}

#[test]
fn a_change_of_the_electorate_binds_twice_until_it_is_stored() {
    let (mut active, mut standby) = (server(A, Role::Active, true), server(B, Role::Standby, true));
    hold(&mut active, 2, secs(0), &epoch(1, A));
    let others = (2..=7).map(DeviceId).collect();
    assert_eq!(active.propose(members(2), true, secs(0)), Err(ProposalRefused::TooFew));
    correspond(&mut active, &mut standby, secs(1));
    assert_eq!(active.propose(others, true, secs(1)), Ok(()));
    assert_eq!(active.standing(secs(1)), Standing::Writes, "it holds the standby");
    hold(&mut active, 2, secs(32), &epoch(1, A));
    assert_eq!(active.standing(secs(32)), Standing::Lone, "one of six");
    assert_eq!(active.propose(members(3), true, secs(32)), Err(ProposalRefused::NotActive));
    correspond(&mut active, &mut standby, secs(33));
    assert_eq!(standby.stored().newest, active.stored().newest);
    assert_eq!(active.stored().acknowledged.as_ref(), Some(&active.stored().newest));
}

#[test]
fn devices_the_standby_held_long_do_not_become_electors_at_once() {
    let (mut active, mut standby) = (server(A, Role::Active, false), server(B, Role::Standby, false));
    correspond(&mut active, &mut standby, secs(0));
    for second in 1..200 {
        hold(&mut standby, 3, secs(second), &epoch(1, A));
        // The active server hears nothing of the standby, and writes alone.
        let letter = active.write_letter(second, secs(second));
        standby.read_letter(&letter, secs(second));
    }
    assert_eq!(active.standing(secs(200)), Standing::Writes, "nobody takes over by itself");
    assert_eq!(active.propose(members(4), true, secs(200)), Err(ProposalRefused::Outstanding));
    let letter = active.write_letter(200, secs(200));
    standby.read_letter(&letter, secs(200));
    standby.handle_timeout(secs(201));
    assert_eq!(ordered(&mut standby), None);
    hold(&mut active, 2, secs(201), &epoch(1, A));
    assert_eq!(active.propose(members(4), true, secs(201)), Ok(()), "half of them are here");
}

#[test]
fn a_write_is_safe_once_a_later_nonce_came_back_at_its_epoch() {
    let mut active = server(A, Role::Active, true);
    hold(&mut active, 4, secs(0), &epoch(1, A));
    let mark = active.mark();
    assert!(!active.is_safe(&mark));
    hold(&mut active, 1, secs(1), &epoch(1, A));
    assert!(!active.is_safe(&mark));
    hold(&mut active, 2, secs(2), &epoch(1, A));
    assert!(active.is_safe(&mark));
    active.promoted(epoch(3, A), Promotion::Manual);
    hold(&mut active, 4, secs(3), &epoch(3, A));
    assert!(!active.is_safe(&mark), "what another epoch proves says nothing of this write");
}

#[test]
fn an_image_told_it_is_old_is_outdated_until_it_is_chosen() {
    let mut image = server(A, Role::Active, true);
    hold(&mut image, 4, secs(0), &epoch(1, A));
    let later = Start { number: 1, incarnation: 2 };
    image.asked_device(DeviceId(1), 1, 5, secs(1));
    image.device_answered(DeviceId(1), 1, 5, (Some(&epoch(1, A)), Some(later)), secs(1));
    assert_eq!(image.standing(secs(1)), Standing::Outdated);
    image.go_on_as(Start { number: 2, incarnation: 3 });
    assert_eq!(image.standing(secs(1)), Standing::ReadOnly);
}
