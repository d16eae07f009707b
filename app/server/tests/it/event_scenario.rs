//! Events of real devices: in the list, over the REST API, and on both servers after a failover.

use crate::{
    device::{fast, rows},
    failover::{Mortal, quick},
    harness::{Portal, until as soon},
    pair::{console, folder, join_string, until},
};
use gateway::simulator::{FIRST_DEVICE, Fleet, FleetSettings, Happened, IDENTIFIED};
use http::StatusCode;
use model::{Event, EventQuery, ProvisioningInput, PushState};
use server::{
    Service,
    config::Config,
    start::{Running, start},
};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

const DEVICE: u32 = FIRST_DEVICE.0;

/// One device that somebody can use the door of.
pub(crate) struct EventDevice {
    fleet: Fleet,
    _stop: DropGuard,
    _state: TempDir,
}

impl EventDevice {
    /// Enrols, is accepted and registers.
    pub(crate) async fn at(active: &Running) -> Self {
        let input = ProvisioningInput { uses: 1, expires_in_seconds: 600, addresses: Vec::new() };
        let string = active.service().create_provisioning_string(&console(), input).await.unwrap().string.unwrap();
        let state = folder();
        let settings = FleetSettings {
            state_dir: state.path().to_owned(),
            count: 1,
            first_id: FIRST_DEVICE,
            provisioning: Some(string.parse().unwrap()),
            config: fast(),
            starts_per_second: 100,
        };
        let stop = CancellationToken::new();
        let fleet = Fleet::start(&settings, &stop).unwrap();
        until("the device asks", async || {
            active.service().accept_waiting_by_device_id(&console(), DEVICE).await.is_ok()
        })
        .await;
        until("the device is connected", async || {
            active.service().find_servers(DEVICE).await.is_ok_and(|servers| servers.connected.is_some())
        })
        .await;
        Self { fleet, _stop: stop.drop_guard(), _state: state }
    }

    pub(crate) async fn used(&self, count: u32, user: &str) {
        let happened = Happened { code: IDENTIFIED, user_id: user.to_owned(), count };
        self.fleet.log(FIRST_DEVICE, &happened).await.unwrap();
    }
}

/// All events of the device that a server shows, oldest first.
async fn events(service: &Service) -> Vec<Event> {
    events_of(service, DEVICE).await
}

async fn events_of(service: &Service, device: u32) -> Vec<Event> {
    let mut query = EventQuery { device: Some(device), limit: Some(200), ..EventQuery::default() };
    let mut all = Vec::new();
    loop {
        let page = service.list_events(query.clone()).await.unwrap();
        all.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            all.sort_by_key(|event| event.id);
            return all;
        }
    }
}

/// Who used the door, and for the how manieth time of how many.
pub(crate) async fn uses(service: &Service) -> Vec<String> {
    uses_of(service, DEVICE).await
}

/// The same for another device.
pub(crate) async fn uses_of(service: &Service, device: u32) -> Vec<String> {
    let uses = events_of(service, device).await.into_iter().filter(|event| event.code == IDENTIFIED);
    uses.map(|event| format!("{}: {}", event.user_id, event.detail)).collect()
}

pub(crate) fn expected(parts: &[(&str, u32)]) -> Vec<String> {
    parts.iter().flat_map(|(user, count)| (1..=*count).map(move |n| format!("{user}: {n} of {count}"))).collect()
}

/// Gives the device these servers and waits until it keeps them.
pub(crate) async fn list(active: &Running, addresses: &[SocketAddr]) {
    let service = active.service();
    let base = service.find_servers(DEVICE).await.unwrap().revision;
    service.replace_servers(&console(), DEVICE, base, rows(addresses)).await.unwrap();
    until("the device keeps its new list", async || {
        service.find_servers(DEVICE).await.unwrap().push.is_some_and(|push| push.state == PushState::Committed)
    })
    .await;
}

#[tokio::test]
async fn events_a_killed_server_had_not_passed_on_end_up_on_both() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let one = &mortal.running;
    let string = join_string(one).await;
    let two = start(Config { join: Some(string), ..quick(two_data.path()) }).await.unwrap();
    let device = EventDevice::at(one).await;
    list(one, &[one.gateway_addr, two.gateway_addr]).await;
    let ports = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..quick(one_data.path()) };
    device.used(250, "ada").await;
    let parts = [("ada", 250), ("ben", 40), ("cyd", 330)];
    until("the first has them", async || uses(one.service()).await == expected(&parts[..1])).await;
    // Acknowledged by the first, which dies before its copy can carry all of them over.
    device.used(40, "ben").await;
    until("the first has them", async || uses(one.service()).await == expected(&parts[..2])).await;
    mortal.kill();
    device.used(330, "cyd").await;
    until("the second has all", async || uses(two.service()).await == expected(&parts)).await;

    let one = start(ports).await.unwrap();
    until("the first has what the second was given", async || uses(one.service()).await == expected(&parts)).await;
    let shown = events(one.service()).await;
    let ids: Vec<u64> = shown.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "none is missing and none is there twice");
    assert!(shown.iter().all(|event| event.ring == shown[0].ring));
    // The copy brings them back to the second, and its local database lets go of them.
    until("both show the same", async || {
        events(two.service()).await == events(one.service()).await
            && two.service().list_events(EventQuery::default()).await.unwrap().total == ids.len() as u64
    })
    .await;
    device.used(3, "dan").await;
    let all = expected(&[("ada", 250), ("ben", 40), ("cyd", 330), ("dan", 3)]);
    for server in [&one, &two] {
        until("what follows is on both", async || uses(server.service()).await == all).await;
    }
}

#[tokio::test]
async fn events_are_read_over_the_api() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    let device = portal.device(DEVICE, token).await;
    let path = format!("/events?device={}&code=15104", device.id);
    soon("the device told that it was connected", async || portal.get(&path, token).await.json()["total"] == 1).await;
    let event = portal.get(&path, token).await.json()["items"][0].clone();
    assert_eq!((&event["name"], &event["id"]), (&"BioStar 2 connected".into(), &1.into()));
    assert_eq!((&event["device_id"], &event["user_id"]), (&device.id.into(), &"".into()));
    assert_eq!(event["server"], portal.running.service().identity().server_id);
    for (query, status) in [("limit=0", 422), ("since=now", 422), ("device=x", 400), ("cursor=%20", 422)] {
        let answer = portal.get(&format!("/events?{query}"), token).await;
        assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.text);
    }
    assert_eq!(portal.get("/events", "").await.status, StatusCode::UNAUTHORIZED);
}
