//! Two whole servers, each with a PostgreSQL server of its own: one is written, the other follows it.

use crate::{
    cluster::Cluster,
    device::{QuickDevice, list, shown_at},
    failover::{Mortal, quick},
    pair::{change, folder, has, join_string, until},
    promotion::{again, becomes, epoch, promote, rejoin},
};
use model::{Fault, ProvisioningInput, Replication, ReplicationPart, Role};
use server::{
    config::Config,
    start::{Running, StartError, start},
};
use sqlx::{Connection as _, PgConnection};
use std::{path::Path, time::Duration};
use tokio::time::sleep;

fn on(cluster: &Cluster, data: &Path) -> Config {
    Config { database: Some(cluster.address("portal")), ..quick(data) }
}

fn ports(running: &Running, config: Config) -> Config {
    Config { gateway: running.gateway_addr, peers: running.peers_addr, ..config }
}

async fn database(server: &Running) -> Replication {
    let own = server.service().identity().server_id.clone();
    let servers = server.service().list_servers().await.unwrap();
    servers.into_iter().find(|known| known.id == own).unwrap().replication.unwrap_or_default()
}

/// Waits until a standby has all that the active server wrote.
async fn follows(standby: &Running) {
    until("nothing would be lost", async || {
        let seen = database(standby).await;
        seen.part == ReplicationPart::Replica && seen.receiving && seen.lag_bytes == Some(0)
    })
    .await;
}

#[tokio::test]
async fn a_killed_primary_loses_no_replicated_write_and_rejoins() {
    let mut primary = Cluster::start().await;
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(on(&primary, one_data.path())).await;
    let mut replica = Cluster::replica_of(&primary, "two").await;
    let string = join_string(&mortal.running).await;
    let two = start(Config { join: Some(string), ..on(&replica, two_data.path()) }).await.unwrap();
    let _door = QuickDevice::at(&mortal.running).await;
    list(&mortal.running, &[mortal.running.gateway_addr, two.gateway_addr]).await;
    let two_id = two.service().identity().server_id.clone();
    let kept = change(&mortal.running).await;
    until("the replica has it", async || has(&two, &kept).await).await;
    follows(&two).await;
    until("the primary knows its replica", async || {
        let seen = database(&mortal.running).await;
        seen.replicas.iter().any(|one| one.name == "two") && seen.slots.iter().all(|slot| slot.active)
    })
    .await;
    assert!(two.service().create_join_string(&crate::pair::console()).await.is_err(), "a standby changes nothing");

    // What is written while the replica is away, only the first has.
    replica.kill();
    let lone = change(&mortal.running).await;
    let one_ports = ports(&mortal.running, on(&primary, one_data.path()));
    mortal.kill();
    primary.kill();
    replica.restart().await;
    until("the device is on the second", async || shown_at(two.service(), &two_id).await).await;
    until("the silence is noticed", async || {
        promote(&two, None).await.is_err_and(|fault| matches!(fault, Fault::Invalid { .. }))
    })
    .await;
    promote(&two, Some("power cut")).await.unwrap();
    assert_eq!((two.service().role(), epoch(&two)), (Role::Active, 2));
    assert!(has(&two, &kept).await && !has(&two, &lone).await);
    let theirs = change(&two).await;

    // The first comes back with its database as it was, and changes nothing.
    primary.restart().await;
    let one = again(one_ports).await;
    becomes(&one, Role::ReadOnly).await;
    until("the other server is heard", async || rejoin(&one).await.is_ok()).await;
    let writes = one.service().list_divergent_changes().await.unwrap();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].subject.contains(&lone) || writes[0].after.as_ref().is_some_and(|after| after.contains(&lone)));
    assert_eq!(one.service().role(), Role::ReadOnly);
    let dump = std::fs::read(one_data.path().join("archive/biostar2-1.dump")).unwrap();
    assert!(dump.starts_with(b"PGDMP"), "its database is kept before it is overwritten");
    primary.kill();
    primary.follow(&replica, "one").await;
    becomes(&one, Role::Standby).await;
    assert!(one.service().banners().await.iter().all(|banner| !banner.text.contains("was not kept")));
    until("it shows what the second wrote", async || has(&one, &theirs).await).await;
    assert!(!has(&one, &lone).await);

    // And back: the role is handed over with every change.
    follows(&one).await;
    let last = change(&two).await;
    promote(&one, None).await.unwrap();
    assert_eq!((one.service().role(), epoch(&one)), (Role::Active, 3));
    assert!(has(&one, &last).await && has(&one, &theirs).await && has(&one, &kept).await);
    change(&one).await;
    becomes(&two, Role::ReadOnly).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_database_overwritten_unseen_is_reported_until_settled() {
    let mut primary = Cluster::start().await;
    let (one_data, two_data) = (folder(), folder());
    let one = start(on(&primary, one_data.path())).await.unwrap();
    let replica = Cluster::replica_of(&primary, "two").await;
    let two = start(Config { join: Some(join_string(&one).await), ..on(&replica, two_data.path()) }).await.unwrap();
    follows(&two).await;
    let one_ports = ports(&one, on(&primary, one_data.path()));
    one.stop().await;
    primary.kill();
    until("the silence is noticed", async || promote(&two, Some("stopped")).await.is_ok()).await;

    primary.follow(&replica, "one").await;
    let one = again(one_ports).await;
    assert_eq!(one.service().role(), Role::Standby);
    let told = async || one.service().banners().await.iter().any(|banner| banner.text.contains("was not kept"));
    assert!(told().await);
    assert_eq!(one.service().list_divergent_changes().await.unwrap()[0].action, "database.overwritten");
    one.service().settle_divergent_changes(&crate::pair::console()).await.unwrap();
    assert!(!told().await);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_database_promoted_by_hand_waits_for_a_portal_promotion() {
    let mut primary = Cluster::start().await;
    let data = folder();
    let one = start(on(&primary, data.path())).await.unwrap();
    let kept = change(&one).await;
    let replica = Cluster::replica_of(&primary, "two").await;
    one.stop().await;
    primary.kill();
    let mut replica = replica;
    sqlx::query("select pg_promote()").execute(&mut replica.connect().await).await.unwrap();

    let one = start(on(&replica, data.path())).await.unwrap();
    assert_eq!(one.service().role(), Role::ReadOnly);
    assert!(one.service().banners().await.iter().any(|banner| banner.text.contains("other hands")));
    assert!(has(&one, &kept).await, "it is read");
    promote(&one, Some("the first database is gone")).await.unwrap();
    change(&one).await;
    assert_eq!(epoch(&one), 2);
    one.stop().await;
}

#[tokio::test]
async fn a_role_is_given_only_when_whoever_writes_has_ended() {
    let primary = Cluster::start().await;
    let (one_data, two_data) = (folder(), folder());
    let one = start(on(&primary, one_data.path())).await.unwrap();
    let replica = Cluster::replica_of(&primary, "two").await;
    let two = start(Config { join: Some(join_string(&one).await), ..on(&replica, two_data.path()) }).await.unwrap();
    follows(&two).await;

    // A writer comes no further, in the middle of its change.
    let mut hand = PgConnection::connect(&primary.address("portal")).await.unwrap();
    sqlx::raw_sql("begin; lock table audit in exclusive mode").execute(&mut hand).await.unwrap();
    let service = one.service().clone();
    let input = ProvisioningInput { uses: 1, expires_in_seconds: 600, addresses: Vec::new() };
    let edit = tokio::spawn(async move { service.create_provisioning_string(&crate::pair::console(), input).await });
    let hold = async {
        sleep(Duration::from_secs(2)).await;
        assert!(!edit.is_finished());
        assert_eq!((two.service().role(), epoch(&two)), (Role::Standby, 1), "it waits for the writer");
        sqlx::raw_sql("commit").execute(&mut hand).await.unwrap();
    };
    let (promoted, ()) = tokio::join!(promote(&two, None), hold);
    promoted.unwrap();
    let made = edit.await.unwrap().unwrap();
    assert!(has(&two, &made.id).await, "what was answered went along");
    assert!(one.service().list_divergent_changes().await.unwrap().is_empty());
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn no_handover_to_a_server_whose_database_does_not_follow() {
    let primary = Cluster::start().await;
    let (one_data, two_data) = (folder(), folder());
    let one = start(on(&primary, one_data.path())).await.unwrap();
    let mut replica = Cluster::replica_of(&primary, "two").await;
    let two = start(Config { join: Some(join_string(&one).await), ..on(&replica, two_data.path()) }).await.unwrap();
    follows(&two).await;
    sqlx::query("select pg_promote()").execute(&mut replica.connect().await).await.unwrap();
    let refused = promote(&two, None).await;
    assert!(
        matches!(&refused, Err(Fault::WrongState(state)) if state.to_string().contains("does not follow")),
        "{refused:?}"
    );
    change(&one).await;
    assert_eq!((one.service().role(), epoch(&one)), (Role::Active, 1));
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_second_server_needs_a_replica() {
    let primary = Cluster::start().await;
    let (one_data, two_data) = (folder(), folder());
    let one = start(on(&primary, one_data.path())).await.unwrap();
    let other = Cluster::start().await;
    let config = Config { join: Some(join_string(&one).await), ..on(&other, two_data.path()) };
    let refused = start(config).await.err();
    assert!(matches!(refused, Some(StartError::NoReplica)), "{refused:?}");
    one.stop().await;
}
