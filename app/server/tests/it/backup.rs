//! A server that is backed up while it works, lost, and restored: its devices find it again.

use crate::{
    harness::program,
    harness::{PASSWORD, PATIENCE, Portal, TestDevice, api_request, send, until},
    pair::{Pair, change, has},
    promotion::promote,
};
use http::Method;
use model::Role;
use serde_json::json;
use server::{
    config::Config,
    start::{Running, start},
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Output};
use tokio::{process::Command, time::timeout};

const DEVICE: u32 = 547_846_001;

async fn portal(verb: &str, file: &Path, data: &Path) -> Output {
    let mut command = Command::new(program());
    let run = command.arg(verb).arg(file).arg("--data").arg(data).kill_on_drop(true).output();
    timeout(PATIENCE, run).await.unwrap().unwrap()
}

async fn refused(verb: &str, file: &Path, data: &Path) -> String {
    let output = portal(verb, file, data).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn done(verb: &str, file: &Path, data: &Path) {
    let output = portal(verb, file, data).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("BioStar Server #1"), "{output:?}");
}

/// A server with a device, and a backup that was made beside it.
async fn backed_up() -> (Portal, TestDevice, tempfile::TempDir) {
    let portal = Portal::start().await;
    let token = portal.sign_in().await;
    let device = portal.device(DEVICE, &token).await;
    let shelf = tempfile::tempdir().unwrap();
    done("backup", &shelf.path().join("server.tar"), &portal.folder.path().join("data")).await;
    (portal, device, shelf)
}

async fn status_at(server: &Running) -> Option<String> {
    let input = json!({ "login": "admin", "password": PASSWORD });
    let signed_in = send(server.http_addr, api_request(Method::POST, "/login", "", Some(input))).await.json();
    let token = signed_in["access_token"].as_str()?;
    let device =
        send(server.http_addr, api_request(Method::GET, &format!("/devices/{DEVICE}"), token, None)).await.json();
    device["status"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn devices_find_the_restored_server() {
    let (portal, _device, shelf) = backed_up().await;
    let file = shelf.path().join("server.tar");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(shelf.path()).unwrap().count(), 1, "nothing else is left beside it");
    let (gateway, data) = (portal.running.gateway_addr, portal.folder.path().join("data"));
    assert!(refused("backup", &file, &data).await.contains("exists already"));
    assert!(refused("restore", &file, &data).await.contains("not empty"));
    portal.running.stop().await;
    fs::remove_dir_all(&data).unwrap();

    let new = tempfile::tempdir().unwrap();
    done("restore", &file, new.path()).await;
    assert!(!new.path().join("restoring").exists());
    let keys = new.path().join("keys/authority.key");
    assert_eq!(fs::metadata(keys).unwrap().permissions().mode() & 0o777, 0o600);
    let restored = start(Config { gateway, ..Config::on_loopback(new.path()) }).await.unwrap();
    until("the device is back", async || status_at(&restored).await.as_deref() == Some("connected")).await;

    // What came after the backup may be elsewhere: it changes nothing before an operator says so, also after another start.
    restored.stop().await;
    let restored = start(Config { gateway, ..Config::on_loopback(new.path()) }).await.unwrap();
    assert_eq!(restored.service().role(), Role::ReadOnly);
    promote(&restored, Some("the machine is lost")).await.unwrap();
    assert_eq!((restored.service().role(), restored.service().known_epoch().number), (Role::Active, 2));
    until("the device is back", async || status_at(&restored).await.as_deref() == Some("connected")).await;
    assert_eq!(restored.service().role(), Role::Active, "the device met later starts");
}

#[tokio::test]
async fn a_backup_holds_who_decides_on_automatic_promotion() {
    let (pair, shelf) = (Pair::start().await, tempfile::tempdir().unwrap());
    let file = shelf.path().join("server.tar");
    crate::pair::until("it is on disk", async || pair.one_data.path().join("quorum.json").exists()).await;
    done("backup", &file, pair.one_data.path()).await;
    let new = tempfile::tempdir().unwrap();
    done("restore", &file, new.path()).await;
    assert!(new.path().join("quorum.json").exists());
}

#[tokio::test]
async fn a_server_goes_back_to_a_kept_copy_and_the_other_one_follows() {
    let Pair { one, two, one_data: _one, two_data } = Pair::start().await;
    let kept = change(&one).await;
    crate::pair::until("the copy has it", async || has(&two, &kept).await).await;
    let listed = Command::new(program()).arg("copies").arg("--data").arg(two_data.path()).output().await.unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let name = listed.split('\t').next().unwrap().to_owned();
    assert!(name.ends_with(".db") && listed.lines().count() == 1 && listed.contains("change "), "{listed}");
    let back = async |name: &str| {
        let run = Command::new(program()).args(["restore", "--copy", name, "--data"]).arg(two_data.path()).output();
        timeout(PATIENCE, run).await.unwrap().unwrap()
    };
    assert!(String::from_utf8_lossy(&back(&name).await.stderr).contains("already runs"));
    let peers = two.peers_addr;
    two.stop().await;
    let mistake = change(&one).await;
    assert!(String::from_utf8_lossy(&back("1-00.db").await.stderr).contains("no kept copy"));
    let output = back(&name).await;
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("Server #2"), "{output:?}");

    let two = start(Config { peers, ..Config::on_loopback(two_data.path()) }).await.unwrap();
    assert_eq!(two.service().role(), Role::ReadOnly);
    assert!(has(&two, &kept).await && !has(&two, &mistake).await);
    let id = two.service().identity().server_id.clone();
    crate::pair::until("the servers hear each other", async || {
        two.service().promotion_evidence(&id).await.unwrap().others[0].reachable
    })
    .await;
    promote(&two, None).await.unwrap();
    assert_eq!((two.service().role(), two.service().known_epoch().number), (Role::Active, 2));
    assert!(has(&two, &kept).await && !has(&two, &mistake).await);
    crate::pair::until("the first follows", async || {
        one.service().role() == Role::Standby && has(&one, &kept).await && !has(&one, &mistake).await
    })
    .await;
    let lone = one.service().list_divergent_changes().await.unwrap();
    assert!(!lone.is_empty(), "what it had alone is listed");
}

#[tokio::test]
async fn a_backup_that_is_not_whole_leaves_the_folder_empty() {
    let (portal, _device, shelf) = backed_up().await;
    portal.running.stop().await;
    let whole = fs::read(shelf.path().join("server.tar")).unwrap();
    let at = |text: &str| whole.windows(text.len()).position(|bytes| bytes == text.as_bytes()).unwrap();
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    let newer = changed(at("\"format\": 1") + 10, b'9');
    let page = at("SQLite format 3") + 5000;
    let cases = [
        ("a page of the records", changed(page, !whole[page]), "is not what it was"),
        ("cut off", whole[..whole.len() / 2].to_vec(), "no whole backup"),
        ("no backup", b"nothing of the kind".repeat(100), "no whole backup"),
        ("of a newer program", newer, "of format 9"),
        ("another name", changed(at("\"path\": \"biostar2.db\"") + 9, b'.'), "no whole backup"),
        ("nothing", Vec::new(), "no whole backup"),
    ];
    let new = tempfile::tempdir().unwrap();
    for (what, bytes, words) in cases {
        let file = shelf.path().join("damaged.tar");
        fs::write(&file, bytes).unwrap();
        let error = refused("restore", &file, new.path()).await;
        assert!(error.contains(words), "{what}: {error}");
        assert_eq!(fs::read_dir(new.path()).unwrap().count(), 0, "{what}");
    }
    done("restore", &shelf.path().join("server.tar"), new.path()).await;
}

#[tokio::test]
async fn a_standby_and_an_empty_folder_are_not_backed_up() {
    let (pair, shelf) = (crate::pair::Pair::start().await, tempfile::tempdir().unwrap());
    let file = shelf.path().join("server.tar");
    assert!(refused("backup", &file, pair.two_data.path()).await.contains("on the active server"));
    assert!(refused("backup", &file, shelf.path()).await.contains("holds no server"));
    assert!(!file.exists());
}
