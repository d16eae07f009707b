//! The `portal` program as an administrator meets it.

use crate::harness::{PATIENCE, program};
use std::{
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

async fn portal(data: &Path, words: &[&str]) -> Output {
    let run = Command::new(program()).args(words).arg("--data").arg(data).kill_on_drop(true).output();
    timeout(PATIENCE, run).await.unwrap().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

/// A server on free ports.
fn serve(data: &Path, more: &[&str]) -> Child {
    serve_as(&["serve"], data, more)
}

fn serve_as(verb: &[&str], data: &Path, more: &[&str]) -> Child {
    let any = "127.0.0.1:0";
    Command::new(program())
        .args(verb)
        .args(["--http", any, "--gateway", any, "--peers", any, "--metrics", any, "--data"])
        .arg(data)
        .args(more)
        .env_remove("PORTAL_ADMIN_PASSWORD")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A server on free ports, and the password it printed.
async fn run(data: &Path) -> (Child, String) {
    let mut child = serve(data, &[]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        if let Some(password) = line.strip_prefix("password: ") {
            return (child, password.to_owned());
        }
    }
}

#[tokio::test]
async fn a_server_is_started_asked_stopped_and_its_operator_helped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut child, first) = run(&data).await;
    assert!(said(&portal(&data, &["provision", "--uses", "3"]).await).starts_with("BLN1-"));
    assert!(said(&portal(&data, &["join-string"]).await).starts_with("BSJ1-"));
    assert_eq!(said(&portal(&data, &["waiting"]).await), "");
    assert_eq!(said(&portal(&data, &["devices"]).await), "");
    assert!(refused(&portal(&data, &["accept", "547846001"]).await).contains("547846001"));
    assert!(refused(&portal(&data, &["provision", "--uses", "0"]).await).contains("uses: "));
    assert!(refused(&portal(&data, &["revoke-device", "547846001"]).await).contains("547846001"));
    assert!(!said(&portal(&data, &["user", "add", "eva"]).await).is_empty());
    assert!(refused(&portal(&data, &["user", "add", "Eva"]).await).contains("login: "));
    assert_eq!(said(&portal(&data, &["user", "list"]).await), "admin\tAdministrator\neva\teva");
    let second = said(&portal(&data, &["user", "reset", "admin"]).await);
    assert!(refused(&portal(&data, &["user", "reset", "nobody"]).await).contains("no operator nobody"));

    let began = Instant::now();
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());

    assert!(refused(&portal(&data, &["devices"]).await).contains("portal run --data"));
    let third = said(&portal(&data, &["user", "reset", "admin"]).await);
    assert!(first != second && second != third && first != third);
}

#[tokio::test]
async fn a_start_that_cannot_work_is_refused_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0";
    let words = ["run", "--http", any, "--gateway", any, "--peers", any, "--metrics", any, "--join", "nonsense"];
    let error = refused(&portal(folder.path(), &words).await);
    assert!(error.contains("BSJ1-"), "{error}");
    assert!(!folder.path().join("server.json").exists(), "nothing was made");
}

#[tokio::test]
async fn whoever_stops_reading_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, _) = run(folder.path()).await;
    let mut asked = Command::new(program())
        .args(["provision", "--uses", "1", "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(asked.stdout.take());
    let output = timeout(PATIENCE, asked.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[tokio::test]
async fn a_second_server_is_let_in_by_its_fingerprint() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_first, _) = run(one.path()).await;
    let string = said(&portal(one.path(), &["join-string"]).await);
    assert_eq!(said(&portal(one.path(), &["newcomers"]).await), "");
    let mut second = serve_as(&["join", &string], two.path(), &[]);
    let mut lines = BufReader::new(second.stdout.take().unwrap()).lines();
    let mut next = async || timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
    let fingerprint = loop {
        if let Some(fingerprint) = next().await.strip_prefix("fingerprint: ") {
            break fingerprint.to_owned();
        }
    };
    assert!(said(&portal(one.path(), &["newcomers"]).await).starts_with(&fingerprint));
    let wrong = refused(&portal(one.path(), &["confirm", "0000 1111"]).await);
    assert!(wrong.contains(&fingerprint.replace(' ', "")), "{wrong}");
    assert!(!two.path().join("keys").exists(), "nothing was handed over yet");
    said(&portal(one.path(), &["confirm", &fingerprint]).await);
    while !next().await.contains(" answers on ") {}
    assert!(two.path().join("keys").exists());
}
