//! Servers that were removed from the installation.

use super::*;
use crate::wire::RevokedServer;

fn revoke(world: &mut World, server: u16) {
    let server = RevokedServer { server_id: format!("server-{server}"), seal: Vec::new() };
    world.say(Message::RevokedServers(vec![server]));
}

#[test]
fn a_removed_server_is_never_met_again_also_after_a_power_cut() {
    let mut world = World::new(1, &[1, 2, 3]);
    world.set(1, Health::Silent);
    world.until_connected(52);
    revoke(&mut world, 1);
    world.set(1, Health::Up);
    for round in 0..3 {
        world.run(4000);
        assert_eq!(world.connected(), Some(2), "in round {round}");
        world.restart();
    }
    world.run(100);
    world.set(2, Health::Refusing);
    world.until_connected(13);
    assert_eq!(world.connected(), Some(3));
}

#[test]
fn a_removed_server_is_left_as_soon_as_it_says_who_it_is() {
    let mut world = World::new(2, &[1, 2]);
    world.run(10);
    revoke(&mut world, 2);
    world.set(1, Health::Refusing);
    world.sent.clear();
    world.run(100);
    assert_eq!(world.connected(), None);
    assert!(!world.sent.iter().any(|message| matches!(message, Message::Upload(_))), "it gets no events");
    let removed = |note: &Happening| matches!(note, Happening::AttemptFailed(failure) if failure.kind == FailureKind::ServerRevoked);
    assert!(world.notes.iter().any(removed));
    world.set(1, Health::Up);
    world.until_connected(70);
    assert_eq!(world.connected(), Some(1));
}

#[test]
fn a_server_that_says_so_of_itself_is_left() {
    let mut world = World::new(3, &[1, 2]);
    world.run(10);
    revoke(&mut world, 1);
    world.until_connected(5);
    assert_eq!(world.connected(), Some(2));
    assert_eq!(world.disk.revoked_servers, ["server-1"]);
    revoke(&mut world, 1);
    world.run(10);
    assert_eq!(world.connected(), Some(2), "it is no news");
}

#[test]
fn a_probe_of_a_removed_server_fails() {
    let mut world = World::new(4, &[1, 2]);
    world.run(10);
    revoke(&mut world, 2);
    world.say(Message::ProbeList { request: 5, entries: entries(&[1, 2]) });
    world.run(10);
    let rows = |message: &Message| {
        if let Message::ProbeTable { request: 5, rows } = message { Some(rows.clone()) } else { None }
    };
    let table = world.sent.iter().find_map(rows);
    let outcomes: Vec<_> =
        table.unwrap().into_iter().map(|row| row.outcome.map_err(|(kind, _)| kind).map(drop)).collect();
    assert_eq!(outcomes, [Ok(()), Err(FailureKind::ServerRevoked)]);
}
