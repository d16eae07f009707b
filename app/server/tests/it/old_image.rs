//! An image of a server's disk, taken while it ran, is started later: no start of it was ever seen, and yet its records are of an
//! earlier time than the copy of them at the other server.

use crate::{
    pair::{Pair, change, console, folder, has, until},
    promotion::{again, becomes, copy_folder, promote, rejoin},
};
use model::Role;
use server::{
    config::Config,
    start::{Running, start},
};
use std::path::Path;

/// As a hypervisor makes it between `portal quiesce` and `portal resume`.
async fn image_of(server: &Running, data: &Path, image: &Path) {
    let own = server.service().identity().server_id.clone();
    server.service().quiesce(&console(), &own, 60).await.unwrap();
    copy_folder(data, image);
    server.service().resume_writes(&console(), &own).unwrap();
}

async fn says(server: &Running, text: &str) -> bool {
    server.service().banners().await.iter().any(|banner| banner.text.contains(text))
}

#[tokio::test]
async fn an_image_behind_the_copy_is_read_only_and_spares_the_copy() {
    let Pair { one, two, one_data, two_data: _two } = Pair::start().await;
    let ports = Config { peers: one.peers_addr, gateway: one.gateway_addr, ..Config::on_loopback(one_data.path()) };
    let image = folder();
    image_of(&one, one_data.path(), image.path()).await;
    let after_the_image = change(&one).await;
    until("the second has it", async || has(&two, &after_the_image).await).await;
    one.stop().await;

    let old = start(Config { data: image.path().to_owned(), ..ports.clone() }).await.unwrap();
    becomes(&old, Role::ReadOnly).await;
    assert!(says(&old, "those of an earlier time").await);
    assert!(old.service().create_join_string(&console()).await.is_err());
    assert!(has(&two, &after_the_image).await, "the copy that is newer stays");
    old.stop().await;
    let old = again(Config { data: image.path().to_owned(), ..ports }).await;
    assert_eq!(old.service().role(), Role::ReadOnly, "another start changes nothing");

    // The operator lets the standby, which knows more, go on; the image follows it.
    until("the second goes on", async || promote(&two, None).await.is_ok()).await;
    until("it follows", async || rejoin(&old).await.is_ok()).await;
    assert!(has(&old, &after_the_image).await);
    promote(&old, None).await.unwrap();
    becomes(&two, Role::Standby).await;
    change(&old).await;
    old.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn an_image_that_wrote_on_alone_does_not_overwrite_the_copy() {
    let Pair { one, two, one_data, two_data } = Pair::start().await;
    let ports = Config { peers: one.peers_addr, gateway: one.gateway_addr, ..Config::on_loopback(one_data.path()) };
    let second = Config { peers: two.peers_addr, gateway: two.gateway_addr, ..Config::on_loopback(two_data.path()) };
    let image = folder();
    image_of(&one, one_data.path(), image.path()).await;
    let lost = change(&one).await;
    until("the second has it", async || has(&two, &lost).await).await;
    two.stop().await;
    one.stop().await;

    // Nobody is there to tell it, and it has more changes in the end than the copy.
    let old = start(Config { data: image.path().to_owned(), ..ports }).await.unwrap();
    assert_eq!(old.service().role(), Role::Active);
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(change(&old).await);
    }
    let two = again(second).await;
    becomes(&old, Role::ReadOnly).await;
    assert!(says(&old, "those of an earlier time").await);
    assert!(has(&two, &lost).await && !has(&two, &own[0]).await);

    // The operator decides for the image: it counts from now on, and the copy follows.
    until("the image goes on", async || promote(&old, None).await.is_ok()).await;
    until("the second follows", async || has(&two, &own[2]).await).await;
    assert!(!has(&two, &lost).await);
    old.stop().await;
    two.stop().await;
}
