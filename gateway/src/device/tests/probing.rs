//! What the device finds out from its own network when a server asks.

use super::*;
use crate::wire::{EntryProbe, Message};

fn tables(world: &World) -> Vec<(u64, Vec<EntryProbe>)> {
    let tables = world.sent.iter().filter_map(|message| {
        if let Message::ProbeTable { request, rows } = message { Some((*request, rows.clone())) } else { None }
    });
    tables.collect()
}

#[test]
fn every_entry_is_tried_at_once_and_the_session_stays() {
    let mut world = World::new(1, &[1, 2]);
    world.run(10);
    world.set(3, Health::Silent);
    world.set(4, Health::Foreign);
    world.say(Message::ProbeList { request: 9, entries: entries(&[1, 3, 2, 4]) });
    world.say(Message::ProbeList { request: 9, entries: entries(&[1, 3, 2, 4]) });
    world.run(6);
    let tables = tables(&world);
    assert_eq!((tables.len(), tables[0].0, world.probes.len()), (1, 9, 4));
    let outcomes: Vec<_> = tables[0]
        .1
        .iter()
        .map(|row| (row.entry.port, row.outcome.as_ref().map(|_| ()).map_err(|(kind, _)| *kind)))
        .collect();
    let timed_out = Err(FailureKind::TimedOut);
    let foreign = Err(FailureKind::ForeignInstallation);
    assert_eq!(outcomes, [(50_001, Ok(())), (50_003, timed_out), (50_002, Ok(())), (50_004, foreign)]);
    assert_eq!((world.connected(), world.dialled()), (Some(1), vec![1]));
}

#[test]
fn another_question_takes_the_place_of_the_one_before() {
    let mut world = World::new(2, &[1, 2]);
    world.run(10);
    world.set(3, Health::Silent);
    world.say(Message::ProbeList { request: 1, entries: entries(&[3]) });
    world.run(1);
    world.say(Message::ProbeList { request: 2, entries: entries(&[2]) });
    world.run(20);
    assert_eq!(tables(&world).iter().map(|(request, _)| *request).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_table_of_a_session_that_is_over_is_sent_to_nobody() {
    let mut world = World::new(3, &[1, 2]);
    world.run(10);
    world.set(3, Health::Silent);
    world.say(Message::ProbeList { request: 1, entries: entries(&[3, 2]) });
    world.set(1, Health::Refusing);
    world.run(60);
    assert_eq!((tables(&world).len(), world.connected()), (0, Some(2)));
}
