//! Two whole servers of one installation: joining, copies of the database, and what each knows of the other.

use crate::{
    device::{DEVICE, QuickDevice, connection, list, shown_at},
    failover::quick,
    false_server::FalseServer,
    pair::{PASSWORD, Pair, change, console, first, folder, has, join_string, second, until},
    raw_device::new_key,
};
use gateway::{
    authority::Authority,
    server::Refusal,
    tls::{self, Trust, client_config, server_name},
    wire::{DeviceId, Reason},
};
use model::{Fault, PeerState, Role, SignInInput};
use rcgen::CertificateParams;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use server::{
    clock::Clock,
    cluster::join_string::JoinString,
    config::Config,
    db::{DATABASE_FILE, Manifest},
    keys::Keys,
    start::{Running, start},
};
use sqlx::{Connection as _, SqliteConnection};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

async fn states(server: &Running) -> Vec<(String, Role, PeerState)> {
    let servers = server.service().list_servers().await.unwrap();
    servers.into_iter().map(|server| (server.name, server.role, server.state)).collect()
}

/// What a failed join may leave: the lock, and nothing that makes the folder a server's.
fn assert_empty(data: &Path) {
    for name in ["server.json", "keys", "biostar2.db", "local.db", "peers.json", "copies"] {
        assert!(!data.join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn servers_find_each_other_by_name() {
    let named = |data| Config { advertise: Some("localhost".to_owned()), ..quick(data) };
    let (one_data, two_data) = (folder(), folder());
    let one = start(named(one_data.path())).await.unwrap();
    let string = join_string(&one).await;
    let two = start(Config { join: Some(string), ..named(two_data.path()) }).await.unwrap();
    let told = change(&one).await;
    until("the copy came", async || has(&two, &told).await).await;
    // So they are written down for the next start, on either side.
    for (data, other) in [(&one_data, &two), (&two_data, &one)] {
        let name = format!("localhost:{}", other.peers_addr.port());
        until("the name is written down", async || {
            fs::read_to_string(data.path().join("peers.json")).is_ok_and(|file| file.contains(&name))
        })
        .await;
    }
    let ports = Config { peers: two.peers_addr, gateway: two.gateway_addr, ..named(two_data.path()) };
    two.stop().await;
    let two = start(ports).await.unwrap();
    let told = change(&one).await;
    until("it goes on after a start", async || has(&two, &told).await).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn the_second_server_knows_what_the_first_knows() {
    let Pair { one, two, two_data, one_data: _kept } = Pair::start().await;
    assert_eq!(two.service().identity().installation_id, one.service().identity().installation_id);
    assert_eq!(two.service().identity().server_name, "BioStar Server #2");
    for file in fs::read_dir(two_data.path().join("keys")).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let expected = |one: PeerState, two: PeerState| {
        [("BioStar Server #1".to_owned(), Role::Active, one), ("BioStar Server #2".to_owned(), Role::Standby, two)]
    };
    until("each answers the other", async || {
        states(&one).await == expected(PeerState::This, PeerState::Reachable)
            && states(&two).await == expected(PeerState::Reachable, PeerState::This)
    })
    .await;
    let input = SignInInput { login: "admin".to_owned(), password: PASSWORD.to_owned() };
    let here = one.service().sign_in(input.clone(), None).await.unwrap();
    let there = two.service().sign_in(input, None).await.unwrap();
    for token in [&here.access_token, &there.access_token] {
        for server in [&one, &two] {
            assert_eq!(server.service().bearer_of(token, None).await.unwrap().operator.login, "admin");
        }
    }
}

#[tokio::test]
async fn a_change_is_on_the_second_server_within_5_seconds() {
    let Pair { one, two, one_data: _kept, two_data: _too } = Pair::start().await;
    for _ in 0..3 {
        let id = change(&one).await;
        let took = until("the change arrives", async || has(&two, &id).await).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    let taken = two.service().list_servers().await.unwrap()[1].copy_taken_at.clone();
    assert!(taken.is_some());
    until("the first knows what the second has", async || {
        one.service().list_servers().await.unwrap()[1].copy_taken_at == taken
    })
    .await;
}

#[tokio::test]
async fn the_standby_changes_nothing_and_says_where_to() {
    let Pair { one, two, one_data: _kept, two_data } = Pair::start().await;
    let active = "BioStar Server #1".to_owned();
    let refused = two.service().create_join_string(&console()).await;
    assert_eq!(refused, Err(Fault::NotActive { active: active.clone() }));
    assert_eq!(one.service().banners().await, []);
    until("the first answers", async || two.service().banners().await[0].text.contains("Make changes on")).await;
    one.stop().await;
    until("the first is silent", async || two.service().banners().await[0].text.contains("does not answer")).await;
    assert_eq!(states(&two).await[0], (active, Role::Active, PeerState::Unreachable));
    assert!(two.service().list_servers().await.unwrap()[0].last_heard.is_some());
    two.stop().await;
    // Alone and without the string, it is what it was.
    let two = start(Config::on_loopback(two_data.path())).await.unwrap();
    assert_eq!(states(&two).await.len(), 2);
    assert!(matches!(two.service().create_join_string(&console()).await, Err(Fault::NotActive { .. })));
}

#[tokio::test]
async fn either_may_start_first_again() {
    let Pair { one, two, one_data, two_data } = Pair::start().await;
    let (one_sites, id) = (one.peers_addr, change(&one).await);
    until("the change arrives", async || has(&two, &id).await).await;
    one.stop().await;
    two.stop().await;
    let two = start(Config::on_loopback(two_data.path())).await.unwrap();
    assert!(has(&two, &id).await, "the copy is from the last run");
    let one = start(Config { peers: one_sites, ..Config::on_loopback(one_data.path()) }).await.unwrap();
    until("each answers the other", async || {
        states(&one).await[1].2 == PeerState::Reachable && states(&two).await[0].2 == PeerState::Reachable
    })
    .await;
    let id = change(&one).await;
    until("a new change arrives", async || has(&two, &id).await).await;
}

#[tokio::test]
async fn a_join_string_is_good_once() {
    let Pair { one, two, two_data, one_data: _kept } = Pair::start().await;
    let string = join_string(&one).await;
    let third = folder();
    drop(second(third.path(), &string).await.unwrap());
    let fourth = folder();
    let refused = second(fourth.path(), &string).await.err().unwrap().to_string();
    assert!(refused.contains("used already"), "{refused}");
    assert_empty(fourth.path());
    // A server that belongs somewhere keeps to it, whatever string it is given.
    let (before, string) = (two.service().identity().clone(), join_string(&one).await);
    two.stop().await;
    let again = second(two_data.path(), &string).await.unwrap();
    assert_eq!(*again.service().identity(), before);
    drop(second(fourth.path(), &string).await.expect("it was not used up"));
}

#[tokio::test]
async fn a_join_string_lasts_15_minutes() {
    let ahead = Arc::new(AtomicI64::new(0));
    let seconds = ahead.clone();
    let clock = Clock::of(move || OffsetDateTime::now_utc() + time::Duration::seconds(seconds.load(Ordering::Relaxed)));
    let (one_data, two_data) = (folder(), folder());
    let one = start(Config { clock, ..Config::on_loopback(one_data.path()) }).await.unwrap();
    let string = join_string(&one).await;
    ahead.store(15 * 60 + 1, Ordering::Relaxed);
    let refused = second(two_data.path(), &string).await.err().unwrap().to_string();
    assert!(refused.contains("expired"), "{refused}");
    assert_empty(two_data.path());
    ahead.store(14 * 60, Ordering::Relaxed);
    second(two_data.path(), &string).await.unwrap();
}

#[tokio::test]
async fn a_wrong_join_string_joins_nothing() {
    let (one_data, other_data, two_data) = (folder(), folder(), folder());
    let (one, other) = (first(one_data.path()).await, first(other_data.path()).await);
    let good: JoinString = join_string(&one).await.parse().unwrap();
    let elsewhere: JoinString = join_string(&other).await.parse().unwrap();
    let text = good.to_string();
    let dead = vec!["127.0.0.1:1".to_owned()];
    let cases = [
        ("never a string".to_owned(), "starts with BSJ1-"),
        (text[..text.len() - 3].to_owned(), "damaged"),
        (JoinString { secret: [0; 16], ..good.clone() }.to_string(), "secret does not fit"),
        (JoinString { id: elsewhere.id.clone(), ..good.clone() }.to_string(), "not made here"),
        (JoinString { addresses: elsewhere.addresses.clone(), ..good.clone() }.to_string(), "not the expected server"),
        (JoinString { addresses: dead, ..good.clone() }.to_string(), "cannot be reached"),
    ];
    for (string, expected) in cases {
        let refused = second(two_data.path(), &string).await.err().unwrap().to_string();
        assert!(refused.contains(expected), "{refused}");
        assert_empty(two_data.path());
    }
    assert_eq!(one.service().list_servers().await.unwrap().len(), 1);
    second(two_data.path(), &text).await.expect("none of that used it up");
}

#[tokio::test]
async fn only_servers_of_the_installation_are_answered() {
    let Pair { one, two: _two, one_data, two_data: _kept } = Pair::start().await;
    let keys = Keys::load(one_data.path()).unwrap().unwrap();
    let authority = keys.authority();
    let now = OffsetDateTime::now_utc();
    let server = authority.issue_server("three", now).unwrap();
    let key = new_key();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let device = authority.issue_device(request.der(), DeviceId(547_846_001), now).unwrap().der;
    let identity = (CertificateDer::from(device), PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    let refused = ask(&one, authority, Some(identity)).await;
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("not for devices"), "{refused}");
    let refused = ask(&one, authority, None).await;
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("certificate is needed"), "{refused}");
    let identity = || {
        let key = PrivateKeyDer::from_pem_slice(server.key_pem.as_bytes()).unwrap();
        Some((CertificateDer::from_pem_slice(server.certificate_pem.as_bytes()).unwrap(), key))
    };
    assert!(ask(&one, authority, identity()).await.starts_with("HTTP/1.1 200"));
    let database = one_data.path().join(server::db::DATABASE_FILE).display().to_string();
    let mut database = SqliteConnection::connect(&database).await.unwrap();
    sqlx::query("insert into revocations values ($1, 'server', 'three', 'stolen', 'admin', '')")
        .bind(hex::encode(&server.serial))
        .execute(&mut database)
        .await
        .unwrap();
    let refused = ask(&one, authority, identity()).await;
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("revoked"), "{refused}");
}

/// Asks for the copy with a certificate; the answer as far as it is text.
async fn ask(
    server: &Running,
    authority: &Authority,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> String {
    let der = authority.certificate_der().clone();
    let trust = Trust::Authority { der, installation_id: authority.installation_id().to_owned() };
    let config = client_config(trust, identity, tls::Clock::system(), &[b"http/1.1"]).unwrap();
    let stream = TcpStream::connect(server.peers_addr).await.unwrap();
    let mut stream = TlsConnector::from(config).connect(server_name(), stream).await.unwrap();
    stream.write_all(b"GET /copy HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_altered_copy_is_refused_and_the_old_one_stays() {
    let Pair { one, two, one_data, two_data: _kept } = Pair::start().await;
    let id = change(&one).await;
    until("the change arrives", async || has(&two, &id).await).await;
    let address = one.peers_addr;
    let database = {
        let file = one_data.path().join("snapshot.db");
        snapshot(one_data.path(), &file).await;
        fs::read(file).unwrap()
    };
    one.stop().await;
    let kept = two.service().list_servers().await.unwrap()[1].copy_taken_at.clone();
    let manifest = Manifest { taken_at: "2030-01-01T00:00:00.000Z".to_owned(), ..FalseServer::manifest_of(&database) };
    let mut flipped = database.clone();
    flipped[database.len() / 2] ^= 1;
    let cases = [
        (manifest.clone(), flipped),
        (manifest.clone(), database[..database.len() - 1].to_vec()),
        (manifest.clone(), [database.clone(), vec![0]].concat()),
        // Hashed after it was damaged.
        (FalseServer::manifest_of(&database[..5000]), database[..5000].to_vec()),
    ];
    for (manifest, body) in cases {
        let server = FalseServer::start(address, one_data.path(), manifest, body).await;
        server.was_asked_for_a_copy().await;
        server.stop().await;
        assert_eq!(two.service().list_servers().await.unwrap()[1].copy_taken_at, kept);
        assert!(has(&two, &id).await);
    }
    let server = FalseServer::start(address, one_data.path(), manifest.clone(), database).await;
    until("a whole copy is put to use", async || {
        two.service().list_servers().await.unwrap()[1].copy_taken_at == Some(manifest.taken_at.clone())
    })
    .await;
    server.stop().await;
}

/// A copy of the database that differs from all before.
async fn snapshot(data: &Path, file: &Path) {
    let database = data.join(server::db::DATABASE_FILE).display().to_string();
    let mut connection = SqliteConnection::connect(&database).await.unwrap();
    let file = file.display().to_string();
    sqlx::query("vacuum into $1").bind(&file).execute(&mut connection).await.unwrap();
    let mut copy = SqliteConnection::connect(&file).await.unwrap();
    sqlx::query("update installation set created_at = '2029-01-01T00:00:00.000Z'").execute(&mut copy).await.unwrap();
    copy.close().await.unwrap();
}

#[tokio::test]
async fn a_removed_device_loses_its_session_on_the_other_server() {
    let (one_data, two_data) = (folder(), folder());
    let rare = |data: &TempDir| Config { copy_schedule: "7d".parse().unwrap(), ..quick(data.path()) };
    let one = start(rare(&one_data)).await.unwrap();
    let two = start(Config { join: Some(join_string(&one).await), ..rare(&two_data) }).await.unwrap();
    let _door = QuickDevice::at(&one).await;
    one.service().copy_now(&console(), &one.service().identity().server_id.clone()).await.unwrap();
    until("the copy has the device", async || two.service().find_device(DEVICE).await.is_ok()).await;
    list(&one, &[two.gateway_addr]).await;
    let two_id = two.service().identity().server_id.clone();
    until("it is on the second", async || shown_at(two.service(), &two_id).await).await;

    one.service().remove_device(&console(), DEVICE).await.unwrap();
    until("its session ends", async || connection(two.service()).await.is_none()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(connection(two.service()).await, None, "it is not let in again");
    assert!(one.service().find_device(DEVICE).await.is_err(), "nor learned");
    until("both know", async || one.service().banners().await.is_empty()).await;
}

#[tokio::test]
async fn a_revocation_counts_on_the_standby_whatever_its_copy_says() {
    let (one_data, two_data) = (folder(), folder());
    // Copies are taken only when somebody asks.
    let rare = |data: &TempDir| Config { copy_schedule: "7d".parse().unwrap(), ..Config::on_loopback(data.path()) };
    let one = start(rare(&one_data)).await.unwrap();
    let two = start(Config { join: Some(join_string(&one).await), ..rare(&two_data) }).await.unwrap();
    let mut database =
        SqliteConnection::connect(&one_data.path().join(DATABASE_FILE).display().to_string()).await.unwrap();
    sqlx::query(
        "insert into revocations (serial, kind, subject, reason, revoked_by, revoked_at)
         values ('0a1b', 'device', '547846001', 'lost', 'admin', '2026-11-01T08:00:00.000Z')",
    )
    .execute(&mut database)
    .await
    .unwrap();
    let refused = async |server: &Running| {
        matches!(server.service().may_register(1, "0a1b").await, Err(Refusal::Goodbye(Reason::Revoked, _)))
    };
    assert!(refused(&one).await);
    until("the second knows", async || refused(&two).await).await;
}
