//! A server whose database is a database of a real PostgreSQL server, which may die at any time.

use crate::{
    cluster::{Cluster, PATIENCE},
    device::{connection, rows},
    event_scenario::{EventDevice, expected, uses},
    failover::{Mortal, quick},
    pair::{console, folder, until},
};
use gateway::simulator::FIRST_DEVICE;
use model::{Fault, ProvisioningInput, PushState};
use server::{
    Service,
    config::Config,
    start::{StartError, start},
};
use std::{path::Path, time::Duration};
use tokio::time::{Instant, sleep};

const DEVICE: u32 = FIRST_DEVICE.0;

fn on(cluster: &Cluster, data: &Path) -> Config {
    Config { database: Some(cluster.address("portal")), ..quick(data) }
}

async fn try_change(service: &Service) -> Result<String, Fault> {
    let input = ProvisioningInput { uses: 1, expires_in_seconds: 600, addresses: Vec::new() };
    Ok(service.create_provisioning_string(&console(), input).await?.id)
}

async fn revision(service: &Service) -> u64 {
    service.find_servers(DEVICE).await.unwrap().revision
}

#[tokio::test]
async fn a_killed_server_goes_on_with_its_database() {
    let cluster = Cluster::start().await;
    let data = folder();
    let mortal = Mortal::start(on(&cluster, data.path())).await;
    let one = &mortal.running;
    let device = EventDevice::at(one).await;
    let mut list = rows(&[one.gateway_addr]);
    list[0].address = "localhost".to_owned();
    one.service().replace_servers(&console(), DEVICE, 1, list).await.unwrap();
    until("the device keeps its new list", async || {
        let push = one.service().find_servers(DEVICE).await.unwrap().push;
        push.is_some_and(|push| push.state == PushState::Committed)
    })
    .await;
    device.used(250, "ada").await;
    until("they are taken in", async || uses(one.service()).await == expected(&[("ada", 250)])).await;
    assert!(!data.path().join("biostar2.db").exists(), "there is no other database");
    let ports = Config { gateway: one.gateway_addr, ..on(&cluster, data.path()) };
    mortal.kill();

    device.used(40, "ben").await;
    let begun = Instant::now();
    let one = loop {
        match start(ports.clone()).await {
            Ok(one) => break one,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        sleep(Duration::from_millis(100)).await;
    };
    let all = expected(&[("ada", 250), ("ben", 40)]);
    until("what happened meanwhile is taken in", async || uses(one.service()).await == all).await;
    assert_eq!(revision(one.service()).await, 2);

    // Nobody else's server works on this database.
    let other = folder();
    let refused = start(on(&cluster, other.path())).await.err();
    assert!(matches!(refused, Some(StartError::DatabaseForeign)), "{refused:?}");
    one.stop().await;
}

#[tokio::test]
async fn a_killed_database_loses_no_answered_write_and_is_found_again() {
    let mut cluster = Cluster::start().await;
    let data = folder();
    let one = start(on(&cluster, data.path())).await.unwrap();
    let device = EventDevice::at(&one).await;
    let service = one.service().clone();
    let writer = tokio::spawn(async move {
        let (mut kept, mut refused) = (Vec::new(), 0);
        // Until it has been refused, and then kept again.
        loop {
            match try_change(&service).await {
                Ok(id) => kept.push((id, refused)),
                Err(Fault::StorageUnavailable(_)) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
            if refused > 0 && kept.last().is_some_and(|(_, before)| *before == refused) {
                return kept;
            }
            sleep(Duration::from_millis(1)).await;
        }
    });
    sleep(Duration::from_millis(500)).await;
    cluster.kill();
    device.used(30, "ada").await;
    let refused = try_change(one.service()).await;
    assert!(matches!(refused, Err(Fault::StorageUnavailable(_))), "{refused:?}");
    cluster.restart().await;
    let kept = tokio::time::timeout(PATIENCE, writer).await.expect("it is written again").unwrap();
    assert!(kept.len() > 1);

    let found = one.service().list_provisioning_strings().await.unwrap();
    for (id, _) in kept {
        assert!(found.iter().any(|string| string.id == id), "{id} was acknowledged");
    }
    until("the device's events are taken in", async || uses(one.service()).await == expected(&[("ada", 30)])).await;
    until("the device is here", async || connection(one.service()).await.is_some()).await;
    one.stop().await;
}
