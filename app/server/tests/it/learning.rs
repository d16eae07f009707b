//! A server that takes over with an older copy learns from the devices which lists they keep.

use crate::{
    device::{DEVICE, QuickDevice, list, rows, shown_at},
    event_scenario,
    failover::{Mortal, quick},
    pair::{console, folder, join_string, until},
    promotion::promote,
};
use model::{PushState, RevisionQuery};
use server::{config::Config, start::start};

#[tokio::test]
async fn a_list_the_copy_lacks_is_learned_and_shown_as_learned() {
    let (one_data, two_data) = (folder(), folder());
    // Copies are taken only when somebody asks.
    let rare = |data| Config { copy_schedule: "7d".parse().unwrap(), ..quick(data) };
    let mortal = Mortal::start(rare(one_data.path())).await;
    let one = &mortal.running;
    let two = start(Config { join: Some(join_string(one).await), ..rare(two_data.path()) }).await.unwrap();
    let _door = QuickDevice::at(one).await;
    list(one, &[one.gateway_addr, two.gateway_addr]).await;
    let id = one.service().identity().server_id.clone();
    one.service().copy_now(&console(), &id).await.unwrap();
    let older = one.service().find_servers(DEVICE).await.unwrap();
    until("the copy has the first list", async || {
        two.service().find_servers(DEVICE).await.is_ok_and(|servers| servers.revision == older.revision)
    })
    .await;
    let swapped = [two.gateway_addr, one.gateway_addr];
    list(one, &swapped).await;
    let newer = one.service().find_servers(DEVICE).await.unwrap();
    assert_eq!(two.service().find_servers(DEVICE).await.unwrap().revision, older.revision, "the copy is old");

    mortal.kill();
    let two_id = two.service().identity().server_id.clone();
    until("the device is on the second", async || shown_at(two.service(), &two_id).await).await;
    until("the first is missed", async || {
        !two.service().promotion_evidence(&two_id).await.unwrap().others[0].reachable
    })
    .await;
    promote(&two, Some("killed by the test")).await.unwrap();
    until("the list is learned", async || {
        let servers = two.service().find_servers(DEVICE).await.unwrap();
        servers.revision == newer.revision && servers.push.is_some_and(|push| push.state == PushState::Committed)
    })
    .await;
    let learned = two.service().find_servers(DEVICE).await.unwrap();
    assert_eq!((&learned.hash, &learned.entries), (&newer.hash, &newer.entries));
    assert_eq!(learned.committed.map(|committed| committed.hash), Some(newer.hash));
    let history = two.service().list_revisions(DEVICE, RevisionQuery::default()).await.unwrap();
    assert_eq!(history.items[0].by, "learned from the device");

    // From here on it is a list like any other.
    let base = learned.revision;
    let revision = two.service().replace_servers(&console(), DEVICE, base, rows(&[two.gateway_addr])).await.unwrap();
    assert_eq!(revision.revision, base + 1);
    until("the device has the next one", async || {
        let push = two.service().find_servers(DEVICE).await.unwrap().push;
        push.is_some_and(|push| (push.revision, push.state) == (base + 1, PushState::Committed))
    })
    .await;
}

#[tokio::test]
async fn a_device_the_copy_lacks_is_learned_with_its_list_and_events() {
    let (one_data, two_data) = (folder(), folder());
    let rare = |data| Config { copy_schedule: "7d".parse().unwrap(), ..quick(data) };
    let mortal = Mortal::start(rare(one_data.path())).await;
    let one = &mortal.running;
    let two = start(Config { join: Some(join_string(one).await), ..rare(two_data.path()) }).await.unwrap();
    let id = one.service().identity().server_id.clone();
    one.service().copy_now(&console(), &id).await.unwrap();
    let device = event_scenario::EventDevice::at(one).await;
    event_scenario::list(one, &[one.gateway_addr, two.gateway_addr]).await;
    device.used(3, "ada").await;
    until("the first has the events", async || {
        event_scenario::uses(one.service()).await == event_scenario::expected(&[("ada", 3)])
    })
    .await;
    let kept = one.service().find_servers(DEVICE).await.unwrap();
    assert!(two.service().find_device(DEVICE).await.is_err(), "the copy is older than the device");

    mortal.kill();
    let two_id = two.service().identity().server_id.clone();
    until("the first is missed, and the device is here", async || {
        let evidence = two.service().promotion_evidence(&two_id).await.unwrap();
        !evidence.others[0].reachable && evidence.devices_here == 1
    })
    .await;
    promote(&two, Some("killed by the test")).await.unwrap();
    until("the device is learned", async || two.service().find_device(DEVICE).await.is_ok()).await;
    let learned = two.service().find_servers(DEVICE).await.unwrap();
    assert_eq!((learned.revision, &learned.entries, &learned.hash), (kept.revision, &kept.entries, &kept.hash));
    assert_eq!(learned.push.map(|push| push.state), Some(PushState::Committed));
    let history = two.service().list_revisions(DEVICE, RevisionQuery::default()).await.unwrap();
    assert_eq!(history.items[0].by, "learned from the device");
    until("its events are here", async || {
        event_scenario::uses(two.service()).await == event_scenario::expected(&[("ada", 3)])
    })
    .await;
    event_scenario::list(&two, &[two.gateway_addr]).await;
}
