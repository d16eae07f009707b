//! Events: none lost, none twice, in order, on whichever server they land.

use super::*;
use crate::wire::{Event, EventUpload, MAX_UPLOAD_EVENTS, MAX_UPLOADS_OPEN, RingId};
use std::collections::BTreeSet;

/// What server `n` holds of the device's present ring, as the numbers the world gave the events.
fn held(world: &World, server: u16) -> Vec<u64> {
    let held = world.stores[&server].held(world.ring.span().ring);
    held.into_values().map(|event| event.map_or(0, |event| event.time_unix_ms)).collect()
}

/// The same of the ring itself.
fn logged(world: &World) -> Vec<u64> {
    let span = world.ring.span();
    let events = world.ring.read(span.oldest, usize::MAX);
    let lost = vec![0; usize::try_from(span.oldest - 1).unwrap()];
    lost.into_iter().chain(events.iter().map(|event| event.time_unix_ms)).collect()
}

fn uploads(world: &World) -> Vec<EventUpload> {
    let uploads = world
        .sent
        .iter()
        .filter_map(|message| if let Message::Upload(upload) = message { Some(upload.clone()) } else { None });
    uploads.collect()
}

#[test]
fn a_device_logs_that_it_was_connected_and_what_it_missed() {
    let mut world = World::new(1, &[1, 2]);
    world.set_all(Health::Refusing);
    world.log(3);
    world.run(60);
    world.set_all(Health::Up);
    world.until_connected(120);
    world.run(5);
    let codes: Vec<u32> = world.ring.read(1, 10).iter().map(|event| event.code).collect();
    assert_eq!(codes, [1, 1, 1, SERVER_CONNECTED]);
    let first = world.connected().unwrap();
    assert_eq!(held(&world, first), logged(&world));
    world.set(first, Health::Refusing);
    world.run(20);
    assert_eq!(world.connected(), Some(3 - first));
    let codes: Vec<u32> = world.ring.read(1, 10).iter().map(|event| event.code).collect();
    assert_eq!(codes[3..], [SERVER_CONNECTED, SERVER_DISCONNECTED, SERVER_CONNECTED]);
    assert_eq!(held(&world, 3 - first), logged(&world), "the second server gets all of it");
}

#[test]
fn the_server_sets_the_pace() {
    let mut world = World::new(2, &[1]);
    world.store_delay = secs(8);
    world.log(1000);
    let mut most = 0;
    let end = world.now + secs(200);
    while world.step(end) {
        let sent = uploads(&world).len();
        most = most.max(sent - world.answered);
    }
    assert_eq!(most, MAX_UPLOADS_OPEN);
    assert_eq!(held(&world, 1), logged(&world));
    assert_eq!(world.dialled(), [1], "a slow server is not left");
    let sizes = uploads(&world).into_iter().map(|upload| match upload {
        EventUpload::Events { events, .. } => events.len(),
        EventUpload::Gap { .. } | EventUpload::NewRing { .. } => 0,
    });
    assert!(sizes.clone().max() == Some(MAX_UPLOAD_EVENTS) && sizes.sum::<usize>() == 1001);
}

#[test]
fn what_was_overwritten_is_reported_and_the_rest_goes_on() {
    let mut world = World::new(3, &[1]);
    world.ring.capacity = 50;
    world.run(5);
    world.set(1, Health::Refusing);
    world.log(200);
    world.set(1, Health::Up);
    world.until_connected(60);
    world.run(5);
    let gap = uploads(&world).into_iter().find(|upload| matches!(upload, EventUpload::Gap { .. }));
    let held = held(&world, 1);
    assert_eq!(held.len() as u64, world.ring.span().newest);
    assert_eq!(gap.map(|gap| gap.last_id()), held.iter().rposition(|event| *event == 0).map(|last| last as u64 + 1));
    let span = world.ring.span();
    assert_eq!(
        held[usize::try_from(span.oldest - 1).unwrap()..],
        logged(&world)[usize::try_from(span.oldest - 1).unwrap()..]
    );
}

#[test]
fn a_server_that_lost_events_gets_them_again_in_one_session() {
    let mut world = World::new(4, &[1]);
    world.log(300);
    world.run(5);
    assert_eq!(held(&world, 1).len(), 301);
    world.stores.insert(1, EventStore::default());
    world.log(1);
    world.run(10);
    assert_eq!(held(&world, 1), logged(&world));
    assert_eq!(world.dialled(), [1]);
}

#[test]
fn a_server_that_never_stores_is_not_asked_in_a_tight_circle() {
    let mut world = World::new(5, &[1]);
    world.run(1);
    world.forgetful = true;
    world.log(250);
    world.run(60);
    assert!(uploads(&world).len() < 200, "{}", uploads(&world).len());
    assert_eq!(world.dialled(), [1]);
    world.forgetful = false;
    world.run(10);
    assert_eq!(held(&world, 1), logged(&world));
}

#[test]
fn a_device_set_back_in_time_opens_a_new_ring_and_loses_nothing() {
    let mut world = World::new(6, &[1]);
    world.log(20);
    world.run(5);
    let (old, old_disk) = (world.ring.clone(), world.disk.clone());
    world.log(30);
    world.run(5);
    let before = held(&world, 1);
    assert_eq!(before.len(), 51);

    world.set(1, Health::Refusing);
    world.ring = old.clone();
    world.disk = old_disk;
    world.restart();
    world.log(5);
    world.set(1, Health::Up);
    world.until_connected(120);
    world.run(5);
    let span = world.ring.span();
    assert_eq!(span.replaces, Some(old.span().ring));
    assert_eq!(world.stores[&1].replaced, [(span.ring, old.span().ring)]);
    let known: BTreeSet<u64> = before.into_iter().collect();
    assert_eq!(world.stores[&1].held(old.span().ring).len(), 51, "the old ring is as it was");
    assert_eq!(held(&world, 1), logged(&world));
    assert_eq!(logged(&world).len(), 6, "what was logged since, and that it connected");
    assert!(logged(&world).iter().all(|number| !known.contains(number)), "nothing twice");
}

#[test]
fn a_full_disk_delays_the_new_ring() {
    let mut world = World::new(7, &[1]);
    world.run(5);
    let ring = world.ring.span().ring;
    let event = |number| Event { time_unix_ms: number, code: 1, user_id: String::new(), detail: String::new() };
    let events = (1..=20).map(event).collect();
    world.stores.entry(1).or_default().store(&EventUpload::Events { ring, first_id: 1, events });
    world.set(1, Health::Refusing);
    world.disk_full = true;
    world.set(1, Health::Up);
    world.until_connected(60);
    world.run(20);
    assert_eq!((world.ring.span().ring, world.connected()), (ring, Some(1)));
    world.disk_full = false;
    world.run(3);
    assert_ne!(world.ring.span().ring, ring);
    world.log(3);
    world.run(3);
    assert_eq!(held(&world, 1), logged(&world));
}

#[test]
fn answers_nobody_waits_for_are_ignored() {
    let mut world = World::new(8, &[1]);
    world.run(5);
    let span = world.ring.span();
    world.say(Message::EventsStored { ring: RingId([9; 16]), watermark: 900 });
    world.say(Message::EventsStored { ring: span.ring, watermark: 900 });
    world.log(2);
    world.run(5);
    assert_eq!(world.ring.span().ring, span.ring);
    assert_eq!(held(&world, 1), logged(&world));
}

#[test]
fn a_server_without_events_keeps_its_session() {
    let mut world = World::new(9, &[1]);
    world.run(5);
    world.mute_about_events = true;
    world.log(2);
    world.run(2);
    world.say(Message::Unsupported { message: 30 });
    world.log(500);
    world.run(100);
    assert_eq!(world.dialled(), [1]);
    assert_eq!(uploads(&world).len(), 2, "that it connected, and what was sent before the answer");
}
