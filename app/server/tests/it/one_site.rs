//! Several servers on one database: each of them changes it, and none is special.

use crate::{
    cluster::Cluster,
    device::{DEVICE, QuickDevice, list, rows, shown_at},
    failover::{Mortal, quick},
    pair::{change, console, folder, has, join_string, until},
    promotion::{again, becomes, epoch, promote},
};
use model::{Fault, MoveInput, PushState, Role};
use server::{
    config::Config,
    start::{Running, start},
};
use std::path::Path;

fn on(cluster: &Cluster, data: &Path) -> Config {
    Config { database: Some(cluster.address("portal")), ..quick(data) }
}

async fn committed(server: &Running, revision: u64) -> bool {
    let push = server.service().find_servers(DEVICE).await.unwrap().push;
    push.is_some_and(|push| push.state == PushState::Committed && push.revision == revision)
}

#[tokio::test]
async fn two_servers_on_one_database_reach_each_others_devices() {
    let primary = Cluster::start().await;
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(on(&primary, one_data.path())).await;
    let string = join_string(&mortal.running).await;
    let two = start(Config { join: Some(string), ..on(&primary, two_data.path()) }).await.unwrap();
    becomes(&two, Role::Active).await;
    let one = &mortal.running;
    assert_eq!((epoch(one), epoch(&two)), (1, 1), "nobody was promoted");
    let _door = QuickDevice::at(one).await;
    list(one, &[one.gateway_addr, two.gateway_addr]).await;
    let (one_id, two_id) = (one.service().identity().server_id.clone(), two.service().identity().server_id.clone());
    until("the second shows it on the first", async || shown_at(two.service(), &one_id).await).await;

    // An edit on the one is pushed by the other, which holds the device.
    let wanted = two.service().find_servers(DEVICE).await.unwrap().revision;
    let mut entries = rows(&[one.gateway_addr, two.gateway_addr]);
    entries[0].address = "localhost".to_owned();
    two.service().replace_servers(&console(), DEVICE, wanted, entries).await.unwrap();
    until("the device has the list", async || committed(&two, wanted + 1).await).await;
    // And so is an order.
    let to = MoveInput { address: "127.0.0.1".to_owned(), port: two.gateway_addr.port(), ttl_seconds: Some(600) };
    two.service().move_device(&console(), DEVICE, to).await.unwrap();
    until("the device is on the second", async || shown_at(one.service(), &two_id).await).await;
    let kept = change(one).await;
    assert!(has(&two, &kept).await, "at once: it is one database");

    let ports = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..on(&primary, one_data.path()) };
    mortal.kill();
    let alone = change(&two).await;
    let one = again(ports).await;
    becomes(&one, Role::Active).await;
    assert!(has(&one, &alone).await);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_site_hands_its_role_over_as_a_whole() {
    let primary = Cluster::start().await;
    let (one_data, two_data, three_data) = (folder(), folder(), folder());
    let one = start(on(&primary, one_data.path())).await.unwrap();
    let config = Config { join: Some(join_string(&one).await), ..on(&primary, two_data.path()) };
    let two = start(config).await.unwrap();
    becomes(&two, Role::Active).await;
    let replica = Cluster::replica_of(&primary, "three").await;
    let config = Config { join: Some(join_string(&one).await), ..on(&replica, three_data.path()) };
    let three = start(config).await.unwrap();
    let kept = change(&two).await;
    until("the third hears the others", async || {
        let own = three.service().identity().server_id.clone();
        let evidence = three.service().promotion_evidence(&own).await.unwrap();
        evidence.others.len() == 2 && !evidence.needs_account
    })
    .await;
    promote(&three, None).await.unwrap();
    assert_eq!((three.service().role(), epoch(&three)), (Role::Active, 2));
    assert!(has(&three, &kept).await);
    // Neither of the first site's servers writes any more.
    for server in [&one, &two] {
        until("it steps down", async || server.service().role() != Role::Active).await;
        let refused = server.service().create_join_string(&console()).await;
        assert!(matches!(refused, Err(Fault::NotActive { .. })), "{refused:?}");
    }
    change(&three).await;
    for server in [one, two, three] {
        server.stop().await;
    }
}
