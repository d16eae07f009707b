//! An operator sends the device elsewhere.

use super::*;
use crate::wire::{Epoch, Message, MoveFailure, Role};

fn order(request: u64, server: u16, ttl_s: u32) -> Message {
    let entry = entries(&[1, 2, 3]).iter().find(|entry| entry.port == 50_000 + server).unwrap().clone();
    Message::Move { request, entry, ttl_s }
}

fn answers(world: &World) -> Vec<(u64, String)> {
    let answers = world.sent.iter().filter_map(|message| {
        if let Message::MoveAnswer { request, refused } = message { Some((*request, refused.clone())) } else { None }
    });
    answers.collect()
}

fn hello_failures(world: &World) -> Vec<MoveFailure> {
    let hellos =
        world.sent.iter().filter_map(|message| if let Message::Hello(hello) = message { Some(hello) } else { None });
    hellos.filter_map(|hello| hello.move_failure.clone()).collect()
}

fn world(seed: u64) -> World {
    let mut world = World::new(seed, &[1, 2, 3]);
    world.run(100);
    world.dialled();
    world
}

#[test]
fn it_tells_the_highest_epoch_that_is_on_disk() {
    let mut world = world(3);
    let told = |world: &World| {
        let answers = world.sent.iter().filter_map(|message| {
            let Message::EpochAnswer { request, epoch } = message else { return None };
            Some((*request, epoch.as_ref().map(|epoch| epoch.number)))
        });
        answers.collect::<Vec<_>>()
    };
    world.say(Message::AskEpoch { request: 7 });
    let epoch = Epoch { number: 9, server_id: "two".to_owned(), seal: Vec::new() };
    world.say(Message::ServerChanged { role: Role::Standby, epoch });
    world.say(Message::AskEpoch { request: 8 });
    assert_eq!(told(&world)[1], (8, Some(9)));
    assert!(matches!(told(&world)[0], (7, Some(number)) if number < 9));
}

#[test]
fn a_moved_device_comes_back_when_its_time_is_over() {
    let mut world = world(1);
    world.say(order(7, 3, 3600));
    world.run(2);
    assert_eq!((world.connected(), world.dialled(), answers(&world)), (Some(3), vec![3], vec![(7, String::new())]));
    world.run(3590);
    assert_eq!((world.connected(), world.probes.len()), (Some(3), 1), "only the one before it left");
    world.run(600);
    assert_eq!(world.connected(), Some(1));
}

#[test]
fn for_good_is_until_it_is_sent_elsewhere_or_gets_another_list() {
    let mut world = world(2);
    world.say(order(1, 2, 0));
    world.run(20_000);
    assert_eq!(world.connected(), Some(2));
    world.restart();
    world.until_connected(5);
    assert_eq!(world.dialled(), [2, 2], "also after a restart");
    world.set(2, Health::Refusing);
    world.until_connected(15);
    world.set(2, Health::Up);
    assert_eq!(world.connected(), Some(1));
    world.say(order(2, 1, 1));
    world.run(1000);
    assert_eq!((world.connected(), world.disk.pinned.clone()), (Some(1), None));
}

#[test]
fn it_does_not_leave_for_a_server_that_would_not_have_it() {
    for (health, limit) in [(Health::Refusing, 1), (Health::Silent, 6), (Health::Strict, 1), (Health::Busy(9), 1)] {
        let mut world = world(3);
        world.set(2, health);
        world.say(order(5, 2, 60));
        world.run(limit);
        assert_eq!((world.connected(), world.dialled()), (Some(1), vec![]));
        assert!(answers(&world)[0].1.starts_with("the device cannot register there"), "{:?}", answers(&world));
    }
}

#[test]
fn a_device_whose_move_fails_is_back_within_15_s_and_says_so() {
    for health in [Health::Mute, Health::Silent, Health::Busy(60)] {
        let mut world = world(4);
        world.say(order(5, 2, 60));
        while world.connected() == Some(1) {
            assert!(world.step(secs(9999)));
        }
        world.set(2, health);
        assert!(world.until_connected(15) < secs(15));
        assert_eq!(world.connected(), Some(1));
        let failures = hello_failures(&world);
        assert_eq!((failures.len(), failures[0].request, failures[0].failure.entry.port), (1, 5, 50_002));
        world.set(1, Health::Refusing);
        world.set(1, Health::Up);
        world.until_connected(10);
        assert_eq!(hello_failures(&world).len(), 1, "it is told once");
    }
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let mut world = world(5);
    let stranger = Message::Move { request: 1, entry: entries(&[5]).as_slice()[0].clone(), ttl_s: 0 };
    world.say(stranger);
    world.say(order(2, 1, 0));
    world.epochs.insert(1, 0);
    world.disk.epoch.as_mut().unwrap().number = 9;
    world.restart();
    world.until_connected(5);
    world.say(order(3, 2, 0));
    let answers: Vec<_> = answers(&world).into_iter().map(|(request, why)| (request, why.len() > 10)).collect();
    assert_eq!(answers, [(1, true), (2, false), (3, true)]);
    assert_eq!(world.connected(), Some(1));
}
