//! Health, headers, the change stream, HTTPS, the console's socket, and stopping in time.

use crate::harness::{PATIENCE, Portal, api_request, open};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use rustls_pki_types::CertificateDer;
use serde_json::json;
use server::{
    config::{Config, HttpSecurity, HttpTls},
    data_folder::console_socket,
    keys::Keys,
    start::start,
};
use std::{
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    time::timeout,
};

fn get(path: &str) -> Request<Full<hyper::body::Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    let portal = Portal::start().await;
    for path in ["/health/live", "/health/ready", "/health/active"] {
        let answer = portal.send(get(path)).await;
        assert_eq!((answer.status, &answer.json()["status"]), (StatusCode::OK, &json!("ok")), "{path}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_may_do() {
    let portal = Portal::start().await;
    for path in ["/login", "/devices", "/nothing/here", "/api/v1/devices", "/health/live", "/pkg/none.js"] {
        let answer = portal.send(get(path)).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{path}: {policy}");
    }
    assert_eq!(portal.send(get("/pkg/none.js")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_is_streamed_and_the_stream_ends_with_the_server() {
    let portal = Portal::start().await;
    let token = portal.sign_in().await;
    let (status, headers, mut stream) =
        open(portal.running.http_addr, api_request(Method::GET, "/stream", &token, None)).await;
    assert_eq!((status, &headers[header::CONTENT_TYPE]), (StatusCode::OK, &"text/event-stream".parse().unwrap()));
    let made = portal.post("/provisioning", &token, json!({ "uses": 1 })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let frame = timeout(PATIENCE, stream.frame()).await.unwrap().unwrap().unwrap().into_data().unwrap();
    let text = String::from_utf8_lossy(&frame).into_owned();
    assert!(text.contains("event: change") && text.contains("\"kind\":"), "{text}");
    assert_eq!(portal.get("/stream", "").await.status, StatusCode::UNAUTHORIZED);

    let began = Instant::now();
    portal.running.stop().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    while let Some(frame) = timeout(PATIENCE, stream.frame()).await.unwrap() {
        frame.unwrap();
    }
}

#[tokio::test]
async fn a_server_with_stuck_clients_stops_in_time_and_starts_again() {
    let portal = Portal::start().await;
    let address = portal.running.http_addr;
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n").await.unwrap();
    let _half_tls = TcpStream::connect(portal.running.gateway_addr).await.unwrap();
    let began = Instant::now();
    portal.running.stop().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let mut config = Config::on_loopback(portal.folder.path().join("data"));
    config.http = address;
    let again = start(config).await.unwrap();
    assert_eq!(again.generated_password, None, "the operator is remembered");
}

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let portal = Portal::start().await;
    portal.sign_in().await;
    let began = Instant::now();
    portal.running.stop().await;
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_folder_is_served_by_one_server() {
    let portal = Portal::start().await;
    let error = start(Config::on_loopback(portal.folder.path().join("data"))).await.err().unwrap();
    assert!(error.to_string().contains("already runs"), "{error}");
}

#[tokio::test]
async fn a_first_password_that_is_too_short_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::on_loopback(folder.path());
    config.admin_password = Some("short".to_owned());
    let error = start(config).await.err().unwrap();
    assert!(error.to_string().contains("PORTAL_ADMIN_PASSWORD"), "{error}");
    assert!(error.to_string().contains("10 characters"), "{error}");
}

#[tokio::test]
async fn the_consoles_socket_is_for_the_servers_user_alone() {
    let portal = Portal::start().await;
    let data = portal.folder.path().join("data");
    let socket = console_socket(&data);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&socket), mode(&data)), (0o600, 0o700));

    let mut stream = UnixStream::connect(&socket).await.unwrap();
    let request = "GET /api/v1/devices HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    portal.running.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn https_is_served_with_a_certificate_of_the_installation() {
    let portal = Portal::start_with(|config| config.http_security = Some(HttpSecurity::Own)).await;
    let keys = Keys::load(&portal.folder.path().join("data")).unwrap().unwrap();
    let ask = "GET /authority.pem HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for name in ["localhost", "127.0.0.1"] {
        let trusted = keys.authority().certificate_der().clone();
        let answer = ask_by_https(portal.running.http_addr, name, trusted, ask).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with(keys.authority().certificate_pem()), "{answer}");
    }
}

#[tokio::test]
async fn https_serves_the_given_certificate_and_secure_cookies() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = HttpTls { certificate: folder.path().join("a.crt"), key: folder.path().join("a.key") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let portal = Portal::start_with(|config| {
        config.http_security = Some(HttpSecurity::Given(files.clone()));
        config.admin_password = Some(crate::harness::PASSWORD.to_owned());
    })
    .await;

    let form = "login=admin&password=correct+horse+51213";
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Identity: same-origin\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = ask_by_https(portal.running.http_addr, "localhost", made.cert.der().clone(), &request).await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert_eq!(answer.matches("SameSite=Strict; Secure").count(), 2, "{answer}");
}

/// The answer of a server that a client which trusts `root` alone knows as `name`.
async fn ask_by_https(address: SocketAddr, name: &'static str, root: CertificateDer<'static>, request: &str) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = connector.connect(name.try_into().unwrap(), stream).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Without a closing alert the read ends with an error; what was read stands.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
