//! Servers that ask to join and wait for an operator.

use crate::{
    failover::{Mortal, quick},
    pair::{change, confirm_newcomers, console, first, folder, has, join_string, second, until},
    promotion::{again, becomes, promote, rejoin},
};
use gateway::enrolment::KeyFingerprint;
use model::{Fault, Role};
use server::{config::Config, keys::Keys, start::start};
use std::sync::Mutex;

static SHOWN: Mutex<Vec<KeyFingerprint>> = Mutex::new(Vec::new());

#[tokio::test]
async fn a_newcomer_gets_no_key_before_its_fingerprint_is_confirmed() {
    let (one_data, two_data) = (folder(), folder());
    let one = first(one_data.path()).await;
    let string = one.service().create_join_string(&console()).await.unwrap();
    let config = Config {
        join: Some(string.clone()),
        name: Some("Annex".to_owned()),
        tell_fingerprint: |server, fingerprint| {
            assert_eq!(server, "BioStar Server #1");
            SHOWN.lock().unwrap().push(fingerprint);
        },
        ..Config::on_loopback(two_data.path())
    };
    let joining = tokio::spawn(start(config));
    until("it asks", async || !one.service().list_newcomers().is_empty()).await;
    let asked = one.service().list_newcomers().remove(0);
    until("it shows its fingerprint", async || !SHOWN.lock().unwrap().is_empty()).await;
    assert_eq!((asked.name.as_deref(), asked.peer.as_str()), (Some("Annex"), "127.0.0.1"));
    assert_eq!(asked.fingerprint, SHOWN.lock().unwrap()[0].to_string());
    assert!(matches!(one.service().confirm_newcomer(&console(), "00").await, Err(Fault::NotFound(_))));
    assert_eq!(one.service().list_servers().await.unwrap().len(), 1);
    assert!(!two_data.path().join("keys").exists());

    one.service().confirm_newcomer(&console(), &asked.fingerprint).await.unwrap();
    let two = joining.await.unwrap().unwrap();
    let keys = Keys::load(two_data.path()).unwrap().unwrap();
    assert_eq!(keys.server_id(), two.service().identity().server_id);
    assert_eq!(one.service().list_servers().await.unwrap().len(), 2);
    assert!(one.service().list_newcomers().is_empty());
    // The string let one server in, and nobody else, confirmed or not.
    confirm_newcomers(&one);
    let refused = second(folder().path(), &string).await.err().unwrap().to_string();
    assert!(refused.contains("used already"), "{refused}");
}

#[tokio::test]
async fn a_rejected_newcomer_gets_nothing_and_its_string_is_worthless() {
    let (one_data, two_data) = (folder(), folder());
    let one = first(one_data.path()).await;
    let string = one.service().create_join_string(&console()).await.unwrap();
    let joining = tokio::spawn(start(Config { join: Some(string.clone()), ..Config::on_loopback(two_data.path()) }));
    until("it asks", async || !one.service().list_newcomers().is_empty()).await;
    let asked = one.service().list_newcomers().remove(0);
    one.service().reject_newcomer(&console(), &asked.fingerprint).await.unwrap();
    let refused = joining.await.unwrap().err().unwrap().to_string();
    assert!(refused.contains("rejected"), "{refused}");
    assert!(!two_data.path().join("keys").exists());
    let refused = second(folder().path(), &string).await.err().unwrap().to_string();
    assert!(refused.contains("used already"), "{refused}");
}

#[tokio::test]
async fn a_join_string_whose_use_a_takeover_lost_is_not_good_again() {
    let (one_data, two_data) = (folder(), folder());
    let rare = |data| Config { copy_schedule: "7d".parse().unwrap(), ..quick(data) };
    let mortal = Mortal::start(rare(one_data.path())).await;
    let one = &mortal.running;
    let joining = Config { join: Some(join_string(one).await), ..rare(two_data.path()) };
    let two = start(joining).await.unwrap();
    let string = one.service().create_join_string(&console()).await.unwrap();
    let known = change(one).await;
    one.service().copy_now(&console(), &one.service().identity().server_id).await.unwrap();
    until("the second knows the string", async || has(&two, &known).await).await;
    let third_data = folder();
    second(third_data.path(), &string).await.expect("it is good once").stop().await;
    let ports = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..rare(one_data.path()) };
    mortal.kill();
    until("the second takes over", async || promote(&two, Some("killed")).await.is_ok()).await;

    let one = again(ports).await;
    becomes(&one, Role::ReadOnly).await;
    until("it joins again", async || rejoin(&one).await.is_ok()).await;
    until("it has its role back", async || promote(&one, Some("the third is off")).await.is_ok()).await;
    confirm_newcomers(&one);
    let refused = second(folder().path(), &string).await.err().unwrap().to_string();
    assert!(refused.contains("before the active role last moved"), "{refused}");
    second(folder().path(), &join_string(&one).await).await.expect("another is good").stop().await;
    one.stop().await;
    two.stop().await;
}
