//! A server whose disk is full: a file system of its own, really filled.

use crate::harness::{Answer, PASSWORD, PATIENCE, TestDevice, api_request, send, until};
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{fs, io::Write as _, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

const DEVICE: u32 = 547_846_001;

/// A server whose data folder is on a file system of 4 MB that only it sees.
struct Cramped {
    http: SocketAddr,
    /// That file system as this process can reach it.
    disk: PathBuf,
    _server: Child,
    _folder: tempfile::TempDir,
}

impl Cramped {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = "mount -t tmpfs -o size=4m failover \"$0\" && exec \"$@\"";
        let any = "127.0.0.1:0";
        let mut server = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", script])
            .arg(folder.path())
            .arg(crate::harness::program())
            .args(["run", "--http", any, "--gateway", any, "--peers", any, "--metrics", any, "--data"])
            .arg(folder.path().join("data"))
            .env("PORTAL_ADMIN_PASSWORD", PASSWORD)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let greeting = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        let (_, http) = greeting.split_once(" answers on http://").unwrap();
        let disk = format!("/proc/{}/root{}", server.id().unwrap(), folder.path().display());
        Self { http: http.parse().unwrap(), disk: disk.into(), _server: server, _folder: folder }
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        send(self.http, api_request(method, path, token, body)).await
    }

    async fn put_servers(&self, token: &str) -> Answer {
        let body = json!({ "entries": [{ "priority": 1, "address": "127.0.0.1", "port": 51213 }] });
        let mut request = api_request(Method::PUT, &format!("/devices/{DEVICE}/servers"), token, Some(body));
        request.headers_mut().insert(header::IF_MATCH, "\"1\"".parse().unwrap());
        send(self.http, request).await
    }

    async fn is_connected(&self, token: &str) -> bool {
        self.ask(Method::GET, &format!("/devices/{DEVICE}"), token, None).await.json()["status"] == "connected"
    }

    /// Leaves no byte free.
    fn fill(&self) -> PathBuf {
        let path = self.disk.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for size in [64 * 1024, 512, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_neither_sessions_nor_data() {
    let portal = Cramped::start().await;
    let input = json!({ "login": "admin", "password": PASSWORD });
    let signed_in = portal.ask(Method::POST, "/login", "", Some(input)).await.json();
    let token = signed_in["access_token"].as_str().unwrap();
    let made = portal.ask(Method::POST, "/provisioning", token, Some(json!({ "uses": 1 }))).await.json();
    let device = TestDevice::start(DEVICE, made["string"].as_str().unwrap());
    until("the device waits", async || {
        portal.ask(Method::GET, "/waiting-devices", token, None).await.json()[0]["device_id"] == DEVICE
    })
    .await;
    let waiting = portal.ask(Method::GET, "/waiting-devices", token, None).await.json();
    let path = format!("/waiting-devices/{}/accept", waiting[0]["id"].as_str().unwrap());
    assert_eq!(portal.ask(Method::POST, &path, token, Some(json!({}))).await.status, StatusCode::OK);
    until("the device is connected", async || portal.is_connected(token).await).await;

    let filler = portal.fill();
    for _ in 0..3 {
        let refused = portal.put_servers(token).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text);
        assert_eq!(refused.problem(), "disk-full");
        assert!(refused.json()["detail"].as_str().unwrap().contains("disk is full"), "{}", refused.text);
    }
    sleep(Duration::from_secs(2)).await;
    assert!(portal.is_connected(token).await, "the session goes on");
    let servers = portal.ask(Method::GET, &format!("/devices/{DEVICE}/servers"), token, None).await.json();
    assert_eq!(servers["revision"], 1, "nothing was half saved");

    drop(device);
    sleep(Duration::from_secs(2)).await;
    assert!(portal.is_connected(token).await, "that it has gone cannot be written");

    fs::remove_file(filler).unwrap();
    until("it is shown as gone", async || !portal.is_connected(token).await).await;
    let saved = portal.put_servers(token).await;
    assert_eq!(saved.status, StatusCode::ACCEPTED, "{}", saved.text);
}
