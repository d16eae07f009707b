//! A clock that jumps a day, ahead and back: what is timed by it goes on.

use crate::{
    device::{QuickDevice, connection, list},
    failover::quick,
    harness::{api_request, send},
    pair::{PASSWORD, change, folder, has, join_string, until},
};
use http::{Method, StatusCode};
use model::PeerState;
use serde_json::json;
use server::{
    clock::Clock,
    config::Config,
    start::{Running, start},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use time::{Duration, OffsetDateTime};

const DAY_S: i64 = 24 * 3600;

fn with_clock(data: &Path, ahead: &Arc<AtomicI64>) -> Config {
    let ahead = ahead.clone();
    let clock = Clock::of(move || OffsetDateTime::now_utc() + Duration::seconds(ahead.load(Ordering::Relaxed)));
    Config { clock, admin_password: Some(PASSWORD.to_owned()), ..quick(data) }
}

/// When the standby last tested a failover.
async fn last_restore_test(standby: &Running) -> Option<String> {
    let servers = standby.service().list_servers().await.unwrap();
    Some(servers[1].copy.clone()?.restore_test?.at)
}

async fn sign_in_and_read(server: &Running) -> StatusCode {
    let login = json!({ "login": "admin", "password": PASSWORD });
    let answer = send(server.http_addr, api_request(Method::POST, "/login", "", Some(login))).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    send(server.http_addr, api_request(Method::GET, "/devices", &token, None)).await.status
}

#[tokio::test]
async fn a_day_ahead_and_a_day_back_strand_nothing() {
    let (one_data, two_data) = (folder(), folder());
    let ahead = Arc::new(AtomicI64::new(0));
    let one = start(with_clock(one_data.path(), &ahead)).await.unwrap();
    let joining = Config { join: Some(join_string(&one).await), ..with_clock(two_data.path(), &ahead) };
    let two = start(joining).await.unwrap();
    let _door = QuickDevice::at(&one).await;
    list(&one, &[one.gateway_addr, two.gateway_addr]).await;
    until("a failover is tested", async || last_restore_test(&two).await.is_some()).await;
    let connected = connection(one.service()).await.unwrap();

    for jump in [DAY_S, 0, -DAY_S] {
        let before = last_restore_test(&two).await;
        ahead.store(jump, Ordering::Relaxed);
        let id = change(&one).await;
        until("the copy follows", async || has(&two, &id).await).await;
        for (server, other) in [(&one, 1), (&two, 0)] {
            let servers = server.service().list_servers().await.unwrap();
            assert_eq!(servers[other].state, PeerState::Reachable, "{jump}: {servers:?}");
            assert_eq!(sign_in_and_read(server).await, StatusCode::OK, "{jump}");
        }
        until("it is tested by the new time", async || last_restore_test(&two).await != before).await;
        list(&one, &[one.gateway_addr, two.gateway_addr]).await;
        let now = connection(one.service()).await.unwrap();
        assert_eq!((now.server, now.since), (connected.server.clone(), connected.since.clone()), "{jump}: it stays");
    }

    // One clock alone: nothing depends on the other's.
    let other = Arc::new(AtomicI64::new(DAY_S));
    let ports = Config { gateway: two.gateway_addr, peers: two.peers_addr, ..with_clock(two_data.path(), &other) };
    two.stop().await;
    let two = start(ports).await.unwrap();
    let id = change(&one).await;
    until("the copy follows", async || has(&two, &id).await).await;
    until("the difference is told", async || {
        let servers = one.service().list_servers().await.unwrap();
        servers[1].clock_ahead_ms.is_some_and(|ahead| (ahead - 2 * DAY_S * 1000).abs() < 5000)
    })
    .await;
    assert_eq!(sign_in_and_read(&two).await, StatusCode::OK);
}
