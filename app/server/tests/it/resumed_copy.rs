//! A copy whose transfer breaks off goes on where it was.

use crate::{
    false_server::FalseServer,
    pair::{Pair, change, folder, has, until},
    promotion::{again, copy_folder},
};
use server::{config::Config, db::Manifest};
use std::{fs, path::Path};

/// The copy that the standby of `data` works with.
fn copy_of(data: &Path) -> (Manifest, Vec<u8>) {
    let manifest: Manifest = serde_json::from_slice(&fs::read(data.join("copies/current.json")).unwrap()).unwrap();
    let file = data.join("copies").join(format!("{}-{}.db", manifest.generation, &manifest.sha256[..16]));
    let bytes = fs::read(file).unwrap();
    (manifest, bytes)
}

#[tokio::test]
async fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    let Pair { one, two, one_data, two_data } = Pair::start().await;
    let config = |running: &server::start::Running, data: &Path| Config {
        peers: running.peers_addr,
        gateway: running.gateway_addr,
        ..Config::on_loopback(data)
    };
    let (address, two_config) = (one.peers_addr, config(&two, two_data.path()));
    two.stop().await;
    let older = folder();
    let old_data = older.path().join("data");
    fs::create_dir(&old_data).unwrap();
    copy_folder(two_data.path(), &old_data);
    let two = again(two_config.clone()).await;
    let id = change(&one).await;
    until("the second has the change", async || has(&two, &id).await).await;
    two.stop().await;
    one.stop().await;
    let (manifest, bytes) = copy_of(two_data.path());

    let server = FalseServer::start_breaking_off(address, one_data.path(), manifest, bytes).await;
    let two = again(Config { data: old_data, ..two_config }).await;
    assert!(!has(&two, &id).await, "it begins with the older copy");
    until("the copy has arrived in two parts", async || has(&two, &id).await).await;
    server.was_asked_for_a_copy().await;
    server.stop().await;
}
