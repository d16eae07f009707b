//! What Prometheus reads from a server, after real devices did what is measured.

use crate::harness::{Answer, Portal, send, until};
use http::{Request, StatusCode};
use http_body_util::Full;
use server::{interfaces::metrics::Metrics, start::Running};

const DEVICE: u32 = 547_846_001;
/// Told by a standby alone, with a shared file, or with a database on a server.
const OF_OTHERS: [&str; 13] = [
    "biostar_revocations_unknown",
    "biostar_copy_missing_changes",
    "biostar_restore_test_passed",
    "biostar_restore_test_age_seconds",
    "biostar_events_to_tell",
    "biostar_lease_held",
    "biostar_replicas",
    "biostar_replicas_synchronous",
    "biostar_replication_slots_lost",
    "biostar_replication_lag_bytes",
    "biostar_copy_age_seconds",
    "biostar_copy_size_bytes",
    "biostar_peer_last_heard_seconds",
];

async fn scrape(server: &Running) -> String {
    let request = Request::builder().uri("/metrics").body(Full::default()).unwrap();
    let answer: Answer = send(server.metrics_addr.unwrap(), request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"), "{:?}", answer.headers);
    assert!(answer.text.ends_with("# EOF\n"));
    answer.text
}

/// The value of a series, given as it is written.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|value| value.parse().unwrap())
}

#[tokio::test]
async fn what_a_device_does_is_measured_and_no_label_names_it() {
    let portal = Portal::start().await;
    let token = portal.sign_in().await;
    let device = portal.device(DEVICE, &token).await;
    assert_eq!(portal.get("/devices/1", &token).await.status, StatusCode::NOT_FOUND);
    let text = scrape(&portal.running).await;
    assert_eq!(value(&text, "biostar_devices"), Some(1.0));
    assert_eq!(value(&text, "biostar_devices_connected"), Some(1.0));
    assert_eq!(value(&text, "biostar_role{role=\"active\"}"), Some(1.0));
    assert_eq!(value(&text, "biostar_role{role=\"standby\"}"), Some(0.0));
    assert_eq!(value(&text, "biostar_epoch"), Some(1.0));
    assert!(value(&text, "biostar_sessions_opened_total") >= Some(1.0), "{text}");
    for nothing in [
        "quorum_wanted",
        "quorum_in_force",
        "quorum_refused",
        "quorum_electors",
        "divergent_changes",
        "waiting_devices",
    ] {
        assert_eq!(value(&text, &format!("biostar_{nothing}")), Some(0.0), "{text}");
    }
    assert!(value(&text, "biostar_certificate_left_seconds") > Some(9.0 * 365.0 * 24.0 * 3600.0), "{text}");
    let route = "biostar_http_request_seconds_count{route=\"/api/v1/devices/{id}\",status=\"404\"}";
    assert_eq!(value(&text, route), Some(1.0), "{text}");
    assert!(!text.contains(&DEVICE.to_string()), "{text}");
    // Nothing is hidden by a name that was never used.
    let unseen = [
        "biostar_session_losses_total",
        "biostar_push_transitions_total",
        "biostar_peer_reachable",
        "biostar_pause",
        "biostar_replication_slot_bytes",
    ];
    for metric in Metrics::default().described() {
        let told = text.contains(&format!("\n{}", metric.name));
        let may_lack = unseen.contains(&&*metric.name) || OF_OTHERS.contains(&&*metric.name);
        assert!(told || may_lack, "{} is missing in\n{text}", metric.name);
    }

    drop(device);
    until("the lost session is counted", async || {
        let text = scrape(&portal.running).await;
        let lost = text.lines().filter(|line| line.starts_with("biostar_session_losses_total{reason="));
        value(&text, "biostar_devices_connected") == Some(0.0) && lost.count() >= 1
    })
    .await;
}

#[tokio::test]
async fn servers_measure_each_other() {
    let pair = crate::pair::Pair::start().await;
    let reachable = "biostar_peer_reachable{server=\"BioStar Server #1\"}";
    until("the standby tells of the active server and of its copy", async || {
        let text = scrape(&pair.two).await;
        let age = value(&text, "biostar_copy_age_seconds");
        value(&text, reachable) == Some(1.0)
            && value(&text, "biostar_role{role=\"standby\"}") == Some(1.0)
            && value(&text, "biostar_copy_size_bytes") > Some(4096.0)
            && age.is_some_and(|age| (0.0..60.0).contains(&age))
            && value(&text, "biostar_copy_missing_changes") == Some(0.0)
            && value(&text, "biostar_events_to_tell") == Some(0.0)
            && value(&text, "biostar_peer_last_heard_seconds{server=\"BioStar Server #1\"}").is_some()
    })
    .await;
    crate::pair::change(&pair.one).await;
    until("a newer copy is measured", async || {
        value(&scrape(&pair.two).await, "biostar_copy_duration_seconds_count") >= Some(1.0)
    })
    .await;
    pair.one.stop().await;
    until("the silence is told", async || value(&scrape(&pair.two).await, reachable) == Some(0.0)).await;
}

#[tokio::test]
async fn a_server_whose_metrics_port_is_taken_still_serves() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let portal = Portal::start_with(|config| config.metrics = taken).await;
    assert_eq!(portal.running.metrics_addr, None);
    let request = Request::builder().uri("/health/ready").body(Full::default()).unwrap();
    assert_eq!(portal.send(request).await.status, StatusCode::OK);
}
