//! The active role moves between two whole servers: handed over, taken over, and back.

use crate::door::{Door, list, shown_at};
use crate::failover::{Mortal, quick};
use crate::pair::{Pair, change, console, folder, has, join_string, until};
use app::{
    model::{Fault, PromotionInput, PushState, Role, Server},
    server::{
        config::Config,
        start::{Running, start},
    },
};
use std::path::Path;

pub(crate) async fn promote(server: &Running, stopped: Option<&str>) -> Result<Vec<Server>, Fault> {
    let site = server.service().site();
    let input = PromotionInput { confirm: site.server_name.clone(), stopped: stopped.map(str::to_owned) };
    server.service().promote(&console(), &site.server_id, &input).await
}

pub(crate) async fn rejoin(server: &Running) -> Result<Vec<Server>, Fault> {
    server.service().rejoin(&console(), &server.service().site().server_id).await
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
async fn a_role_that_is_handed_over_takes_every_change_along_and_comes_back() {
    let Pair { one, two, one_data: _one, two_data: _two } = Pair::start().await;
    let before = change(&one).await;
    let own = two.service().site().server_id.clone();
    until("they have heard each other", async || !two.service().promotion_evidence(&own).await.unwrap().needs_account)
        .await;
    let wrong = PromotionInput { confirm: "BioStar".to_owned(), stopped: None };
    assert_eq!(fields(two.service().promote(&console(), &own, &wrong).await), ["confirm"]);
    assert!(matches!(promote(&one, None).await, Err(Fault::WrongState { .. })), "it is active already");

    let servers = promote(&two, None).await.unwrap();
    assert_eq!((servers[1].role, servers[1].epoch), (Role::Active, 2));
    assert!(has(&two, &before).await, "nothing that was answered is lost");
    let after = change(&two).await;
    // Nobody has to do anything for the first: it gave its role, and follows.
    becomes(&one, Role::Standby).await;
    until("the first follows the second", async || has(&one, &after).await).await;
    assert!(one.service().create_join_string(&console()).await.is_err(), "it changes nothing");
    assert!(one.service().list_lone_writes().await.unwrap().is_empty());

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
async fn a_server_that_has_just_given_its_role_away_knows_that_before_it_is_made_active_again() {
    let Pair { one, two, one_data: _one, two_data: _two } = Pair::start().await;
    let own = two.service().site().server_id.clone();
    until("they have heard each other", async || !two.service().promotion_evidence(&own).await.unwrap().needs_account)
        .await;
    promote(&two, None).await.unwrap();
    // The next call, by which it would hear of the new epoch, is not due yet.
    let refused = promote(&one, None).await;
    assert!(matches!(refused, Err(Fault::WrongState { .. })), "{refused:?}");
    assert_eq!((two.service().role(), epoch(&one)), (Role::Active, 2));
    let after = change(&two).await;
    becomes(&one, Role::Standby).await;
    promote(&one, None).await.unwrap();
    assert!(has(&one, &after).await && two.service().role() != Role::Active);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_standby_takes_over_from_a_killed_server_which_then_changes_nothing_until_it_joins_again() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let two = start(Config { join: Some(join_string(&mortal.running).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = Door::at(&mortal.running).await;
    list(&mortal.running, &[mortal.running.gateway_addr, two.gateway_addr]).await;
    let two_id = two.service().site().server_id.clone();
    let one_id = mortal.running.service().site().server_id.clone();
    until("the second shows it on the first", async || shown_at(two.service(), &one_id).await).await;
    let ports =
        Config { gateway: mortal.running.gateway_addr, sites: mortal.running.sites_addr, ..quick(one_data.path()) };
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
    until("the second has seen it give way", async || two.service().banners().await.is_empty()).await;
    let servers = rejoin(&one).await.unwrap();
    assert_eq!(servers.iter().map(|server| server.role).collect::<Vec<_>>(), [Role::Standby, Role::Active]);
    until("the first has the list", async || {
        let push = one.service().find_servers(crate::door::DOOR).await.unwrap().push.unwrap();
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
async fn what_a_server_wrote_while_another_was_active_is_listed_and_kept() {
    let Pair { one, two, one_data, two_data } = Pair::start().await;
    let ports = |server: &Running, data: &Path| Config {
        gateway: server.gateway_addr,
        sites: server.sites_addr,
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
    let lone_writes = one.service().list_lone_writes().await.unwrap();
    assert_eq!(lone_writes.len(), 1, "{lone_writes:?}");
    assert!(lone_writes[0].subject.contains(&lone), "{lone_writes:?}");
    assert_eq!(std::fs::read_dir(one_data.path().join("archive")).unwrap().count(), 1, "the database is kept");
    one.service().settle_lone_writes(&console()).await.unwrap();
    assert!(one.service().list_lone_writes().await.unwrap().is_empty());
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_device_tells_a_server_that_slept_through_a_promotion() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let two = start(Config { join: Some(join_string(&mortal.running).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = Door::at(&mortal.running).await;
    list(&mortal.running, &[mortal.running.gateway_addr, two.gateway_addr]).await;
    let two_id = two.service().site().server_id.clone();
    let one_id = mortal.running.service().site().server_id.clone();
    until("the second's copy has the device", async || shown_at(two.service(), &one_id).await).await;
    let ports =
        Config { gateway: mortal.running.gateway_addr, sites: mortal.running.sites_addr, ..quick(one_data.path()) };
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
async fn a_server_whose_devices_know_no_other_is_active_again_after_a_restart() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let two = start(Config { join: Some(join_string(&mortal.running).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = Door::at(&mortal.running).await;
    let ports =
        Config { gateway: mortal.running.gateway_addr, sites: mortal.running.sites_addr, ..quick(one_data.path()) };
    two.stop().await;
    mortal.kill();
    let one = again(ports).await;
    assert_eq!(one.service().role(), Role::ReadOnly);
    becomes(&one, Role::Active).await;
    change(&one).await;
    one.stop().await;
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
async fn an_old_image_of_the_active_server_changes_nothing_until_an_operator_decides() {
    let Pair { one, two, one_data, two_data: _two } = Pair::start().await;
    let ports = Config { sites: one.sites_addr, gateway: one.gateway_addr, ..Config::on_loopback(one_data.path()) };
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
