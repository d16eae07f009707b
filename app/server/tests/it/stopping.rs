//! SIGTERM to the real program: its devices are told goodbye and are on the other server at once.

use crate::{
    device::{DEVICE, QuickDevice, list, shown_at},
    failover::quick,
    harness::program,
    pair::{console, folder, join_string, until},
};
use server::{
    config::Config,
    db::LOCAL_FILE,
    start::{Running, start},
};
use sqlx::{Connection as _, SqliteConnection};
use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    time::{Instant, timeout},
};

/// What the service's unit allows.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The server of `data` as a program of its own that answers, on the ports that it had in this one.
async fn serve(data: &Path, ports: [SocketAddr; 3]) -> Child {
    let [http, gateway, peers] = ports.map(|port| port.to_string());
    let mut child = Command::new(program())
        .args(["run", "--http", &http, "--gateway", &gateway, "--peers", &peers, "--metrics", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(["--log-format", "json", "--stability-seconds", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains(" answers on ") {
            return child;
        }
    }
    panic!("it did not start: {:?}", child.wait().await);
}

/// Whether the program itself has the device; the other server may still believe what was.
async fn has_device(data: &Path) -> bool {
    let said = Command::new(program()).args(["devices", "--data"]).arg(data).output().await.unwrap();
    String::from_utf8_lossy(&said.stdout).contains("\tconnected\tBioStar Server #1")
}

async fn is_on(running: &Running, server: &str) -> bool {
    shown_at(running.service(), server).await
}

#[tokio::test]
async fn devices_are_told_goodbye_and_move_on() {
    let (one_data, two_data) = (folder(), folder());
    let one = start(quick(one_data.path())).await.unwrap();
    let two = start(Config { join: Some(join_string(&one).await), ..quick(two_data.path()) }).await.unwrap();
    let (one_id, two_id) = (one.service().identity().server_id.clone(), two.service().identity().server_id.clone());
    let ports = [one.http_addr, one.gateway_addr, one.peers_addr];
    let _door = QuickDevice::at(&one).await;
    list(&one, &[one.gateway_addr, two.gateway_addr]).await;
    until("the second knows the device", async || is_on(&two, &one_id).await).await;
    one.stop().await;
    until("the device is on the second", async || is_on(&two, &two_id).await).await;
    let mut child = serve(one_data.path(), ports).await;
    until("the second sends it back", async || two.service().drain(&console(), &two_id).await.is_ok()).await;
    until("it is on the program", async || has_device(one_data.path()).await).await;
    two.service().end_drain(&console(), &two_id).await.unwrap();

    let began = Instant::now();
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let output = timeout(STOP_LIMIT, async { child.wait().await.unwrap() }).await.expect("it stops in time");
    assert!(output.success(), "{output}");
    eprintln!("stopped in {:?}", began.elapsed());
    until("the device is on the second", async || is_on(&two, &two_id).await).await;

    // A session that was lost has another reason.
    let local = one_data.path().join(LOCAL_FILE).display().to_string();
    let mut local = SqliteConnection::connect(&local).await.unwrap();
    let reason: String = sqlx::query_scalar("select end_reason from sightings where server_id = $1 and device_id = $2")
        .bind(&one_id)
        .bind(DEVICE)
        .fetch_one(&mut local)
        .await
        .unwrap();
    assert_eq!(reason, "shutting down");

    // What was logged is one JSON object a line, in UTC, without secrets.
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
    assert!(log.lines().count() >= 2, "{log}");
    for line in log.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(entry["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        assert!(entry["level"].is_string() && entry["message"].is_string(), "{line}");
    }
    assert!(log.contains("\"message\":\"stopping\""), "{log}");
}
