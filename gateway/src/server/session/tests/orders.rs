//! Probes of this server, and orders for the device at the other end.

use super::*;
use crate::server::orders::{Order, OrderId};
use crate::wire::{MAX_REVOKED_SERVERS, RevokedServer};

#[test]
fn a_probe_is_answered_and_puts_nothing_on_record() {
    let mut talk = Talk::with_certificate();
    talk.hears(Message::Probe { protocol_version: PROTOCOL_VERSION, device: DEVICE });
    let Some(Question::MayRegister(DEVICE, serial)) = talk.question() else { panic!("not asked") };
    assert_eq!(serial, [5]);
    talk.answered(Answer::MayRegister(Box::new(identity())));
    let Message::ProbeAnswer(answer) = talk.said() else { panic!("not answered") };
    assert_eq!((answer.server_id.as_str(), answer.role), ("server-1", Role::Active));
    assert!(talk.is_closed());
}

#[test]
fn a_probe_of_a_device_that_would_be_turned_away_is_turned_away() {
    let probe = Message::Probe { protocol_version: PROTOCOL_VERSION, device: DEVICE };
    let mut talk = Talk::with_certificate();
    talk.hears(probe.clone());
    talk.question();
    talk.answered(Answer::NotAdmitted(Refusal::Goodbye(Reason::Revoked, "revoked".into())));
    assert_eq!(talk.goodbye(), Reason::Revoked);
    let mut talk = Talk::new(Shown::Nothing);
    talk.hears(probe);
    assert_eq!(talk.goodbye(), Reason::NotEnrolled);
    let mut talk = Talk::with_certificate();
    talk.hears(Message::Probe { protocol_version: PROTOCOL_VERSION, device: DeviceId(2) });
    assert_eq!(talk.goodbye(), Reason::WrongIdentity);
}

fn replied(talk: &mut Talk) -> (OrderId, OrderReply) {
    match talk.session.poll_output() {
        Some(Output::Replied(id, reply)) => (id, reply),
        other => panic!("no reply but {other:?}"),
    }
}

#[test]
fn an_order_is_passed_on_and_its_answer_handed_back() {
    let mut talk = Talk::registered(hello());
    let (probe, go) = (OrderId(OrderId::FIRST + 1), OrderId(OrderId::FIRST + 2));
    let entries = list(1).entries().clone();
    talk.session.handle_order(probe, Order::Probe(entries.clone()), talk.now);
    assert_eq!(talk.said(), Message::ProbeList { request: probe.0, entries: entries.clone() });
    let to = entries.as_slice()[1].clone();
    talk.session.handle_order(go, Order::Move(to.clone(), 60), talk.now);
    assert_eq!(talk.said(), Message::Move { request: go.0, entry: to, ttl_s: 60 });
    talk.hears(Message::MoveAnswer { request: go.0, refused: "a list is on trial".into() });
    assert_eq!(replied(&mut talk), (go, OrderReply::Refused("a list is on trial".into())));
    let rows: Vec<_> = entries.iter().map(|entry| row(entry, true)).collect();
    talk.hears(Message::ProbeTable { request: probe.0, rows: rows.clone() });
    assert_eq!(replied(&mut talk), (probe, OrderReply::Probed(rows)));
    talk.hears(Message::MoveAnswer { request: go.0, refused: String::new() });
    assert!(talk.is_quiet(), "answered once");
    let ask = OrderId(OrderId::FIRST + 3);
    talk.session.handle_order(ask, Order::TellEpoch, talk.now);
    assert_eq!(talk.said(), Message::AskEpoch { request: ask.0 });
    talk.hears(Message::EpochAnswer { request: ask.0, epoch: None });
    assert_eq!(replied(&mut talk), (ask, OrderReply::Epoch(None)));
    let ask = OrderId(OrderId::FIRST + 4);
    talk.session.handle_order(ask, Order::TellList, talk.now);
    assert_eq!(talk.said(), Message::AskList { request: ask.0 });
    let kept = Box::new(list(1).with_seal(vec![1]));
    talk.hears(Message::ListAnswer { request: ask.0, list: kept.clone() });
    assert_eq!(replied(&mut talk), (ask, OrderReply::List(kept)));
}

#[test]
fn orders_fail_for_unregistered_devices_and_for_old_ones() {
    let order = || Order::Probe(list(1).entries().clone());
    let id = OrderId(OrderId::FIRST);
    let mut talk = Talk::admitting();
    talk.session.handle_order(id, order(), talk.now);
    assert_eq!(replied(&mut talk), (id, OrderReply::NotConnected));
    let mut talk = Talk::registered(hello());
    talk.session.handle_order(id, order(), talk.now);
    talk.said();
    talk.hears(Message::Unsupported { message: 0 });
    assert_eq!(replied(&mut talk), (id, OrderReply::NotUnderstood));
}

#[test]
fn removed_servers_are_told_at_once_and_whenever_there_are_more() {
    let removed = |id: &str| RevokedServer { server_id: id.into(), seal: vec![1] };
    let knows = |ids: &[&str]| Identity { revoked_servers: ids.iter().map(|id| removed(id)).collect(), ..identity() };
    let mut talk = Talk::registered(hello());
    talk.session.handle_wake(&knows(&["two"]), talk.now);
    assert_eq!(talk.said(), Message::RevokedServers(vec![removed("two")]));
    talk.wants(None);
    talk.session.handle_wake(&knows(&["two"]), talk.now);
    talk.wants(None);
    assert!(talk.is_quiet());
    talk.session.handle_wake(&knows(&["two", "three"]), talk.now);
    assert_eq!(talk.said(), Message::RevokedServers(vec![removed("two"), removed("three")]));

    let many: Vec<String> = (0..MAX_REVOKED_SERVERS + 6).map(|number| number.to_string()).collect();
    let mut talk = Talk::admitting();
    let Answer::Admitted(mut admitted) = admitted() else { panic!() };
    admitted.identity = knows(&many.iter().map(String::as_str).collect::<Vec<_>>());
    talk.answered(Answer::Admitted(admitted));
    assert!(matches!(talk.said(), Message::Registered(_)));
    let Message::RevokedServers(latest) = talk.said() else { panic!("not told at its registration") };
    assert_eq!((latest.len(), latest[0].server_id.as_str()), (MAX_REVOKED_SERVERS, "6"));
}

#[test]
fn a_server_whose_role_changed_tells_its_devices_once() {
    let mut talk = Talk::registered(hello());
    let standby = Identity { role: Role::Standby, ..identity() };
    talk.session.handle_wake(&standby, talk.now);
    assert_eq!(talk.said(), Message::ServerChanged { role: Role::Standby, epoch: standby.epoch.clone() });
    talk.wants(None);
    talk.session.handle_wake(&standby, talk.now);
    talk.wants(None);
    assert!(talk.is_quiet());
}
