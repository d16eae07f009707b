//! A push's course: stage, trial, confirmation, rollback, and what is put on record when.

use super::*;
use crate::wire::{Rollback, RollbackCause};

fn staged(talk: &mut Talk) {
    talk.wants(Some(list(2)));
    assert_eq!(talk.said(), Message::StageList(list(2)));
    talk.hears(Message::ListStaged(list(2).version()));
}

#[test]
fn a_wanted_list_is_staged_tried_and_the_session_left() {
    let mut talk = Talk::just_registered(hello());
    staged(&mut talk);
    talk.reports(Progress::Staged(list(2).version()), true);
    let rows = talk.probes(&list(2), &[true, false]);
    talk.reports(Progress::Probed(list(2).version(), rows), true);
    assert_eq!(talk.said(), Message::StartTrial { version: list(2).version(), timeout_s: 63 });
    talk.hears(Message::TrialStarted(list(2).version()));
    talk.reports(Progress::Trial(list(2).version()), true);
    assert_eq!(talk.goodbye(), Reason::TryingList);
}

#[test]
fn a_trial_is_confirmed_after_20_unbroken_s_on_any_server() {
    let mut talk = Talk::just_registered(hello_on_trial());
    talk.lives(19);
    assert!(talk.is_quiet());
    talk.lives(1);
    assert_eq!(talk.said(), Message::ConfirmTrial(list(2).version()));
    talk.hears(Message::ListCommitted(list(2).version()));
    talk.reports(Progress::Committed(list(2).version()), true);
    // What was wanted meanwhile comes next, and the same list is not told twice.
    talk.wants(Some(list(2)));
    assert!(talk.is_quiet());
}

#[test]
fn a_trial_is_confirmed_even_if_nothing_can_be_put_on_record() {
    let mut talk = Talk::just_registered(Hello { rollback: Some(rollback()), ..hello_on_trial() });
    talk.reports(Progress::RolledBack(rollback()), false);
    talk.lives(4);
    assert!(talk.is_quiet());
    talk.lives(1);
    assert!(matches!(talk.question(), Some(Question::Report(..))));
    talk.lives(15);
    assert_eq!(talk.said(), Message::ConfirmTrial(list(2).version()));
}

#[test]
fn a_device_with_the_wanted_list_is_reported_committed_once() {
    let mut talk = Talk::just_registered(hello());
    talk.wants(Some(list(1)));
    talk.reports(Progress::Committed(list(1).version()), true);
    talk.session.handle_wake(&identity(), talk.now);
    talk.wants(Some(list(1)));
    assert!(talk.is_quiet());
}

#[test]
fn an_older_list_is_never_pushed() {
    let mut talk = Talk::just_registered(Hello { committed: list(3).version(), ..hello() });
    talk.wants(Some(list(2)));
    assert!(talk.is_quiet());
}

#[test]
fn a_recorded_rollback_is_noted_and_its_list_not_pushed_again() {
    let mut talk = Talk::just_registered(Hello { rollback: Some(rollback()), ..hello() });
    talk.reports(Progress::RolledBack(rollback()), false);
    assert!(talk.is_quiet());
    talk.lives(5);
    talk.reports(Progress::RolledBack(rollback()), true);
    assert_eq!(talk.said(), Message::RollbackNoted(list(2).version()));
    talk.wants(Some(list(2)));
    assert!(talk.is_quiet());
    talk.session.handle_wake(&identity(), talk.now);
    talk.wants(Some(list(3)));
    assert_eq!(talk.said(), Message::StageList(list(3)));
}

#[test]
fn a_rollback_that_proves_nothing_gets_its_list_pushed_again() {
    let nothing = Rollback { cause: RollbackCause::FormerFailed, ..rollback() };
    let mut talk = Talk::just_registered(Hello { rollback: Some(nothing.clone()), ..hello() });
    talk.reports(Progress::RolledBack(nothing), true);
    assert_eq!(talk.said(), Message::RollbackNoted(list(2).version()));
    talk.wants(Some(list(2)));
    assert_eq!(talk.said(), Message::StageList(list(2)));
}

#[test]
fn a_refused_list_is_reported_and_not_repeated() {
    for refusal in [
        Message::StageRefused { version: list(2).version(), text: "no room".into() },
        Message::Unsupported { message: 11 },
    ] {
        let mut talk = Talk::just_registered(hello());
        talk.wants(Some(list(2)));
        assert_eq!(talk.said(), Message::StageList(list(2)));
        talk.hears(refusal);
        let Some(Question::Report(DEVICE, Progress::StageRefused(version, _))) = talk.question() else {
            panic!("not reported")
        };
        assert_eq!(version, list(2).version());
        talk.answered(Answer::Reported(true));
        talk.session.handle_wake(&identity(), talk.now);
        talk.wants(Some(list(2)));
        assert!(talk.is_quiet());
    }
}

#[test]
fn a_list_that_changed_while_it_was_staged_is_not_tried() {
    let mut talk = Talk::just_registered(hello());
    talk.wants(Some(list(2)));
    assert_eq!(talk.said(), Message::StageList(list(2)));
    talk.session.handle_wake(&identity(), talk.now);
    talk.hears(Message::ListStaged(list(2).version()));
    talk.reports(Progress::Staged(list(2).version()), true);
    talk.wants(Some(list(3)));
    assert_eq!(talk.said(), Message::StageList(list(3)));

    let mut talk = Talk::just_registered(hello());
    talk.wants(Some(list(2)));
    assert_eq!(talk.said(), Message::StageList(list(2)));
    talk.session.handle_wake(&identity(), talk.now);
    talk.hears(Message::ListStaged(list(2).version()));
    talk.reports(Progress::Staged(list(2).version()), true);
    talk.wants(None);
    assert!(talk.is_quiet());
}

#[test]
fn an_unanswered_push_is_repeated_once_then_the_session_ends() {
    let mut talk = Talk::just_registered(hello());
    talk.wants(Some(list(2)));
    assert_eq!(talk.said(), Message::StageList(list(2)));
    talk.lives(10);
    assert_eq!(talk.said(), Message::StageList(list(2)));
    talk.lives(9);
    assert!(talk.is_quiet());
    talk.lives(1);
    assert_eq!(talk.goodbye(), Reason::TimedOut);
}

#[test]
fn an_answer_to_the_repetition_counts_once() {
    let mut talk = Talk::just_registered(hello());
    talk.wants(Some(list(2)));
    assert_eq!(talk.said(), Message::StageList(list(2)));
    talk.lives(10);
    assert_eq!(talk.said(), Message::StageList(list(2)));
    talk.hears(Message::ListStaged(list(2).version()));
    talk.hears(Message::ListStaged(list(2).version()));
    talk.reports(Progress::Staged(list(2).version()), true);
    assert!(matches!(talk.said(), Message::ProbeList { .. }));
    assert!(talk.is_quiet());
}

#[test]
fn a_list_of_which_nothing_works_is_not_tried() {
    let mut talk = Talk::just_registered(hello());
    staged(&mut talk);
    talk.reports(Progress::Staged(list(2).version()), true);
    let rows = talk.probes(&list(2), &[false, false]);
    talk.reports(Progress::Unproven(list(2).version(), rows), true);
    assert!(talk.is_quiet());
    talk.session.handle_wake(&identity(), talk.now);
    talk.wants(Some(list(2)));
    assert!(talk.is_quiet(), "it is not pushed again");
}

#[test]
fn the_entry_in_use_needs_no_other_proof() {
    let dialled = list(2).entries().as_slice()[1].clone();
    let mut talk = Talk::just_registered(Hello { dialled, ..hello() });
    staged(&mut talk);
    talk.reports(Progress::Staged(list(2).version()), true);
    let rows = talk.probes(&list(2), &[false, false]);
    talk.reports(Progress::Probed(list(2).version(), rows), true);
    assert!(matches!(talk.said(), Message::StartTrial { .. }));
}

#[test]
fn a_device_that_cannot_probe_is_put_on_trial_all_the_same() {
    let mut talk = Talk::just_registered(hello());
    staged(&mut talk);
    talk.reports(Progress::Staged(list(2).version()), true);
    assert!(matches!(talk.said(), Message::ProbeList { .. }));
    talk.hears(Message::Unsupported { message: 21 });
    assert!(matches!(talk.said(), Message::StartTrial { .. }));
}

#[test]
fn a_list_that_changed_while_it_was_probed_is_not_tried() {
    let mut talk = Talk::just_registered(hello());
    staged(&mut talk);
    talk.reports(Progress::Staged(list(2).version()), true);
    assert!(matches!(talk.said(), Message::ProbeList { .. }));
    talk.session.handle_wake(&identity(), talk.now);
    let rows: Vec<_> = list(2).entries().iter().map(|entry| row(entry, true)).collect();
    talk.hears(Message::ProbeTable { request: 9, rows: rows.clone() });
    talk.hears(Message::ProbeTable { request: 2, rows: rows.clone() });
    talk.reports(Progress::Probed(list(2).version(), rows), true);
    talk.wants(Some(list(3)));
    assert_eq!(talk.said(), Message::StageList(list(3)));
}

#[test]
fn what_is_not_on_record_when_a_session_ends_is_handed_over() {
    let mut talk = Talk::just_registered(hello());
    staged(&mut talk);
    assert!(matches!(talk.question(), Some(Question::Report(..))));
    talk.session.handle_lost(Reason::Unknown);
    assert_eq!(talk.session.take_unreported(), [Progress::Staged(list(2).version())]);

    let mut talk = Talk::just_registered(hello());
    staged(&mut talk);
    talk.session.handle_close(Reason::Replaced, "newer");
    assert_eq!(talk.session.take_unreported(), []);
}
