//! What devices live through on a real gateway and a real store: from enrolment to a list that is kept or given up.

use crate::{
    gateway_server::{GatewayServer, admin, rows},
    raw_device::{RawDevice, hello, new_key},
};
use gateway::wire::{
    EntryFailure, FailureKind, Goodbye, Hello, Message, Reason, Rollback, RollbackCause, ServerEntry, ServerList,
};
use model::{DeviceStatus, Fault, PushState};
use sqlx::{Connection as _, SqliteConnection};
use std::net::SocketAddr;

const DEVICE: u32 = 547_846_001;

fn state_of(servers: &model::DeviceServers) -> Option<PushState> {
    servers.push.as_ref().map(|push| push.state)
}

fn on_trial(address: SocketAddr, kept: &ServerList, trial: &ServerList) -> Hello {
    Hello { trial: Some(trial.version()), ..hello(DEVICE, address, kept) }
}

#[tokio::test]
async fn a_device_enrols_registers_and_takes_a_new_list() {
    let server = GatewayServer::active().await;
    let member = server.accept(DEVICE).await;
    let first = &member.enrolled.list;
    let (device, registered) = RawDevice::register(&server, &member, hello(DEVICE, server.address, first)).await;
    assert_eq!((registered.connection_sequence, registered.server_id.as_str()), (1, "one"));
    let shown = server.service.find_device(DEVICE).await.unwrap();
    assert_eq!((shown.name.as_str(), shown.status), ("BioLite Net 547846001 (192.0.2.77)", DeviceStatus::Connected));
    let connection = shown.servers.connected.unwrap();
    assert_eq!((connection.port, connection.server.as_str()), (server.address.port(), "one"));

    let other: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let edited = server.service.replace_servers(&admin(), DEVICE, 1, rows(&[server.address, other])).await.unwrap();
    assert_eq!((edited.revision, state_of(&edited)), (2, Some(PushState::Pending)));
    let late = server.service.replace_servers(&admin(), DEVICE, 1, rows(&[other])).await;
    assert_eq!(late, Err(Fault::Conflict { revision: 2, by: "admin".to_owned() }));

    let list = device.take_list().await;
    assert_eq!(list.version().hash.to_string(), edited.hash);
    server.until(DEVICE, |servers| state_of(servers) == Some(PushState::Trial)).await;
    let (mut device, registered) = RawDevice::register(&server, &member, on_trial(server.address, first, &list)).await;
    assert_eq!(registered.connection_sequence, 2);
    device.keep_list(&list).await;
    let servers = server.until(DEVICE, |servers| state_of(servers) == Some(PushState::Committed)).await;
    assert_eq!(servers.committed.unwrap().revision, 2);
    assert!(device.is_alive().await);
    drop(device);
    server.until(DEVICE, |servers| servers.connected.is_none()).await;
}

#[tokio::test]
async fn a_rollback_is_shown_in_words_and_noted() {
    let server = GatewayServer::active().await;
    let member = server.accept(DEVICE).await;
    let first = &member.enrolled.list;
    let (device, _) = RawDevice::register(&server, &member, hello(DEVICE, server.address, first)).await;
    let dead: SocketAddr = "127.0.0.1:1".parse().unwrap();
    server.service.replace_servers(&admin(), DEVICE, 1, rows(&[dead])).await.unwrap();
    let list = device.take_list().await;

    let entry: ServerEntry = list.entries().as_slice()[0].clone();
    let failures = vec![EntryFailure { entry, kind: FailureKind::Refused, text: "os error 111".to_owned() }];
    let rollback = Rollback { version: list.version(), cause: RollbackCause::TimedOut, failures };
    let back = Hello { rollback: Some(rollback), ..hello(DEVICE, server.address, first) };
    let (mut device, _) = RawDevice::register(&server, &member, back).await;
    assert_eq!(device.hear().await, Some(Message::RollbackNoted(list.version())));
    let servers = server.servers(DEVICE).await;
    assert_eq!((servers.revision, servers.entries[0].port), (3, server.address.port()));
    assert_eq!(servers.committed.unwrap().revision, 1);
    let push = servers.push.unwrap();
    assert_eq!((push.revision, push.state), (2, PushState::RolledBack));
    assert_eq!(push.reason.as_deref(), Some("no server of the new list confirmed it in time"));
    assert_eq!((push.failures[0].port, push.failures[0].reason.as_str()), (1, "refused"));
    assert!(device.is_alive().await, "nothing more is sent: it keeps the wanted servers");
}

#[tokio::test]
async fn while_the_database_is_locked_edits_fail_and_sessions_stay() {
    let server = GatewayServer::active().await;
    let member = server.accept(DEVICE).await;
    let first = &member.enrolled.list;
    let (mut device, _) = RawDevice::register(&server, &member, hello(DEVICE, server.address, first)).await;
    let database = server.folder.path().join(server::db::DATABASE_FILE);
    let mut other = SqliteConnection::connect(&database.display().to_string()).await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let edit = server.service.replace_servers(&admin(), DEVICE, 1, rows(&[server.address])).await;
    assert!(matches!(edit, Err(Fault::StorageUnavailable(_))), "{edit:?}");
    assert!(device.is_alive().await);
    let (mut again, _) = RawDevice::register(&server, &member, hello(DEVICE, server.address, first)).await;
    assert!(again.is_alive().await, "registrations go on too");
    other.close().await.unwrap();
    assert_eq!(server.servers(DEVICE).await.revision, 1, "nothing was saved");
}

#[tokio::test]
async fn a_standby_admits_and_confirms_devices_and_changes_nothing() {
    let active = GatewayServer::active().await;
    let member = active.accept(DEVICE).await;
    let first = &member.enrolled.list;
    let standby = active.standby().await;
    let (device, _) = RawDevice::register(&active, &member, hello(DEVICE, active.address, first)).await;
    let both = rows(&[standby.address, active.address]);
    active.service.replace_servers(&admin(), DEVICE, 1, both.clone()).await.unwrap();
    let list = device.take_list().await;

    let (mut device, _) = RawDevice::register(&standby, &member, on_trial(standby.address, first, &list)).await;
    device.keep_list(&list).await;
    let shown = standby.until(DEVICE, |servers| servers.committed.as_ref().is_some_and(|c| c.revision == 2)).await;
    assert_eq!(shown.connected.unwrap().server, "two");
    let edit = standby.service.replace_servers(&admin(), DEVICE, 1, both).await;
    assert!(matches!(edit, Err(Fault::NotActive { .. })));
    standby.forward_outcomes(&active).await;
    let servers = active.until(DEVICE, |servers| state_of(servers) == Some(PushState::Committed)).await;
    assert_eq!(servers.revision, 2);

    let newcomer = active.string().await;
    let mut lost = RawDevice::enrol(&standby, 7, &new_key(), &newcomer).await;
    let Some(Message::Goodbye(Goodbye { reason, .. })) = lost.hear().await else { panic!("no goodbye") };
    assert_eq!(reason, Reason::NotEnrolled);
}

#[tokio::test]
async fn a_device_that_the_copy_lacks_is_admitted_by_the_standby() {
    let active = GatewayServer::active().await;
    let standby = active.standby().await;
    let member = active.accept(DEVICE).await;
    let said = hello(DEVICE, standby.address, &member.enrolled.list);
    let (mut device, _) = RawDevice::register(&standby, &member, said).await;
    assert!(device.is_alive().await);
}

#[tokio::test]
async fn a_replaced_certificate_ends_its_session_and_stays_refused() {
    let server = GatewayServer::active().await;
    let before = server.accept(DEVICE).await;
    let said = hello(DEVICE, server.address, &before.enrolled.list);
    let (mut session, _) = RawDevice::register(&server, &before, said.clone()).await;
    let after = server.accept(DEVICE).await;
    for device in [&mut session, &mut RawDevice::greet(&server, &before, said).await] {
        let Some(Message::Goodbye(Goodbye { reason, .. })) = device.hear().await else { panic!("no goodbye") };
        assert_eq!(reason, Reason::Revoked);
    }
    let said = hello(DEVICE, server.address, &after.enrolled.list);
    let (mut device, _) = RawDevice::register(&server, &after, said).await;
    assert!(device.is_alive().await);
}
