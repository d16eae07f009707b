//! The active role moves between two whole servers: handed over, taken over, and back.

use crate::{
    device::{QuickDevice, list, shown_at},
    failover::{Mortal, quick},
    harness::{api_request, send},
    pair::{PASSWORD, Pair, change, console, folder, has, join_string, until},
};
use http::Method;
use model::{Fault, PromotionInput, PushState, Role, Server, SignInInput};
use serde_json::{Value, json};
use server::{
    config::Config,
    db::DATABASE_FILE,
    start::{Running, start},
};
use sqlx::{Connection as _, SqliteConnection};
use std::path::Path;

pub(crate) async fn promote(server: &Running, stopped: Option<&str>) -> Result<Vec<Server>, Fault> {
    let identity = server.service().identity();
    let input = PromotionInput { confirm: identity.server_name.clone(), stopped: stopped.map(str::to_owned) };
    server.service().promote(&console(), &identity.server_id, &input).await
}

pub(crate) async fn rejoin(server: &Running) -> Result<Vec<Server>, Fault> {
    server.service().rejoin(&console(), &server.service().identity().server_id).await
}

/// Starts a server that was killed, as soon as its ports are free.
pub(crate) async fn again(config: Config) -> Running {
    let mut running = None;
    until("it starts again", async || {
        running = start(config.clone()).await.ok();
        running.is_some()
    })
    .await;
    running.unwrap()
}

pub(crate) async fn becomes(server: &Running, role: Role) {
    until(&format!("{role:?}"), async || server.service().role() == role).await;
}

pub(crate) fn epoch(server: &Running) -> u64 {
    server.service().known_epoch().number
}

/// The fields that a refusal is about.
fn fields(outcome: Result<Vec<Server>, Fault>) -> Vec<String> {
    let Err(Fault::Invalid { errors }) = outcome else { panic!("{outcome:?}") };
    errors.into_iter().map(|error| error.field).collect()
}

#[tokio::test]
async fn a_handover_and_its_return_take_every_change_along() {
    let Pair { one, two, one_data: _one, two_data: _two } = Pair::start().await;
    let before = change(&one).await;
    let own = two.service().identity().server_id.clone();
    until("they have heard each other", async || !two.service().promotion_evidence(&own).await.unwrap().needs_account)
        .await;
    let wrong = PromotionInput { confirm: "BioStar".to_owned(), stopped: None };
    assert_eq!(fields(two.service().promote(&console(), &own, &wrong).await), ["confirm"]);
    assert!(matches!(promote(&one, None).await, Err(Fault::WrongState(_))), "it is active already");

    let servers = promote(&two, None).await.unwrap();
    assert_eq!((servers[1].role, servers[1].epoch), (Role::Active, 2));
    assert!(has(&two, &before).await, "nothing that was answered is lost");
    let after = change(&two).await;
    // Nobody has to do anything for the first: it gave its role, and follows.
    becomes(&one, Role::Standby).await;
    until("the first follows the second", async || has(&one, &after).await).await;
    assert!(one.service().create_join_string(&console()).await.is_err(), "it changes nothing");
    assert!(one.service().list_divergent_changes().await.unwrap().is_empty());

    promote(&one, None).await.unwrap();
    becomes(&two, Role::Standby).await;
    assert_eq!((epoch(&one), one.service().role()), (3, Role::Active));
    assert!(has(&one, &after).await && has(&one, &before).await);
    let kinds: Vec<String> = one.service().list_epochs().await.unwrap().into_iter().map(|begin| begin.kind).collect();
    assert_eq!(kinds, ["handover", "handover", "first"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_server_that_just_handed_over_refuses_promotion_at_first() {
    let Pair { one, two, one_data: _one, two_data: _two } = Pair::start().await;
    let own = two.service().identity().server_id.clone();
    until("they have heard each other", async || !two.service().promotion_evidence(&own).await.unwrap().needs_account)
        .await;
    promote(&two, None).await.unwrap();
    // The next call, by which it would hear of the new epoch, is not due yet.
    let refused = promote(&one, None).await;
    assert!(matches!(refused, Err(Fault::WrongState(_))), "{refused:?}");
    assert_eq!((two.service().role(), epoch(&one)), (Role::Active, 2));
    let after = change(&two).await;
    becomes(&one, Role::Standby).await;
    promote(&one, None).await.unwrap();
    assert!(has(&one, &after).await && two.service().role() != Role::Active);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_standby_takes_over_and_the_killed_server_has_to_rejoin() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let two = start(Config { join: Some(join_string(&mortal.running).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = QuickDevice::at(&mortal.running).await;
    list(&mortal.running, &[mortal.running.gateway_addr, two.gateway_addr]).await;
    let two_id = two.service().identity().server_id.clone();
    let one_id = mortal.running.service().identity().server_id.clone();
    until("the second shows it on the first", async || shown_at(two.service(), &one_id).await).await;
    let ports =
        Config { gateway: mortal.running.gateway_addr, peers: mortal.running.peers_addr, ..quick(one_data.path()) };
    mortal.kill();
    until("it registers on the second", async || shown_at(two.service(), &two_id).await).await;
    until("the silence is noticed", async || two.service().promotion_evidence(&two_id).await.unwrap().needs_account)
        .await;

    assert_eq!(fields(promote(&two, None).await), ["stopped"]);
    assert_eq!(two.service().role(), Role::Standby);
    promote(&two, Some("power cut")).await.unwrap();
    assert_eq!((two.service().role(), epoch(&two)), (Role::Active, 2));
    assert!(two.service().banners().await.iter().any(|banner| banner.text.contains("Two servers may be active")));
    // The device is here, and takes a new list from the server that was standby.
    list(&two, &[two.gateway_addr, ports.gateway]).await;

    let one = again(ports).await;
    becomes(&one, Role::ReadOnly).await;
    assert!(one.service().create_join_string(&console()).await.is_err(), "it changes nothing");
    until("the second has seen it step down", async || two.service().banners().await.is_empty()).await;
    let servers = rejoin(&one).await.unwrap();
    assert_eq!(servers.iter().map(|server| server.role).collect::<Vec<_>>(), [Role::Standby, Role::Active]);
    until("the first has the list", async || {
        let push = one.service().find_servers(crate::device::DEVICE).await.unwrap().push.unwrap();
        push.state == PushState::Committed && push.revision == 3
    })
    .await;
    promote(&one, None).await.unwrap();
    becomes(&two, Role::Standby).await;
    // It is the first on nobody's list now; the device goes to the active server by itself.
    until("the device follows the role", async || shown_at(one.service(), &one_id).await).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn divergent_changes_are_listed_and_their_database_is_kept() {
    let Pair { one, two, one_data, two_data } = Pair::start().await;
    let ports = |server: &Running, data: &Path| Config {
        gateway: server.gateway_addr,
        peers: server.peers_addr,
        ..Config::on_loopback(data)
    };
    let (one_ports, two_ports) = (ports(&one, one_data.path()), ports(&two, two_data.path()));
    let common = change(&one).await;
    until("the copy has it", async || has(&two, &common).await).await;
    one.stop().await;
    until("the silence is noticed", async || {
        promote(&two, None).await.is_err_and(|fault| matches!(fault, Fault::Invalid { .. }))
    })
    .await;
    promote(&two, Some("stopped for maintenance")).await.unwrap();
    let theirs = change(&two).await;
    two.stop().await;

    // Nobody tells the first: it has no device, and its peer is down.
    let one = start(one_ports).await.unwrap();
    assert_eq!(one.service().role(), Role::Active);
    let lone = change(&one).await;
    let two = start(two_ports).await.unwrap();
    becomes(&one, Role::ReadOnly).await;
    assert_eq!(two.service().role(), Role::Active, "the later epoch stands");
    until("it can join again", async || rejoin(&one).await.is_ok()).await;
    assert!(has(&one, &theirs).await && !has(&one, &lone).await);
    let divergent_changes = one.service().list_divergent_changes().await.unwrap();
    assert_eq!(divergent_changes.len(), 1, "{divergent_changes:?}");
    assert!(divergent_changes[0].subject.contains(&lone), "{divergent_changes:?}");
    assert_eq!(std::fs::read_dir(one_data.path().join("archive")).unwrap().count(), 1, "the database is kept");
    one.service().settle_divergent_changes(&console()).await.unwrap();
    assert!(one.service().list_divergent_changes().await.unwrap().is_empty());
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_device_tells_a_server_that_slept_through_a_promotion() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let two = start(Config { join: Some(join_string(&mortal.running).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = QuickDevice::at(&mortal.running).await;
    list(&mortal.running, &[mortal.running.gateway_addr, two.gateway_addr]).await;
    let two_id = two.service().identity().server_id.clone();
    let one_id = mortal.running.service().identity().server_id.clone();
    until("the second's copy has the device", async || shown_at(two.service(), &one_id).await).await;
    let ports =
        Config { gateway: mortal.running.gateway_addr, peers: mortal.running.peers_addr, ..quick(one_data.path()) };
    mortal.kill();
    until("it registers on the second", async || shown_at(two.service(), &two_id).await).await;
    until("the second takes over", async || promote(&two, Some("killed")).await.is_ok()).await;
    // Long enough for the device to hear of it and to write it down.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    two.stop().await;

    let one = again(ports).await;
    assert_eq!(one.service().role(), Role::ReadOnly, "somebody else may have been made active meanwhile");
    until("the device has told it", async || epoch(&one) == 2).await;
    assert_eq!(one.service().role(), Role::ReadOnly);
    assert!(rejoin(&one).await.is_err(), "there is nobody to follow");
    // Whoever is left can be made active, in an epoch of its own.
    promote(&one, Some("never comes back")).await.unwrap();
    assert_eq!((epoch(&one), one.service().role()), (3, Role::Active));
    one.stop().await;
}

#[tokio::test]
async fn a_restarted_server_is_active_if_its_devices_know_no_other() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let two = start(Config { join: Some(join_string(&mortal.running).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = QuickDevice::at(&mortal.running).await;
    let ports =
        Config { gateway: mortal.running.gateway_addr, peers: mortal.running.peers_addr, ..quick(one_data.path()) };
    two.stop().await;
    mortal.kill();
    let one = again(ports).await;
    assert_eq!(one.service().role(), Role::ReadOnly);
    becomes(&one, Role::Active).await;
    change(&one).await;
    one.stop().await;
}

/// Server and login of each attempt to sign in that is listed at `asked`.
async fn sign_ins(asked: &Running) -> Vec<(String, String, bool)> {
    let login = json!({ "login": "admin", "password": PASSWORD });
    let signed_in = send(asked.http_addr, api_request(Method::POST, "/login", "", Some(login))).await.json();
    let token = signed_in["access_token"].as_str().unwrap();
    let page = send(asked.http_addr, api_request(Method::GET, "/sign-ins?limit=200", token, None)).await.json();
    let rows = page["items"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| (text(&row["server"]), text(&row["login"]), row["succeeded"].as_bool().unwrap())).collect()
}

async fn try_to_sign_in(server: &Running, login: &str) {
    let input = SignInInput { login: login.to_owned(), password: "wrong".to_owned() };
    assert_eq!(server.service().sign_in(input, None).await.err(), Some(Fault::WrongPassword));
}

/// What was drained and not, by the database in `data`.
async fn drains(data: &Path) -> Vec<(String, String)> {
    let mut database = SqliteConnection::connect(&data.join(DATABASE_FILE).display().to_string()).await.unwrap();
    sqlx::query_as("select subject, after from audit where action = 'server.drain' order by id")
        .fetch_all(&mut database)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_active_server_learns_a_standbys_acts_and_sign_ins_once() {
    let (one_data, two_data) = (folder(), folder());
    let password = Some(PASSWORD.to_owned());
    let mortal = Mortal::start(Config { admin_password: password, ..quick(one_data.path()) }).await;
    let one = &mortal.running;
    let two = start(Config { join: Some(join_string(one).await), ..quick(two_data.path()) }).await.unwrap();
    let two_id = two.service().identity().server_id.clone();
    let of_two = |login: &str| ("BioStar Server #2".to_owned(), login.to_owned(), login == "admin");
    let drain = |draining: bool| ("server BioStar Server #2".to_owned(), json!({ "draining": draining }).to_string());
    until("the other answers", async || two.service().drain(&console(), &two_id).await.is_ok()).await;
    two.service().end_drain(&console(), &two_id).await.unwrap();
    try_to_sign_in(&two, "eva").await;
    assert!(sign_ins(&two).await.contains(&of_two("admin")));
    until("the first knows who tried", async || {
        let listed = sign_ins(one).await;
        listed.contains(&of_two("eva")) && listed.contains(&of_two("admin"))
    })
    .await;
    assert_eq!(drains(one_data.path()).await, [drain(true), drain(false)]);

    // The first is killed while there is more to tell, and knows it when it is back.
    let ports = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..quick(one_data.path()) };
    two.service().drain(&console(), &two_id).await.unwrap();
    try_to_sign_in(&two, "otto").await;
    mortal.kill();
    two.service().end_drain(&console(), &two_id).await.unwrap();
    try_to_sign_in(&two, "ida").await;
    let one = again(ports).await;
    becomes(&one, Role::Active).await;
    let drained = [drain(true), drain(false), drain(true), drain(false)];
    until("the first knows that", async || drains(one_data.path()).await.len() >= drained.len()).await;
    until("and who tried", async || sign_ins(&one).await.contains(&of_two("ida"))).await;
    let once = [of_two("ida"), of_two("otto"), of_two("admin"), of_two("eva")];
    let listed = async |at: &Running| -> Vec<_> {
        sign_ins(at).await.into_iter().filter(|(server, ..)| *server == once[0].0).collect()
    };
    assert_eq!(listed(&one).await, once);

    // The second is promoted: of its own it has all, once, and what the first was told stays there.
    until("the second is promoted", async || promote(&two, None).await.is_ok()).await;
    becomes(&one, Role::Standby).await;
    try_to_sign_in(&one, "uwe").await;
    let of_one = ("BioStar Server #1".to_owned(), "uwe".to_owned(), false);
    until("the second knows who tries at the first", async || sign_ins(&two).await.contains(&of_one)).await;
    assert_eq!(drains(two_data.path()).await, drained);
    assert_eq!(listed(&one).await.last_chunk(), Some(&once));
    one.stop().await;
    two.stop().await;
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            copy_folder(&entry.path(), &to);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn an_old_image_is_read_only_until_an_operator_decides() {
    let Pair { one, two, one_data, two_data: _two } = Pair::start().await;
    let ports = Config { peers: one.peers_addr, gateway: one.gateway_addr, ..Config::on_loopback(one_data.path()) };
    one.stop().await;
    let image = folder();
    copy_folder(one_data.path(), image.path());
    let one = start(ports.clone()).await.unwrap();
    let after_the_image = change(&one).await;
    until("the second has it", async || has(&two, &after_the_image).await).await;
    one.stop().await;

    // The hypervisor brings the image back: same server, same epoch, same number of this start.
    let old = start(Config { data: image.path().to_owned(), ..ports }).await.unwrap();
    becomes(&old, Role::ReadOnly).await;
    assert!(old.service().create_join_string(&console()).await.is_err());
    assert!(old.service().banners().await.iter().any(|banner| banner.text.contains("old image")));
    assert!(has(&two, &after_the_image).await, "the copy that is newer stays");
    // The operator lets the standby, which knows more, go on; the image follows it.
    until("the second goes on", async || promote(&two, None).await.is_ok()).await;
    until("it follows", async || rejoin(&old).await.is_ok()).await;
    assert!(has(&old, &after_the_image).await);
    promote(&old, None).await.unwrap();
    assert_eq!(old.service().role(), Role::Active);
    becomes(&two, Role::Standby).await;
    change(&old).await;
    old.stop().await;
    two.stop().await;
}
