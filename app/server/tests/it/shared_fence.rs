//! The holder of a shared database hangs. A server that never had a copy of it is started, serves nobody and waits; only a
//! fencing hook that reports the holder off, or the holder's end, makes it active.

use crate::{
    device::QuickDevice,
    failover::{Process, quick},
    harness::{api_request, send},
    pair::{PASSWORD, change, folder, has, join_string, until},
    shared_file::{becomes, sharing},
};
use http::{Method, StatusCode};
use model::{PeerState, Role};
use serde_json::json;
use server::{
    config::Config,
    start::{Running, start},
};
use std::{fs, path::PathBuf, time::Duration};
use tempfile::TempDir;
use tokio::time::sleep;

/// The first server is down and has no copy; the second holds the database.
struct Room {
    disk: TempDir,
    database: PathBuf,
    /// The first server's.
    first: Config,
    holder: Process,
    _holder_data: TempDir,
    /// What was changed before.
    change: String,
    _first_data: TempDir,
    _door: QuickDevice,
}

async fn room() -> Room {
    let (disk, one_data, two_data) = (folder(), folder(), folder());
    let database = disk.path().join("biostar2.db");
    let given = Config { admin_password: Some(PASSWORD.to_owned()), ..quick(one_data.path()) };
    let one = start(sharing(&database, given)).await.unwrap();
    let joining = Config { join: Some(join_string(&one).await), ..quick(two_data.path()) };
    let two = start(sharing(&database, joining)).await.unwrap();
    let device = QuickDevice::at(&one).await;
    let change = change(&one).await;
    until("the first remembers the second", async || {
        let known = one.service().list_servers().await.unwrap();
        known[1].state == PeerState::Reachable && one_data.path().join("peers.json").exists()
    })
    .await;
    let first = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..quick(one_data.path()) };
    let peers = two.peers_addr.to_string();
    two.stop().await;
    one.stop().await;
    let holder = Process::run(two_data.path(), &peers, &["--shared", database.to_str().unwrap()]).await;
    until("the second has the database", async || {
        let answer = send(holder.pages, http::Request::get("/health/active").body(Default::default()).unwrap()).await;
        answer.status == StatusCode::OK
    })
    .await;
    assert!(!one_data.path().join("copies/current.json").exists(), "the first never had a copy");
    Room { disk, database, first, holder, _holder_data: two_data, change, _first_data: one_data, _door: device }
}

async fn sign_in(server: &Running) -> (StatusCode, String) {
    let login = json!({ "login": "admin", "password": PASSWORD });
    let answer = send(server.http_addr, api_request(Method::POST, "/login", "", Some(login))).await;
    (answer.status, answer.json()["detail"].as_str().unwrap_or_default().to_owned())
}

async fn devices_at(server: &Running) -> u64 {
    let own = &server.service().identity().server_id;
    let servers = server.service().list_servers().await.unwrap();
    servers.iter().find(|known| known.id == *own).unwrap().devices
}

async fn serves_nobody(server: &Running) {
    assert_eq!(server.service().role(), Role::Standby);
    assert!(server.service().banners().await.iter().any(|banner| banner.text.contains("no records")));
    let (status, detail) = sign_in(server).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(detail.contains("no records"), "{detail}");
    assert_eq!(devices_at(server).await, 0, "it registers no device");
}

#[tokio::test]
async fn without_a_copy_a_server_waits_until_the_hung_holder_is_gone() {
    let room = room().await;
    room.holder.freeze().await;
    let one = start(sharing(&room.database, room.first.clone())).await.unwrap();
    sleep(Duration::from_secs(3)).await;
    serves_nobody(&one).await;
    room.holder.kill().await;
    becomes(&one, Role::Active).await;
    assert!(has(&one, &room.change).await);
    assert_eq!(sign_in(&one).await.0, StatusCode::OK);
    until("the device is here", async || devices_at(&one).await == 1).await;
    change(&one).await;
    one.stop().await;
}

#[tokio::test]
async fn without_a_copy_a_server_gets_one_once_the_holder_goes_on() {
    let room = room().await;
    room.holder.freeze().await;
    let one = start(sharing(&room.database, room.first.clone())).await.unwrap();
    serves_nobody(&one).await;
    room.holder.thaw().await;
    until("it has a copy", async || has(&one, &room.change).await).await;
    assert_eq!((one.service().role(), sign_in(&one).await.0), (Role::Standby, StatusCode::OK));
    room.holder.stop().await;
    becomes(&one, Role::Active).await;
    assert!(has(&one, &room.change).await);
    one.stop().await;
}

#[tokio::test]
async fn only_a_successful_fencing_hook_takes_a_hung_holders_database() {
    let room = room().await;
    let (told, allowed) = (room.disk.path().join("told"), room.disk.path().join("allowed"));
    let hook = format!(
        "echo \"$BIOSTAR_HOLDER\" >> '{}'; test -e '{}' && kill -9 {}",
        told.display(),
        allowed.display(),
        room.holder.pid()
    );
    let mut config = sharing(&room.database, room.first.clone());
    if let Some(shared) = &mut config.shared {
        shared.fence = Some(hook);
    }
    let one = start(config).await.unwrap();
    sleep(Duration::from_secs(17)).await;
    assert!(!told.exists(), "a holder that gives signs of life is not fenced");
    room.holder.freeze().await;
    let asked = async || fs::read_to_string(&told).unwrap_or_default().lines().count() >= 2;
    until("the hook was asked, and asked again", asked).await;
    assert_eq!(one.service().role(), Role::Standby, "it could not switch the other server off");
    assert!(fs::read_to_string(&told).unwrap().starts_with("BioStar Server #2\n"));
    fs::write(&allowed, "").unwrap();
    becomes(&one, Role::Active).await;
    assert_eq!(one.service().known_epoch().number, 3);
    assert!(has(&one, &room.change).await);
    change(&one).await;
    one.stop().await;
}
