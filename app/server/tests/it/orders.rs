//! What operators ask of a connected device: a test of its servers, a move, other settings.

use crate::{
    device::{DEVICE, QuickDevice, list, shown_at},
    failover::quick,
    pair::{console, folder, join_string, until},
};
use model::{Fault, MoveInput, MoveState, PeerState, PushState};
use server::{
    config::Config,
    start::{Running, start},
};
use tempfile::TempDir;

/// Two servers, and a device on the first that has both on its list.
struct Identity {
    one: Running,
    two: Running,
    device: QuickDevice,
    _data: [TempDir; 2],
}

impl Identity {
    async fn start() -> Self {
        let data = [folder(), folder()];
        let one = start(quick(data[0].path())).await.unwrap();
        let join = Some(join_string(&one).await);
        let two = start(Config { join, ..quick(data[1].path()) }).await.unwrap();
        let device = QuickDevice::at(&one).await;
        list(&one, &[one.gateway_addr, two.gateway_addr]).await;
        Self { one, two, device, _data: data }
    }
}

fn to(server: &Running, ttl_seconds: Option<u32>) -> MoveInput {
    MoveInput { address: server.gateway_addr.ip().to_string(), port: server.gateway_addr.port(), ttl_seconds }
}

#[tokio::test]
async fn a_device_tests_its_servers_and_the_outcome_is_kept() {
    let server = Identity::start().await;
    let service = server.one.service();
    let table = service.probe_servers(DEVICE, None).await.unwrap();
    let roles: Vec<_> = table.rows.iter().map(|row| row.server.as_ref().map(|server| server.role.as_str())).collect();
    assert_eq!(roles, [Some("active"), Some("standby")]);
    assert!(table.rows.iter().all(|row| row.passed && row.answer_ms.is_some() && row.resolved.is_some()));
    assert_eq!(service.find_servers(DEVICE).await.unwrap().probe, Some(table));
    let elsewhere = service.probe_servers(DEVICE, None);
    assert!(elsewhere.await.is_ok());
    drop(server.device);
    until("the device is gone", async || service.find_servers(DEVICE).await.unwrap().connected.is_none()).await;
    let gone = service.probe_servers(DEVICE, None).await;
    assert!(matches!(gone, Err(Fault::WrongState(_))), "{gone:?}");
}

#[tokio::test]
async fn a_device_is_moved_and_moved_back_from_either_portal() {
    let server = Identity::start().await;
    let (one, two) = (server.one.service(), server.two.service());
    let two_id = two.identity().server_id.clone();
    until("the copy has the list", async || two.find_servers(DEVICE).await.is_ok_and(|s| s.entries.len() == 2)).await;
    let sent = one.move_device(&console(), DEVICE, to(&server.two, None)).await.unwrap();
    assert_eq!(sent.state, MoveState::Leaving);
    until("the first shows it on the second", async || shown_at(one, &two_id).await).await;
    assert_eq!(one.find_servers(DEVICE).await.unwrap().moved.unwrap().state, MoveState::Arrived);
    let table = one.probe_servers(DEVICE, None).await.unwrap();
    assert!(table.rows.iter().all(|row| row.passed), "through the second, which holds it: {table:?}");
    one.move_device(&console(), DEVICE, to(&server.one, Some(60))).await.unwrap();
    let one_id = one.identity().server_id.clone();
    until("it is back", async || shown_at(one, &one_id).await).await;
    until("the second shows it there, too", async || shown_at(two, &one_id).await).await;
    two.move_device(&console(), DEVICE, to(&server.two, Some(60))).await.unwrap();
    until("it is on the second again", async || shown_at(one, &two_id).await).await;
    let nowhere = MoveInput { port: 9, ..to(&server.one, None) };
    assert!(matches!(one.move_device(&console(), DEVICE, nowhere).await, Err(Fault::Invalid { .. })));
    let long = to(&server.two, Some(u32::MAX));
    assert!(matches!(one.move_device(&console(), DEVICE, long).await, Err(Fault::Invalid { .. })));
}

#[tokio::test]
async fn a_device_stays_if_the_other_server_is_gone() {
    let server = Identity::start().await;
    let gone = to(&server.two, None);
    server.two.stop().await;
    let refused = server.one.service().move_device(&console(), DEVICE, gone).await;
    assert!(matches!(&refused, Err(Fault::WrongState(state)) if state.to_string().contains("refused")), "{refused:?}");
    assert!(shown_at(server.one.service(), &server.one.service().identity().server_id).await);
}

#[tokio::test]
async fn a_list_that_reaches_no_server_never_disconnects_the_device() {
    let server = Identity::start().await;
    let service = server.one.service();
    let since = service.find_servers(DEVICE).await.unwrap().connected.unwrap().since;
    let base = service.find_servers(DEVICE).await.unwrap().revision;
    let dead = crate::device::rows(&["127.0.0.1:9".parse().unwrap()]);
    service.replace_servers(&console(), DEVICE, base, dead).await.unwrap();
    until("it is given up", async || {
        service.find_servers(DEVICE).await.unwrap().push.is_some_and(|push| push.state == PushState::RolledBack)
    })
    .await;
    let servers = service.find_servers(DEVICE).await.unwrap();
    let push = servers.push.unwrap();
    assert_eq!(push.failures[0].reason, "refused");
    assert!(push.reason.unwrap().contains("no server of the list"));
    assert_eq!(servers.connected.unwrap().since, since, "it never left");
    assert_eq!(servers.probe.unwrap().rows[0].reason.as_deref(), Some("refused"));
}

#[tokio::test]
async fn a_draining_server_is_not_returned_to() {
    let server = Identity::start().await;
    let (one, two) = (server.one.service(), server.two.service());
    let (one_id, two_id) = (one.identity().server_id.clone(), two.identity().server_id.clone());
    let elsewhere = one.drain(&console(), &two_id).await;
    assert!(
        matches!(&elsewhere, Err(Fault::WrongState(state)) if state.to_string().contains("own portal")),
        "{elsewhere:?}"
    );
    let draining = one.drain(&console(), &one_id).await.unwrap();
    assert_eq!((draining.draining, draining.devices), (true, 1));
    assert!(matches!(one.drain(&console(), &one_id).await, Err(Fault::WrongState(_))), "it is under way");
    until("it is on the second", async || shown_at(one, &two_id).await).await;
    // The second is a standby: the device looks for the active server at once, and is told that it is not welcome.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(shown_at(one, &two_id).await, "it stays there");
    assert!(one.list_servers().await.unwrap()[0].draining);
    assert!(one.banners().await.iter().any(|banner| banner.text.contains("sends its devices")));
    assert!(!one.end_drain(&console(), &one_id).await.unwrap().draining);
    assert_eq!(one.banners().await.len(), 0);
    server.two.stop().await;
    until("the first notices", async || one.list_servers().await.unwrap()[1].state == PeerState::Unreachable).await;
    let lone = one.drain(&console(), &one_id).await;
    assert!(matches!(&lone, Err(Fault::WrongState(state)) if state.to_string().contains("nowhere")), "{lone:?}");
}
