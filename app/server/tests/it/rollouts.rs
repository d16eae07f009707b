//! A new server list for a dozen real devices: waves, devices that are away, a list that leads nowhere, operators who
//! interfere, and a server that is killed in the middle.

use crate::{
    device::fast,
    failover::{Mortal, quick},
    gateway_server::{GatewayServer, admin, rows},
    harness::{Portal, until as ask_until},
    pair::{console, folder, until},
    raw_device::info,
};
use gateway::client::{self, ClientSettings};
use http::{Method, StatusCode};
use model::{
    Fault, ProvisioningInput, PushState, Rollout, RolloutCounts, RolloutDeviceQuery, RolloutInput, RolloutState,
    RolloutVerb, Selector,
};
use serde_json::{Value, json};
use server::{
    Service,
    config::Config,
    db::DATABASE_FILE,
    start::{Running, start},
};
use sqlx::{Connection as _, SqliteConnection};
use std::{net::SocketAddr, ops::Range, path::Path, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

const FIRST: u32 = 547_846_001;
const ALL: Selector = Selector::All { all: true };

/// A device that follows its rules, only faster.
struct QuickDevice {
    id: u32,
    state: TempDir,
    _stop: DropGuard,
}

impl QuickDevice {
    fn start(id: u32, state: TempDir, provisioning: &str) -> Self {
        let settings = ClientSettings {
            state_dir: state.path().to_owned(),
            info: info(id),
            provisioning: Some(provisioning.parse().unwrap()),
            config: fast(),
            seed: Some(u64::from(id)),
            network: None,
            events: None,
            status: None,
        };
        let stop = CancellationToken::new();
        tokio::spawn(client::run(settings, stop.clone()));
        Self { id, state, _stop: stop.drop_guard() }
    }

    /// Takes it off the network for good; what is left is its disk.
    fn unplug(self) -> TempDir {
        self.state
    }
}

/// Devices that ask to belong, and the string they ask with.
async fn newcomers(service: &Service, ids: Range<u32>) -> (Vec<QuickDevice>, String) {
    let input = ProvisioningInput { uses: ids.len().try_into().unwrap(), expires_in_seconds: 600, addresses: vec![] };
    let string = service.create_provisioning_string(&console(), input).await.unwrap().string.unwrap();
    let devices: Vec<_> = ids.map(|id| QuickDevice::start(id, folder(), &string)).collect();
    for device in &devices {
        until("the device asks", async || {
            service.list_waiting().await.unwrap().iter().any(|waiting| waiting.device_id == device.id)
        })
        .await;
    }
    (devices, string)
}

/// Devices that were accepted and are connected.
async fn connected_devices(service: &Service, ids: Range<u32>) -> Vec<QuickDevice> {
    let (devices, _) = newcomers(service, ids).await;
    for device in &devices {
        service.accept_waiting_by_device_id(&console(), device.id).await.unwrap();
    }
    for device in &devices {
        until("the device is connected", async || service.find_servers(device.id).await.unwrap().connected.is_some())
            .await;
    }
    devices
}

fn input(addresses: &[SocketAddr]) -> RolloutInput {
    RolloutInput { selector: ALL, entries: rows(addresses) }
}

/// Nobody listens there.
fn nowhere() -> SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

/// Waits longer than [`until`]: a dozen devices come one after the other.
async fn comes_to(service: &Service, id: u64, there: impl Fn(&Rollout) -> bool) -> Rollout {
    for _ in 0..1_200 {
        let rollout = service.find_rollout(id).await.unwrap();
        if there(&rollout) {
            return rollout;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still {:?}", service.find_rollout(id).await.unwrap());
}

/// Starts a server that was killed, on its ports, as soon as the system has given them back.
async fn start_again(data: &Path, (gateway, peers): (SocketAddr, SocketAddr)) -> Running {
    for _ in 0..200 {
        match start(Config { gateway, peers, ..quick(data) }).await {
            Ok(running) => return running,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("its ports stay taken");
}

async fn audited(data: &Path, action: &str) -> Vec<(String, String)> {
    let file = data.join(DATABASE_FILE);
    let mut database = SqliteConnection::connect(&file.display().to_string()).await.unwrap();
    let rows =
        sqlx::query_as("select operator, after from audit where action = $1 order by id").bind(action.to_owned());
    rows.fetch_all(&mut database).await.unwrap()
}

#[tokio::test]
async fn a_rollout_survives_its_server_and_waits_for_absent_devices() {
    let data = folder();
    let mortal = Mortal::start(quick(data.path())).await;
    let service = mortal.running.service().clone();
    let _doors = connected_devices(&service, FIRST..FIRST + 11).await;
    let (mut waiting, string) = newcomers(&service, FIRST + 11..FIRST + 12).await;
    let away = waiting.remove(0).unplug();
    service.accept_waiting_by_device_id(&console(), FIRST + 11).await.unwrap();

    let own = mortal.running.gateway_addr;
    let made = service.create_rollout(&console(), input(&[own, nowhere()]), false).await.unwrap();
    assert_eq!(made.waves.iter().map(|wave| wave.counts.devices).collect::<Vec<_>>(), [1, 1, 1, 3, 6]);
    comes_to(&service, 1, |rollout| rollout.counts.committed >= 2).await;
    let ports = (own, mortal.running.peers_addr);
    drop(service);
    mortal.kill();

    let again = start_again(data.path(), ports).await;
    let service = again.service();
    let rollout = service.find_rollout(1).await.unwrap();
    assert_eq!((rollout.state, rollout.counts.offline), (RolloutState::Running, 0), "nobody is given up at once");
    let waits = comes_to(service, 1, |rollout| rollout.counts.committed == 11).await;
    comes_to(service, 1, |rollout| rollout.counts.offline == 1).await;
    assert_eq!((waits.state, waits.counts.failed), (RolloutState::Running, 0), "{waits:?}");

    let _back = QuickDevice::start(FIRST + 11, away, &string);
    let ended = comes_to(service, 1, |rollout| rollout.state != RolloutState::Running).await;
    assert_eq!(ended.state, RolloutState::Finished);
    assert_eq!(ended.counts, RolloutCounts { devices: 12, committed: 12, ..RolloutCounts::default() });
    let devices = service.list_rollout_devices(1, RolloutDeviceQuery::default()).await.unwrap().items;
    assert!(devices.iter().all(|device| device.revision == Some(2)), "each was given one revision: {devices:?}");
    let edits = audited(data.path(), "device.servers.replace").await;
    assert_eq!(edits.len(), 12);
    assert!(edits.iter().all(|(by, after)| by == "console" && after.contains("\"rollout\":1")), "{edits:?}");
    again.stop().await;
}

#[tokio::test]
async fn a_list_that_leads_nowhere_stops_at_the_first_device() {
    let server = GatewayServer::active().await;
    let service = &server.service;
    let _doors = connected_devices(service, FIRST..FIRST + 12).await;
    let made = service.create_rollout(&admin(), input(&[nowhere()]), false).await.unwrap();
    assert_eq!((made.counts.devices, made.failure_limit), (12, 1));
    let stopped = async |failed: u64| {
        until("the rollout stops", async || {
            service.advance_rollouts().await.unwrap();
            let rollout = service.find_rollout(1).await.unwrap();
            rollout.state == RolloutState::Stopped && rollout.counts.failed == failed
        })
        .await;
        service.find_rollout(1).await.unwrap()
    };
    let first = stopped(1).await;
    assert_eq!(first.counts.waiting, 11);
    assert!(first.reason.unwrap().contains("stops at 1"));
    let devices = service.list_rollout_devices(1, RolloutDeviceQuery::default()).await.unwrap().items;
    assert_eq!((devices[0].push, devices[0].failures[0].reason.as_str()), (Some(PushState::RolledBack), "refused"));
    for id in devices.iter().skip(1).map(|device| device.device) {
        assert_eq!(service.find_servers(id).await.unwrap().revision, 1, "{id} is untouched");
    }
    let returned = service.find_servers(devices[0].device).await.unwrap();
    assert_eq!(returned.entries[0].port, server.address.port());

    service.resume_rollout(&admin(), 1).await.unwrap();
    assert_eq!(stopped(2).await.forgiven, 1);
    let aborted = service.abort_rollout(&admin(), 1).await.unwrap();
    assert_eq!((aborted.state, aborted.counts.waiting), (RolloutState::Aborted, 10));
    let standby = server.standby().await;
    let refused = standby.service.act_on_rollout(&admin(), 1, RolloutVerb::Rollback).await;
    assert!(matches!(refused, Err(Fault::NotActive { .. })), "{refused:?}");
    assert_eq!(standby.service.find_rollout(1).await.unwrap().counts.failed, 2, "a standby shows it");
}

fn entries(port: u16, more: &str) -> Value {
    json!([
        { "address": "127.0.0.1", "port": port, "priority": 1 },
        { "address": more, "port": 51213, "priority": 2 },
    ])
}

#[tokio::test]
async fn operators_pause_resume_abort_and_take_back() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    let (service, port) = (portal.running.service(), portal.running.gateway_addr.port());
    let _doors = connected_devices(service, FIRST..FIRST + 3).await;
    let made =
        portal.post("/rollouts", token, json!({ "selector": { "all": true }, "entries": entries(port, "one") })).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::CREATED, "/api/v1/rollouts/1"), "{}", made.text);
    let verb = async |id: u64, verb: &str| portal.post(&format!("/rollouts/{id}/{verb}"), token, json!({})).await;
    let count =
        async |id: u64, name: &str| portal.get(&format!("/rollouts/{id}"), token).await.json()["counts"][name].clone();

    assert_eq!(verb(1, "pause").await.json()["state"], "paused");
    ask_until("what was begun ends", async || count(1, "under_way").await == 0).await;
    let (begun, waiting) = (count(1, "committed").await.as_u64().unwrap(), count(1, "waiting").await);
    assert!(begun <= 1, "{begun}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(count(1, "waiting").await, waiting, "a paused rollout begins nobody");
    assert_eq!(verb(1, "pause").await.problem(), "rollout-state");
    assert_eq!(verb(1, "resume").await.json()["state"], "running");
    comes_to(service, 1, |rollout| rollout.state == RolloutState::Finished).await;
    assert_eq!(count(1, "committed").await, 3);

    let read = portal.get(&format!("/devices/{FIRST}/servers"), token).await;
    let edit = json!({ "entries": entries(port, "edited") });
    let edited = portal.put_servers(FIRST, token, Some(read.header("etag")), edit).await;
    assert_eq!(edited.status, StatusCode::ACCEPTED, "{}", edited.text);
    let back = verb(1, "rollback").await;
    assert_eq!((back.status, &back.json()["rolls_back"]), (StatusCode::CREATED, &json!(1)), "{}", back.text);
    comes_to(service, 2, |rollout| rollout.state == RolloutState::Finished).await;
    assert_eq!((count(2, "committed").await, count(2, "devices").await), (json!(2), json!(2)));
    let lists = async |id: u32| portal.get(&format!("/devices/{id}/servers"), token).await.json()["entries"].clone();
    assert_eq!(lists(FIRST).await[1]["address"], "edited", "what an operator wrote since stays");
    assert_eq!(lists(FIRST + 1).await.as_array().unwrap().len(), 1);

    let made =
        portal.post("/rollouts", token, json!({ "selector": { "all": true }, "entries": entries(port, "two") })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let aborted = verb(3, "abort").await.json();
    assert_eq!((&aborted["state"], aborted["ended_at"].is_string()), (&json!("aborted"), true), "{aborted}");
    assert_eq!(verb(3, "resume").await.problem(), "rollout-state");
    let page = portal.get("/rollouts?limit=2", token).await.json();
    let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|rollout| rollout["id"].clone()).collect();
    assert_eq!((ids, &page["total"]), (vec![json!(3), json!(2)], &json!(3)));
    let rest = format!("/rollouts?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let rest = portal.get(&rest, token).await.json();
    assert_eq!((&rest["items"][0]["rolled_back_by"], &rest["next_cursor"]), (&json!(2), &Value::Null));
}

#[tokio::test]
async fn rollouts_that_make_no_sense_are_refused_at_their_fields() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    let good = entries(51213, "one");
    let post = async |body: Value| portal.post("/rollouts", token, body).await;
    for (body, fields) in [
        (json!({}), vec!["selector", "entries"]),
        (json!({ "selector": { "all": true }, "entries": good }), vec!["selector.all"]),
        (json!({ "selector": { "devices": [] }, "entries": good }), vec!["selector.devices"]),
        (json!({ "selector": { "devices": [7] }, "entries": good }), vec!["selector.devices[0]"]),
        (json!({ "selector": { "query": "x" }, "entries": good }), vec!["selector.query"]),
        (json!({ "selector": { "group": 1 }, "entries": good }), vec!["selector.group"]),
        (json!({ "selector": { "query": "x" }, "entries": [] }), vec!["entries", "selector.query"]),
        (json!({ "selector": { "query": "x" }, "entries": good, "when": "now" }), vec!["when"]),
    ] {
        let refused = post(body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.fields()),
            (422, fields.iter().map(|f| (*f).to_owned()).collect()),
            "{body}"
        );
    }
    assert_eq!(post(json!([])).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for path in ["/rollouts/1", "/rollouts/x", "/rollouts/1/devices"] {
        assert_eq!(portal.get(path, token).await.problem(), "not-found", "{path}");
    }
    assert_eq!(portal.post("/rollouts/1/abort", token, json!({})).await.problem(), "not-found");
    assert_eq!(portal.api(Method::POST, "/rollouts", "", Some(json!({}))).await.problem(), "not-signed-in");
    assert_eq!(portal.get("/rollouts?limit=0", token).await.fields(), ["limit"]);
}

#[tokio::test]
async fn the_history_of_a_list_is_read_and_gone_back_in() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    let device = portal.device(FIRST, token).await;
    let port = portal.running.gateway_addr.port();
    let path = format!("/devices/{}/servers/revisions", device.id);
    let done = portal.put_servers(FIRST, token, Some("\"1\""), json!({ "entries": entries(port, "one") })).await;
    assert_eq!(done.status, StatusCode::ACCEPTED, "{}", done.text);
    let page = portal.get(&format!("{path}?limit=1"), token).await.json();
    let newest = &page["items"][0];
    assert_eq!((&newest["number"], &newest["source"], &newest["by"]), (&json!(2), &json!("edit"), &json!("admin")));
    assert_eq!(newest["changes"].as_array().unwrap().len(), 1, "{newest}");
    assert!(newest["push"]["state"].is_string());
    let older = portal.get(&format!("{path}?cursor={}", page["next_cursor"].as_str().unwrap()), token).await.json();
    assert_eq!((&older["items"][0]["number"], &older["items"][0]["push"]), (&json!(1), &Value::Null));

    let restore = async |number: &str, if_match: Option<&str>| {
        let path = format!("{path}/{number}/restore");
        let mut request = crate::harness::api_request(Method::POST, &path, token, None);
        if let Some(if_match) = if_match {
            request.headers_mut().insert("if-match", if_match.parse().unwrap());
        }
        portal.send(request).await
    };
    assert_eq!(restore("1", None).await.status.as_u16(), 428);
    assert_eq!(restore("1", Some("\"1\"")).await.status.as_u16(), 412);
    for unknown in ["9", "x"] {
        assert_eq!(restore(unknown, Some("\"2\"")).await.problem(), "not-found");
    }
    let restored = restore("1", Some("\"2\"")).await;
    assert_eq!((restored.status, restored.header("etag")), (StatusCode::ACCEPTED, "\"3\""), "{}", restored.text);
    assert_eq!(restored.json()["entries"].as_array().unwrap().len(), 1);
    assert_eq!(portal.get("/devices/7/servers/revisions", token).await.problem(), "not-found");
}
