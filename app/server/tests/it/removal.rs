//! A server that does not come back is taken out, and its place given to another one.

use crate::{
    device::{QuickDevice, list, shown_at},
    failover::quick,
    pair::{Pair, change, console, folder, has, join_string, second, until},
};
use model::{Fault, PeerState};
use server::{
    config::Config,
    start::{Running, start},
};
use std::{fs, time::Duration};

async fn names(server: &Running) -> Vec<String> {
    server.service().list_servers().await.unwrap().into_iter().map(|server| server.name).collect()
}

#[tokio::test]
async fn a_removed_server_stays_out_and_another_takes_its_place() {
    let Pair { one, two, one_data: _one, two_data } = Pair::start().await;
    let two_id = two.service().identity().server_id.clone();
    let state = async || {
        let servers = one.service().list_servers().await.unwrap();
        servers.into_iter().find(|server| server.id == two_id).map(|server| server.state)
    };
    until("they have heard each other", async || state().await == Some(PeerState::Reachable)).await;
    let refused = one.service().remove_server(&console(), &two_id).await;
    assert!(
        matches!(&refused, Err(Fault::WrongState(state)) if state.to_string().contains("Stop it first")),
        "{refused:?}"
    );
    two.stop().await;
    until("it is silent", async || state().await == Some(PeerState::Unreachable)).await;
    one.service().remove_server(&console(), &two_id).await.unwrap();
    assert_eq!(names(&one).await, ["BioStar Server #1"]);

    // Its machine is switched on again.
    let two = start(Config::on_loopback(two_data.path())).await.unwrap();
    let three_data = folder();
    let three = second(three_data.path(), &join_string(&one).await).await.unwrap();
    let told = change(&one).await;
    until("the new one follows", async || has(&three, &told).await).await;
    assert!(!has(&two, &told).await, "the removed one gets nothing any more");
    for server in [&one, &three] {
        assert_eq!(names(server).await, ["BioStar Server #1", "BioStar Server #3"]);
    }
    assert!(two.service().create_join_string(&console()).await.is_err(), "it changes nothing");
    for server in [one, two, three] {
        server.stop().await;
    }
}

#[tokio::test]
async fn a_device_has_nothing_to_do_with_a_server_that_was_removed() {
    let (one_data, two_data) = (folder(), folder());
    let one = start(quick(one_data.path())).await.unwrap();
    let two = start(Config { join: Some(join_string(&one).await), ..quick(two_data.path()) }).await.unwrap();
    let device = QuickDevice::at(&one).await;
    list(&one, &[one.gateway_addr, two.gateway_addr]).await;
    let (one_id, two_id) = (one.service().identity().server_id.clone(), two.service().identity().server_id.clone());
    let again =
        |server: &Running, data| Config { gateway: server.gateway_addr, peers: server.peers_addr, ..quick(data) };
    let (one_again, two_again) = (again(&one, one_data.path()), again(&two, two_data.path()));
    two.stop().await;
    until("it can be removed", async || one.service().remove_server(&console(), &two_id).await.is_ok()).await;
    let known = || fs::read_to_string(device.state().join("state.json")).is_ok_and(|state| state.contains(&two_id));
    until("the device has it on its disk", async || known()).await;

    // The removed machine is switched on again, and it is the only one that is.
    let two = start(two_again).await.unwrap();
    one.stop().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!shown_at(two.service(), &two_id).await, "the device has registered at a server that was removed");
    let one = start(one_again).await.unwrap();
    until("it is back where it belongs", async || shown_at(one.service(), &one_id).await).await;
    for server in [one, two] {
        server.stop().await;
    }
}
