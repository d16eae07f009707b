//! A standby that takes over by itself because most devices are on it, and an active server that steps down by itself.

use crate::{
    cluster::Cluster,
    device::{DEVICE, QuickDevice, list_of},
    failover::{Mortal, quick},
    harness::{Answer, api_request, send},
    pair::{PASSWORD, Pair, change, console, folder, has, join_string, until},
};
use http::{Method, StatusCode};
use model::{Fault, Role};
use serde_json::json;
use server::{
    config::Config,
    start::{Running, start},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Three devices that list both servers: enough to decide.
const DEVICES: [u32; 3] = [DEVICE, DEVICE + 1, DEVICE + 2];

fn hasty(data: &Path) -> Config {
    Config { promotion_hold: Duration::from_secs(3), ..quick(data) }
}

async fn devices_on_both(one: &Running, two: &Running) -> Vec<QuickDevice> {
    let mut devices = Vec::new();
    for id in DEVICES {
        devices.push(QuickDevice::numbered(one, id).await);
        list_of(one, id, &[one.gateway_addr, two.gateway_addr]).await;
    }
    devices
}

/// Switches it on and waits until both servers have it in force, with all devices.
async fn switch_on(active: &Running, standby: &Running) {
    active.service().set_automatic_promotion(&console(), true).await.unwrap();
    for server in [active, standby] {
        in_force(server).await;
    }
}

async fn in_force(server: &Running) {
    until("automatic promotion is in force", async || {
        let now = server.service().automatic_promotion().await.unwrap();
        // A standby's copy has the wish, too.
        now.in_force && now.wanted && now.electors == 3
    })
    .await;
}

#[tokio::test]
async fn a_majority_promotes_the_standby_and_the_first_steps_down() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(hasty(one_data.path())).await;
    let one = &mortal.running;
    let string = join_string(one).await;
    let two = start(Config { join: Some(string), ..hasty(two_data.path()) }).await.unwrap();
    let _doors = devices_on_both(one, &two).await;
    switch_on(one, &two).await;
    let ports = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..hasty(one_data.path()) };

    mortal.kill();
    let took = until("the second has taken over", async || two.service().role() == Role::Active).await;
    // The last answer counts for 3 s, and then 9 s pass.
    assert!(took > Duration::from_secs(9), "{took:?}");
    change(&two).await;
    let begun = two.service().list_epochs().await.unwrap().remove(0);
    assert_eq!((begun.epoch, begun.by.as_str()), (2, "system"));
    assert!(begun.stopped.as_deref().is_some_and(|how| how.contains("3 of the 3 devices")), "{begun:?}");
    let now = two.service().automatic_promotion().await.unwrap();
    assert!(now.wanted && !now.in_force && now.note.is_some(), "off until the other has joined again: {now:?}");

    let one = start(ports).await.unwrap();
    until("the first knows that it was overtaken", async || {
        one.service().banners().await.iter().any(|banner| banner.text.contains("epoch 2"))
    })
    .await;
    assert_eq!(one.service().role(), Role::ReadOnly);
    let id = one.service().identity().server_id.clone();
    until("it is standby", async || one.service().rejoin(&console(), &id).await.is_ok()).await;
    in_force(&two).await;
}

#[tokio::test]
async fn most_devices_promote_a_replica_with_its_database() {
    let mut primary = Cluster::start().await;
    let on = |cluster: &Cluster, data| Config { database: Some(cluster.address("portal")), ..hasty(data) };
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(on(&primary, one_data.path())).await;
    let one = &mortal.running;
    let replica = Cluster::replica_of(&primary, "two").await;
    let string = join_string(one).await;
    let two = start(Config { join: Some(string), ..on(&replica, two_data.path()) }).await.unwrap();
    let _doors = devices_on_both(one, &two).await;
    switch_on(one, &two).await;
    let kept = change(one).await;
    until("the replica has it", async || has(&two, &kept).await).await;

    mortal.kill();
    primary.kill();
    until("the second has taken over", async || two.service().role() == Role::Active).await;
    change(&two).await;
    assert!(has(&two, &kept).await);
    let begun = two.service().list_epochs().await.unwrap().remove(0);
    assert_eq!((begun.epoch, begun.by.as_str()), (2, "system"));
    two.stop().await;
}

#[tokio::test]
async fn an_active_server_that_hears_nobody_is_read_only_meanwhile() {
    let (one_data, two_data) = (folder(), folder());
    let one = start(hasty(one_data.path())).await.unwrap();
    let two = start(Config { join: Some(join_string(&one).await), ..hasty(two_data.path()) }).await.unwrap();
    let ports = Config { gateway: two.gateway_addr, peers: two.peers_addr, ..hasty(two_data.path()) };
    let devices = devices_on_both(&one, &two).await;
    switch_on(&one, &two).await;

    two.stop().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    change(&one).await; // The devices are here.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(one.service().banners().await, [], "they have answered since");
    drop(devices);
    until("it steps down", async || one.service().role() == Role::ReadOnly).await;
    let refused = one.service().set_automatic_promotion(&console(), false).await;
    assert!(matches!(refused, Err(Fault::NotActive { .. })), "{refused:?}");
    until("every page says why", async || {
        one.service().banners().await.iter().any(|banner| banner.text.contains("neither the other server"))
    })
    .await;

    let two = start(ports).await.unwrap();
    until("the other server answers", async || one.service().role() == Role::Active).await;
    change(&one).await;
    assert_eq!(two.service().role(), Role::Standby);
}

#[tokio::test]
async fn without_shared_devices_it_is_not_in_force_and_says_why() {
    let Pair { one, two, one_data: _kept, two_data: _kept_too } = Pair::start().await;
    let now = one.service().set_automatic_promotion(&console(), true).await.unwrap();
    assert!(now.wanted && !now.in_force, "{now:?}");
    until("it says why", async || {
        let now = one.service().automatic_promotion().await.unwrap();
        now.note.is_some_and(|note| note.contains("At least 3 devices"))
    })
    .await;
    let refused = two.service().set_automatic_promotion(&console(), true).await;
    assert!(matches!(refused, Err(Fault::NotActive { .. })), "{refused:?}");
    let off = one.service().set_automatic_promotion(&console(), false).await.unwrap();
    assert_eq!((off.wanted, off.note), (false, None));
}

async fn post(server: &Running, path: &str, token: &str, body: serde_json::Value) -> Answer {
    send(server.http_addr, api_request(Method::POST, path, token, Some(body))).await
}

#[tokio::test]
async fn an_answer_says_whether_the_change_is_on_this_server_alone() {
    let (one_data, two_data) = (folder(), folder());
    let patient = |data| Config { promotion_hold: Duration::from_secs(12), ..quick(data) };
    let admin_password = Some(PASSWORD.to_owned());
    let one = start(Config { admin_password, ..patient(one_data.path()) }).await.unwrap();
    let two = start(Config { join: Some(join_string(&one).await), ..patient(two_data.path()) }).await.unwrap();
    let devices = devices_on_both(&one, &two).await;
    switch_on(&one, &two).await;
    let login = post(&one, "/login", "", json!({ "login": "admin", "password": PASSWORD })).await;
    let token = login.json()["access_token"].as_str().unwrap().to_owned();
    let change = async || post(&one, "/provisioning", &token, json!({ "uses": 1 })).await;

    let answer = change().await;
    assert_eq!((answer.status, answer.header("saved")), (StatusCode::CREATED, ""), "all answer");
    two.stop().await;
    let begun = Instant::now();
    let answer = change().await;
    assert_eq!((answer.status, answer.header("saved")), (StatusCode::CREATED, ""), "the devices answer");
    assert!(begun.elapsed() < Duration::from_secs(1), "they are asked at once: {:?}", begun.elapsed());

    drop(devices);
    until("the devices are gone", async || {
        let view = one.service().automatic_promotion().await.unwrap();
        view.electors_here == 0
    })
    .await;
    let begun = Instant::now();
    let answer = change().await;
    assert_eq!((answer.status, answer.header("saved")), (StatusCode::CREATED, "here-alone"));
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    let banners = one.service().banners().await;
    assert!(banners.iter().any(|banner| banner.text.contains("saved here alone")), "{banners:?}");
    let read = send(one.http_addr, api_request(Method::GET, "/provisioning", &token, None)).await;
    assert_eq!((read.status, read.header("saved")), (StatusCode::OK, ""));
}
