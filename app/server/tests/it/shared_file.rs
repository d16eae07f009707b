//! Two servers that share one database file: the lease on it decides which is active.

use crate::{
    device::{DEVICE, QuickDevice, list, shown_at},
    failover::{Process, quick},
    pair::{change, console, folder, has, join_string, until},
    promotion::promote,
};
use model::{Fault, Role};
use server::{
    cluster::lease::SharedFile,
    config::Config,
    start::{Running, start},
};
use std::path::Path;
use tokio::process::Command;

pub(crate) fn sharing(database: &Path, config: Config) -> Config {
    let database = database.to_owned();
    Config { shared: Some(SharedFile { database, fence: None, role_hook: None, floating_ip: None }), ..config }
}

pub(crate) async fn becomes(server: &Running, role: Role) {
    until(&format!("{role:?}"), async || server.service().role() == role).await;
}

#[tokio::test]
async fn when_the_holder_is_killed_the_other_goes_on_with_its_file() {
    let (disk, one_data, two_data) = (folder(), folder(), folder());
    let database = disk.path().join("biostar2.db");
    let hook = disk.path().join("roles");
    let one = start(sharing(&database, quick(one_data.path()))).await.unwrap();
    let joining = Config { join: Some(join_string(&one).await), ..quick(two_data.path()) };
    let two = start(sharing(&database, joining)).await.unwrap();
    let _door = QuickDevice::at(&one).await;
    list(&one, &[one.gateway_addr, two.gateway_addr]).await;
    assert!(!one_data.path().join("biostar2.db").exists() && !two_data.path().join("biostar2.db").exists());
    assert_eq!(two.service().role(), Role::Standby);
    let two_id = two.service().identity().server_id.clone();
    let ports = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..quick(one_data.path()) };
    let mut second =
        sharing(&database, Config { gateway: two.gateway_addr, peers: two.peers_addr, ..quick(two_data.path()) });
    if let Some(shared) = &mut second.shared {
        shared.role_hook = Some(format!("echo \"$BIOSTAR_ROLE $BIOSTAR_EPOCH\" >> {}", hook.display()));
    }
    two.stop().await;
    one.stop().await;
    let one = Process::run(one_data.path(), &ports.peers.to_string(), &["--shared", database.to_str().unwrap()]).await;
    let two = start(second).await.unwrap();

    // Answered, and then the power goes: no copy of it need have left.
    let made = Command::new(crate::harness::program())
        .args(["provision", "--uses", "1", "--data"])
        .arg(one_data.path())
        .output();
    let made = made.await.unwrap();
    one.kill().await;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    becomes(&two, Role::Active).await;
    assert_eq!(two.service().list_provisioning_strings().await.unwrap().len(), 2, "it is in the file");
    assert_eq!(two.service().known_epoch().number, 2);
    until("the device registers on the second", async || shown_at(two.service(), &two_id).await).await;

    let one = start(sharing(&database, ports)).await.unwrap();
    assert_eq!(one.service().role(), Role::Standby);
    let after = change(&two).await;
    until("the first follows", async || has(&one, &after).await).await;
    until("the hook was told", async || std::fs::read_to_string(&hook).unwrap_or_default() == "standby 1\nactive 2\n")
        .await;
    until("both know each other", async || !one.service().list_servers().await.unwrap()[1].name.is_empty()).await;
    promote(&one, None).await.unwrap();
    becomes(&two, Role::Standby).await;
    assert_eq!(one.service().known_epoch().number, 3);
    assert!(has(&one, &after).await);
    assert!(one.service().find_device(DEVICE).await.is_ok());
    // Whoever stops gives the lease back, and the other one has it at once.
    one.stop().await;
    becomes(&two, Role::Active).await;
    assert!(has(&two, &after).await);
    two.stop().await;
}

#[tokio::test]
async fn a_server_overtaken_while_down_begins_an_epoch_of_its_own() {
    let (disk, one_data, two_data) = (folder(), folder(), folder());
    let database = disk.path().join("biostar2.db");
    let one = start(sharing(&database, quick(one_data.path()))).await.unwrap();
    let joining = Config { join: Some(join_string(&one).await), ..quick(two_data.path()) };
    let two = start(sharing(&database, joining)).await.unwrap();
    one.stop().await;
    becomes(&two, Role::Active).await;
    let theirs = change(&two).await;
    two.stop().await;
    // Nobody is there to give it a copy: it has the file.
    let one = start(sharing(&database, quick(one_data.path()))).await.unwrap();
    becomes(&one, Role::Active).await;
    assert_eq!(one.service().known_epoch().number, 3);
    assert!(has(&one, &theirs).await);
    one.stop().await;
}

#[tokio::test]
async fn a_holder_that_only_sleeps_keeps_the_file() {
    let (disk, one_data, two_data) = (folder(), folder(), folder());
    let database = disk.path().join("biostar2.db");
    let one = start(sharing(&database, quick(one_data.path()))).await.unwrap();
    let joining = Config { join: Some(join_string(&one).await), ..quick(two_data.path()) };
    let two = start(sharing(&database, joining)).await.unwrap();
    let peers = one.peers_addr.to_string();
    two.stop().await;
    one.stop().await;
    let one = Process::run(one_data.path(), &peers, &["--shared", database.to_str().unwrap()]).await;
    let two = start(sharing(&database, quick(two_data.path()))).await.unwrap();
    one.freeze().await;
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert_eq!(two.service().role(), Role::Standby, "no time that passes breaks a lease");
    let refused = promote(&two, Some("it hangs")).await;
    assert!(matches!(&refused, Err(Fault::WrongState(_))), "{refused:?}");
    one.kill().await;
    becomes(&two, Role::Active).await;
    assert!(two.service().create_join_string(&console()).await.is_ok());
    two.stop().await;
}

#[tokio::test]
async fn an_unmounted_disk_is_waited_for_and_no_file_replaces_it() {
    let (disk, one_data, two_data) = (folder(), folder(), folder());
    let database = disk.path().join("biostar2.db");
    let one = start(sharing(&database, quick(one_data.path()))).await.unwrap();
    let joining = Config { join: Some(join_string(&one).await), ..quick(two_data.path()) };
    let two = start(sharing(&database, joining)).await.unwrap();
    let kept = change(&one).await;
    one.stop().await;
    becomes(&two, Role::Active).await;
    two.stop().await;
    let elsewhere = disk.path().join("unmounted");
    std::fs::rename(&database, &elsewhere).unwrap();
    let two = start(sharing(&database, quick(two_data.path()))).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(two.service().role(), Role::Standby);
    assert!(!database.exists());
    std::fs::rename(&elsewhere, &database).unwrap();
    becomes(&two, Role::Active).await;
    assert!(has(&two, &kept).await);
    two.stop().await;
}
