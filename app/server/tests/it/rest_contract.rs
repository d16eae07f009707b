//! What the REST API answers, right requests and wrong ones.

use crate::harness::{Answer, Portal, api_request, send, until};
use http::{Method, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

const DEVICE: u32 = 547_846_001;

fn entry(address: &str, port: i64, priority: i64) -> Value {
    json!({ "address": address, "port": port, "priority": priority })
}

fn entries(list: &[Value]) -> Value {
    json!({ "entries": list })
}

fn refused(answer: &Answer, status: u16, problem: &str) {
    assert_eq!((answer.status.as_u16(), &*answer.problem()), (status, problem), "{}", answer.text);
}

#[tokio::test]
async fn a_devices_servers_are_edited_on_top_of_what_was_read() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    let device = portal.device(DEVICE, token).await;
    let path = format!("/devices/{}/servers", device.id);
    let read = portal.get(&path, token).await;
    assert_eq!((read.status, read.header("etag")), (StatusCode::OK, "\"1\""), "{}", read.text);
    let gateway = portal.running.gateway_addr;
    let own = entry("127.0.0.1", gateway.port().into(), 5);
    assert_eq!(read.json()["connected"]["port"], gateway.port());

    let body = entries(&[own.clone(), entry("biostar.example", 51213, 7)]);
    refused(&portal.put_servers(DEVICE, token, None, body.clone()).await, 428, "revision-required");
    refused(&portal.put_servers(DEVICE, token, Some("1"), body.clone()).await, 400, "malformed");
    let done = portal.put_servers(DEVICE, token, Some("\"1\""), body.clone()).await;
    assert_eq!((done.status, done.header("etag")), (StatusCode::ACCEPTED, "\"2\""), "{}", done.text);
    assert_eq!(done.json()["revision"], 2);

    let stale = portal.put_servers(DEVICE, token, Some("\"1\""), body).await;
    refused(&stale, 412, "conflict");
    assert_eq!((&stale.json()["revision"], &stale.json()["by"]), (&json!(2), &json!("admin")));
    until("the device keeps the list", async || portal.get(&path, token).await.json()["push"]["state"] == "committed")
        .await;
}

#[tokio::test]
async fn bad_entries_are_refused_at_their_fields() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    portal.device(DEVICE, token).await;
    let put = async |body: Value| portal.put_servers(DEVICE, token, Some("\"1\""), body).await;
    let long = format!("{}.example", "a".repeat(64));
    let bad_addresses = [
        "",
        " ",
        "300.1.2.3",
        "1.2.3",
        "fe80::1%eth0",
        "[::1",
        "-a.example",
        "a-.example",
        "a..b",
        "a b",
        "http://biostar.example",
        "biostar.example:51213",
        "10.0.0.0/8",
        &long,
    ];
    for address in bad_addresses {
        let answer = put(entries(&[entry(address, 51213, 1)])).await;
        refused(&answer, 422, "invalid");
        assert_eq!(answer.fields(), ["entries[0].address"], "{address:?}");
    }
    for port in [0, -1, 65536, i64::MAX] {
        let answer = put(entries(&[entry("a.example", 51213, 1), entry("b.example", port, 2)])).await;
        refused(&answer, 422, "invalid");
        assert_eq!(answer.fields(), ["entries[1].port"], "{port}");
    }
    for priority in [0, -1, 256] {
        let answer = put(entries(&[entry("a.example", 51213, priority)])).await;
        refused(&answer, 422, "invalid");
        assert_eq!(answer.fields(), ["entries[0].priority"], "{priority}");
    }
    let twice = [entry("A.example", 51213, 1), entry("a.example", 51213, 2)];
    assert_eq!(put(entries(&twice)).await.fields(), ["entries[1].address"]);
    let same = [entry("a.example", 51213, 1), entry("b.example", 51213, 1)];
    assert_eq!(put(entries(&same)).await.fields(), ["entries[1].priority"]);
    let nine: Vec<_> = (1..=9).map(|n| entry("a.example", 51000 + n, n)).collect();
    assert_eq!(put(entries(&nine)).await.fields(), ["entries"]);
    assert_eq!(put(entries(&[])).await.fields(), ["entries"]);
    assert_eq!(put(json!({ "entries": [{ "address": 1, "port": "x", "priority": null }] })).await.fields().len(), 3);
    refused(&put(json!(null)).await, 422, "invalid");

    for good in ["192.0.2.1", "2001:db8::1", "[2001:db8::2]", "BioStar.example.", "bücher.example", "under_score.lan"]
    {
        let revision = portal.get(&format!("/devices/{DEVICE}/servers"), token).await.header("etag").to_owned();
        let answer = portal.put_servers(DEVICE, token, Some(&revision), entries(&[entry(good, 51213, 1)])).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{good}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_device_is_accepted_named_and_found() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    portal.waiting_device(DEVICE, token).await;
    assert_eq!(portal.get("/devices", token).await.json()["total"], 0);
    let waiting = portal.get("/waiting-devices", token).await.json();
    let id = waiting[0]["id"].as_str().unwrap();
    let accepted = portal.post(&format!("/waiting-devices/{id}/accept"), token, json!({})).await;
    assert_eq!((accepted.status, &accepted.json()["id"]), (StatusCode::OK, &json!(DEVICE)));

    let path = format!("/devices/{DEVICE}");
    let named = portal.api(Method::PATCH, &path, token, Some(json!({ "name": "Front door" }))).await;
    assert_eq!((named.status, &named.json()["name"]), (StatusCode::OK, &json!("Front door")));
    let unnamed = portal.api(Method::PATCH, &path, token, Some(json!({ "name": "" }))).await;
    refused(&unnamed, 422, "invalid");
    assert_eq!(unnamed.fields(), ["name"]);
    let missing = portal.api(Method::PATCH, &path, token, Some(json!({}))).await;
    assert_eq!(missing.fields(), ["name"]);
    let found = portal.get("/devices?q=front&limit=1", token).await.json();
    assert_eq!((&found["total"], &found["items"][0]["id"]), (&json!(1), &json!(DEVICE)));
    refused(&portal.get("/devices?limit=many", token).await, 400, "malformed");
}

#[tokio::test]
async fn what_is_not_there_or_not_readable_is_told_so() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    for path in ["/devices/1", "/devices/one", "/devices/1/servers", "/devices/99999999999", "/nothing"] {
        refused(&portal.get(path, token).await, 404, "not-found");
    }
    refused(&portal.post("/waiting-devices/nobody/accept", token, json!({})).await, 404, "not-found");
    refused(&portal.put_servers(1, token, Some("\"1\""), entries(&[entry("a.example", 1, 1)])).await, 404, "not-found");
    let wrong_method = portal.api(Method::DELETE, "/devices", token, None).await;
    refused(&wrong_method, 405, "method-not-allowed");
    assert!(!wrong_method.header("allow").is_empty());

    let mut request = api_request(Method::POST, "/provisioning", token, Some(json!({})));
    *request.body_mut() = Full::from("{ not JSON");
    refused(&portal.send(request).await, 400, "malformed");
    let mut request = api_request(Method::POST, "/provisioning", token, Some(json!({ "uses": 1 })));
    request.headers_mut().remove(header::CONTENT_TYPE);
    refused(&portal.send(request).await, 400, "malformed");
    let mut request = api_request(Method::POST, "/provisioning", token, Some(json!({})));
    *request.body_mut() = Full::from(" ".repeat(70_000));
    refused(&portal.send(request).await, 413, "too-large");
    for (body, field) in [(json!({}), "uses"), (json!({ "uses": 0 }), "uses"), (json!({ "uses": -1 }), "uses")] {
        let answer = portal.post("/provisioning", token, body).await;
        refused(&answer, 422, "invalid");
        assert_eq!(answer.fields(), [field]);
    }
    refused(&portal.post("/join-strings", token, json!({})).await, 403, "forbidden");
    refused(&portal.post("/operators/admin/password-reset", token, json!({})).await, 403, "forbidden");
}

#[tokio::test]
async fn a_removed_device_is_gone_for_good() {
    let portal = Portal::start().await;
    let token = &*portal.sign_in().await;
    let _device = portal.device(DEVICE, token).await;
    let path = format!("/devices/{DEVICE}");
    let remove = async || send(portal.running.http_addr, api_request(Method::DELETE, &path, token, None)).await;
    assert_eq!(remove().await.status, StatusCode::NO_CONTENT);
    refused(&remove().await, 404, "not-found");
    refused(&portal.get(&path, token).await, 404, "not-found");
    assert_eq!(portal.get("/devices", token).await.json()["total"], 0);
}
