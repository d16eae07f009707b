//! `portal check`, on real servers and on folders in which something is wrong.

use crate::{
    harness::program,
    harness::{PATIENCE, Portal, until},
};
use serde_json::{Value, json};
use server::{identity::Identity, keys::Keys};
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};
use time::OffsetDateTime;
use tokio::{process::Command, time::timeout};

const DEVICE: u32 = 547_846_001;

/// What was found: `verdict check words`.
struct Checked {
    code: Option<i32>,
    findings: Vec<(String, String, String)>,
}

impl Checked {
    /// What the check says that is as bad as this.
    fn told(&self, verdict: &str, check: &str) -> &str {
        let found = self.findings.iter().find(|(name, how, _)| name == check && how == verdict);
        found.map_or_else(|| panic!("no {verdict} of {check}: {:?}", self.findings), |(_, _, words)| words)
    }

    fn bad(&self) -> Vec<&str> {
        self.findings.iter().filter(|(_, how, _)| how != "ok").map(|(name, ..)| name.as_str()).collect()
    }
}

/// Checks a folder; the doors are on any port, and the browser's half is there, unless the words say otherwise.
async fn check(data: &Path, words: &[&str]) -> Checked {
    let server = tempfile::tempdir().unwrap();
    fs::create_dir(server.path().join("pkg")).unwrap();
    fs::write(server.path().join("pkg/portal.js"), "").unwrap();
    let mut command = Command::new(program());
    command.args(["check", "--json", "--data"]).arg(data).arg("--web-root").arg(server.path());
    for device in ["--http", "--gateway", "--peers", "--metrics"] {
        if !words.contains(&device) {
            command.args([device, "127.0.0.1:0"]);
        }
    }
    let output = timeout(PATIENCE, command.args(words).kill_on_drop(true).output()).await.unwrap().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap();
    let findings = findings.iter().map(|f| (text(f, "check"), text(f, "verdict"), text(f, "words"))).collect();
    Checked { code: output.status.code(), findings }
}

#[tokio::test]
async fn a_server_is_checked_while_it_runs_and_while_it_does_not() {
    let portal = Portal::start().await;
    let data = portal.folder.path().join("data");
    let (http, gateway) = (portal.running.http_addr.to_string(), portal.running.gateway_addr.to_string());
    let devices = ["--http", &http, "--gateway", &gateway];
    let token = portal.sign_in().await;
    let _device = portal.device(DEVICE, &token).await;

    let checked = check(&data, &devices).await;
    assert_eq!(checked.code, Some(0), "{:?}", checked.findings);
    assert_eq!(checked.bad(), ["other-server", "device-lists"], "{:?}", checked.findings);
    assert!(checked.told("ok", "server").contains("Active"));
    assert!(checked.told("ok", "ports").contains(&http));
    assert!(checked.told("warning", "device-lists").contains("547846001"));

    let entries = json!({ "entries": [
        { "priority": 1, "address": "127.0.0.1", "port": portal.running.gateway_addr.port() },
        { "priority": 2, "address": "127.0.0.1", "port": 9 },
    ]});
    let saved = portal.put_servers(DEVICE, &token, Some("\"1\""), entries).await;
    assert_eq!(saved.status, 202, "{}", saved.text);
    assert_eq!(check(&data, &devices).await.bad(), ["other-server"]);

    // Another server's port is not this one's, and a port that nobody listens on is none that this server has.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    drop(other);
    let elsewhere = check(&data, &["--http", &taken]).await;
    assert!(elsewhere.told("warning", "ports").contains("other options"));

    portal.running.stop().await;
    let checked = check(&data, &devices).await;
    assert_eq!((checked.code, checked.bad()), (Some(0), vec!["other-server"]), "{:?}", checked.findings);
    assert!(checked.told("ok", "server").contains("no server runs"));
    assert!(!data.join("control.sock").exists());
}

/// A folder of a server that has stopped.
async fn stopped() -> tempfile::TempDir {
    let portal = Portal::start().await;
    portal.running.stop().await;
    portal.folder
}

#[tokio::test]
async fn what_is_wrong_with_a_folder_is_told_with_the_way_out() {
    let folder = stopped().await;
    let data = folder.path().join("data");
    assert_eq!(check(&data, &[]).await.code, Some(0));

    let key = data.join("keys/authority.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let checked = check(&data, &[]).await;
    assert_eq!(checked.code, Some(1));
    assert!(checked.told("error", "data-folder").contains("chmod"), "{:?}", checked.findings);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    let token = fs::read(data.join("keys/token.key")).unwrap();
    fs::write(data.join("keys/token.key"), "short").unwrap();
    assert!(check(&data, &[]).await.told("error", "keys").contains("restore"));
    fs::write(data.join("keys/token.key"), token).unwrap();

    let server = fs::read(data.join("server.json")).unwrap();
    fs::write(data.join("server.json"), "{").unwrap();
    assert!(check(&data, &[]).await.told("error", "description").contains("portal restore"));
    fs::write(data.join("server.json"), server).unwrap();

    let role = fs::read(data.join("role.json")).unwrap();
    fs::remove_file(data.join("role.json")).unwrap();
    assert!(check(&data, &[]).await.told("error", "description").contains("role.json"));
    fs::write(data.join("role.json"), role).unwrap();

    let late = SystemTime::now() + Duration::from_secs(3600);
    fs::File::options().write(true).open(data.join("local.db")).unwrap().set_modified(late).unwrap();
    assert!(check(&data, &[]).await.told("error", "clock").contains("NTP"));
    let now = SystemTime::now();
    fs::File::options().write(true).open(data.join("local.db")).unwrap().set_modified(now).unwrap();

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    assert!(check(&data, &["--gateway", &taken]).await.told("error", "ports").contains("taken"));
    let exposed = check(&data, &["--http", "0.0.0.0:0", "--allow-plain-http"]).await;
    assert!(exposed.told("warning", "plain-http").contains("in the clear"));

    let database = data.join("biostar2.db");
    let mut bytes = fs::read(&database).unwrap();
    let half = bytes.len() / 2;
    bytes[8192..half.max(16384)].fill(0xff);
    fs::write(&database, bytes).unwrap();
    let checked = check(&data, &[]).await;
    assert_eq!(checked.code, Some(1));
    assert!(checked.told("error", "database").contains("damaged"), "{:?}", checked.findings);
    fs::remove_file(&database).unwrap();
    assert!(check(&data, &[]).await.told("error", "database").contains("restore"));
}

#[tokio::test]
async fn certificates_that_end_are_told_before_and_after() {
    for (years, verdict, words) in [(9, "ok", "good until"), (0, "warning", "ends on"), (-1, "error", "ended on")] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        // Certificates run ten years.
        let made = OffsetDateTime::now_utc() - time::Duration::days(365 * (10 - years) - 30);
        Keys::create("site", "one", made).unwrap().save(&data).unwrap();
        let server = Identity {
            installation_id: "site".to_owned(),
            server_id: "one".to_owned(),
            server_name: "BioStar Server #1".to_owned(),
        };
        fs::write(data.join("server.json"), serde_json::to_vec(&server).unwrap()).unwrap();
        let checked = check(&data, &[]).await;
        let told = checked.told(verdict, "certificates");
        assert!(told.contains("the server's certificate") || told.contains("the authority's"), "{told}");
        let all: Vec<_> = checked.findings.iter().filter(|(name, ..)| name == "certificates").collect();
        assert!(all.iter().any(|(_, how, told)| how == verdict && told.contains(words)), "{all:?}");
    }
}

#[tokio::test]
async fn a_pair_tells_of_each_other() {
    let pair = crate::pair::Pair::start().await;
    until("both hear each other", async || {
        check(pair.two_data.path(), &[]).await.bad().is_empty()
            && check(pair.one_data.path(), &[]).await.bad().is_empty()
    })
    .await;
    assert!(check(pair.two_data.path(), &[]).await.told("ok", "copy").contains("taken at"));
    let console = crate::pair::console();
    pair.one.service().set_automatic_promotion(&console, true).await.unwrap();
    let checked = check(pair.one_data.path(), &[]).await;
    assert!(checked.told("warning", "automatic").contains("wanted and not in force: "), "{:?}", checked.findings);
    pair.one.service().set_automatic_promotion(&console, false).await.unwrap();
    until("it is off on both", async || check(pair.two_data.path(), &[]).await.bad().is_empty()).await;
    pair.one.stop().await;
    until("the silence is told", async || check(pair.two_data.path(), &[]).await.bad() == ["other-server", "copy"])
        .await;
    assert_eq!(check(pair.two_data.path(), &[]).await.code, Some(1));
    // What does not run is dialled.
    let one = check(pair.one_data.path(), &[]).await;
    assert!(one.told("ok", "other-server").contains("can be reached"), "{:?}", one.findings);
}
