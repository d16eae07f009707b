//! The states of a push, one by one and in any order.

use super::*;
use proptest::prelude::*;

const ALL: [PushState; 9] = [
    PushState::Pending,
    PushState::Staged,
    PushState::Probed,
    PushState::Trial,
    PushState::Committed,
    PushState::RolledBack,
    PushState::Superseded,
    PushState::Drifted,
    PushState::Conflict,
];

fn wanted(push: PushState) -> Position {
    Position {
        reported: 2,
        push: Some(push),
        wanted: 2,
        wanted_push: Some(push),
        same_servers: true,
        committed: Some(1),
    }
}

fn given_up() -> Report {
    Report::GivenUp { reason: "refused".to_owned(), failures: Vec::new() }
}

fn undecided() -> Report {
    Report::Undecided { reason: "nothing answered".to_owned(), failures: Vec::new() }
}

#[test]
fn a_push_goes_forward_and_repeats_tell_nothing() {
    let to = |state| Some(Moves { push: Some(state), ..Moves::default() });
    assert_eq!(decide(&wanted(PushState::Pending), &Report::Staged), to(PushState::Staged));
    assert_eq!(decide(&wanted(PushState::Staged), &Report::Staged), None);
    assert_eq!(decide(&wanted(PushState::Staged), &Report::Trial), to(PushState::Trial));
    // The report that it was staged was lost.
    assert_eq!(decide(&wanted(PushState::Pending), &Report::Trial), to(PushState::Trial));
    let kept = Moves { push: Some(PushState::Committed), committed: true, ..Moves::default() };
    assert_eq!(decide(&wanted(PushState::Trial), &Report::Committed), Some(kept));
    let again = Position { committed: Some(2), ..wanted(PushState::Committed) };
    assert_eq!(decide(&again, &Report::Committed), None);
}

#[test]
fn a_rollback_of_the_wanted_list_brings_the_former_one_back() {
    let back = Moves { push: Some(PushState::RolledBack), returns: true, ..Moves::default() };
    assert_eq!(decide(&wanted(PushState::Trial), &given_up()), Some(back));
    assert_eq!(decide(&wanted(PushState::RolledBack), &given_up()), None);
    let superseded = Position { wanted: 3, same_servers: false, ..wanted(PushState::Superseded) };
    assert_eq!(decide(&superseded, &given_up()), None);
}

#[test]
fn a_trial_that_proved_nothing_is_begun_again() {
    let staged = Some(Moves { push: Some(PushState::Staged), ..Moves::default() });
    assert_eq!(decide(&wanted(PushState::Trial), &undecided()), staged);
    assert_eq!(decide(&wanted(PushState::Staged), &undecided()), None);
    let superseded = Position { wanted: 3, same_servers: false, ..wanted(PushState::Superseded) };
    assert_eq!(decide(&superseded, &undecided()), None);
}

#[test]
fn a_device_with_a_superseded_list_is_sent_the_wanted_one() {
    let away = Position {
        wanted: 3,
        wanted_push: Some(PushState::Committed),
        same_servers: false,
        ..wanted(PushState::Superseded)
    };
    let requeued = Moves { committed: true, wanted_push: Some(PushState::Pending), ..Moves::default() };
    assert_eq!(decide(&away, &Report::Committed), Some(requeued));
    let returned = Position { wanted_push: None, ..away };
    assert_eq!(decide(&returned, &Report::Committed), Some(requeued));
    let there = Position { same_servers: true, wanted_push: Some(PushState::Pending), ..away };
    let done = Moves { committed: true, wanted_push: Some(PushState::Committed), ..Moves::default() };
    assert_eq!(decide(&there, &Report::Committed), Some(done));
}

#[test]
fn a_late_report_of_an_older_commit_tells_nothing() {
    let late = Position { reported: 2, committed: Some(3), wanted: 3, ..wanted(PushState::Superseded) };
    assert_eq!(decide(&late, &Report::Committed), None);
}

fn state() -> impl Strategy<Value = Option<PushState>> {
    proptest::option::of(proptest::sample::select(ALL.as_slice()))
}

fn position() -> impl Strategy<Value = Position> {
    (1..4_u64, state(), 0..3_u64, state(), any::<bool>(), proptest::option::of(1..5_u64)).prop_map(
        |(reported, push, newer, other, same, committed)| {
            let wanted = reported + newer;
            Position {
                reported,
                push,
                wanted,
                wanted_push: if newer == 0 { push } else { other },
                same_servers: newer == 0 || same,
                committed,
            }
        },
    )
}

fn report() -> impl Strategy<Value = Report> {
    prop_oneof![Just(Report::Staged), Just(Report::Trial), Just(Report::Committed), Just(undecided()), Just(given_up())]
}

fn after(at: &Position, moves: Moves) -> Position {
    let push = moves.push.or(at.push);
    let other = moves.wanted_push.or(at.wanted_push);
    Position {
        push,
        wanted_push: if at.reported == at.wanted { push } else { other },
        committed: if moves.committed { Some(at.reported) } else { at.committed },
        ..*at
    }
}

proptest! {
    #[test]
    fn the_same_report_twice_changes_nothing_the_second_time(at in position(), report in report()) {
        if let Some(moves) = decide(&at, &report) {
            prop_assert_eq!(decide(&after(&at, moves), &report), None);
        }
    }

    #[test]
    fn what_has_ended_stays_ended(at in position(), reports in proptest::collection::vec(report(), 0..8)) {
        let mut now = at;
        for report in &reports {
            if let Some(moves) = decide(&now, report) {
                let next = after(&now, moves);
                if now.push.is_some_and(PushState::is_final) {
                    prop_assert_eq!(next.push, now.push);
                }
                prop_assert!(next.committed >= now.committed, "a device's commits only go forward");
                now = next;
            }
        }
    }

    #[test]
    fn a_list_returns_only_when_the_wanted_one_was_given_up(at in position(), report in report()) {
        if let Some(moves) = decide(&at, &report) && moves.returns {
            prop_assert_eq!(at.reported, at.wanted);
            prop_assert_eq!(moves.push, Some(PushState::RolledBack));
        }
    }
}
