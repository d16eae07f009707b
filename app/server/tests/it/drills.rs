//! Failover drills: who goes, who comes back, and what is kept of it.

use crate::{
    device::{DEVICE, list, shown_at},
    event_scenario::EventDevice,
    failover::{Mortal, quick},
    pair::{console, folder, join_string, until},
    promotion::again,
};
use model::{Drill, DrillInput, DrillState, DrillStep, Fault};
use server::{
    config::Config,
    start::{Running, start},
};

async fn begin(server: &Running, to: &Running, devices: Option<Vec<u32>>) -> Result<Drill, Fault> {
    begin_with(server, to, DrillInput { devices, ..DrillInput::default() }).await
}

async fn begin_with(server: &Running, to: &Running, input: DrillInput) -> Result<Drill, Fault> {
    let input = DrillInput { to: to.service().identity().server_id.clone(), limit_seconds: Some(30), ..input };
    server.service().begin_drill(&console(), input).await
}

async fn ended(server: &Running, id: &str) -> Drill {
    until("the drill is over", async || server.service().find_drill(id).await.unwrap().state.is_final()).await;
    server.service().find_drill(id).await.unwrap()
}

#[tokio::test]
async fn a_device_goes_and_comes_back_and_the_report_says_when() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let one = &mortal.running;
    let two = start(Config { join: Some(join_string(one).await), ..quick(two_data.path()) }).await.unwrap();
    let device = EventDevice::at(one).await;
    list(one, &[one.gateway_addr, two.gateway_addr]).await;
    device.used(20, "ada").await;

    let begun = begin(one, &two, None).await.unwrap();
    assert_eq!((begun.state, begun.devices.len()), (DrillState::Running, 1));
    assert!(matches!(begin(one, &two, None).await, Err(Fault::WrongState(_))), "one at a time");
    let report = ended(one, &begun.id).await;
    let moved = &report.devices[0];
    assert_eq!((report.state, moved.step), (DrillState::Done, DrillStep::Back), "{report:?}");
    let times = [&Some(report.begun_at.clone()), &moved.lost_at, &moved.found_at, &moved.back_at, &report.ended_at];
    assert!(times.iter().all(|at| at.is_some()) && times.is_sorted(), "{report:?}");
    assert!(moved.without_server_ms.is_some() && moved.events_lost == 0, "{report:?}");
    assert!(report.report().contains("1 of 1 devices passed"));
    assert_eq!(one.service().list_drills(None).await.unwrap(), [report]);

    // Whoever is not there cannot go, and whoever is unknown is told.
    let unknown = begin(one, &two, Some(vec![7])).await;
    assert!(matches!(unknown, Err(Fault::Invalid { ref errors }) if errors[0].field == "devices"), "{unknown:?}");
    let itself = begin(one, one, None).await;
    assert!(matches!(itself, Err(Fault::Invalid { ref errors }) if errors[0].field == "to"), "{itself:?}");
    assert!(matches!(begin(&two, one, None).await, Err(Fault::NotActive { .. })));
    drop(device);
    until("the device is gone", async || one.service().find_servers(DEVICE).await.unwrap().connected.is_none()).await;
    let begun = begin(one, &two, Some(vec![DEVICE])).await.unwrap();
    let report = ended(one, &begun.id).await;
    assert_eq!((report.state, report.devices[0].step), (DrillState::Done, DrillStep::Failed));
    assert!(report.devices[0].reason.as_deref().is_some_and(|why| why.contains("not connected")), "{report:?}");
    mortal.kill();
    two.stop().await;
}

#[tokio::test]
async fn a_drill_whose_server_dies_is_shown_as_cut_off() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let one = &mortal.running;
    let two = start(Config { join: Some(join_string(one).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = EventDevice::at(one).await;
    list(one, &[one.gateway_addr, two.gateway_addr]).await;
    let (begun, two_id) = (begin(one, &two, None).await.unwrap(), two.service().identity().server_id.clone());
    until("it is under way", async || shown_at(one.service(), &two_id).await).await;
    let ports = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..quick(one_data.path()) };
    mortal.kill();
    let one = again(ports).await;
    let found = one.service().find_drill(&begun.id).await.unwrap();
    assert!(matches!(found.state, DrillState::CutOff | DrillState::Done), "{found:?}");
    until("the device has a server", async || crate::device::connection(one.service()).await.is_some()).await;
    let nobody = one.service().stop_drill(&console(), &begun.id).await;
    assert!(matches!(nobody, Err(Fault::WrongState(_))), "{nobody:?}");
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_drill_of_some_devices_is_stopped_and_they_come_back() {
    let (one_data, two_data) = (folder(), folder());
    let one = start(quick(one_data.path())).await.unwrap();
    let two = start(Config { join: Some(join_string(&one).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = EventDevice::at(&one).await;
    let _other = crate::device::QuickDevice::numbered(&one, DEVICE + 1).await;
    list(&one, &[one.gateway_addr, two.gateway_addr]).await;

    let text = |q: &str| DrillInput { q: Some(q.to_owned()), ..DrillInput::default() };
    let nobody = begin_with(&one, &two, text("no such door")).await;
    assert!(matches!(nobody, Err(Fault::Invalid { ref errors }) if errors[0].field == "devices"), "{nobody:?}");
    let both = DrillInput { devices: Some(vec![DEVICE]), ..text("5478") };
    let both = begin_with(&one, &two, both).await;
    assert!(matches!(both, Err(Fault::Invalid { ref errors }) if errors[0].field == "q"), "{both:?}");

    let begun = begin_with(&one, &two, text(&DEVICE.to_string())).await.unwrap();
    assert_eq!(begun.devices.iter().map(|device| device.id).collect::<Vec<_>>(), [DEVICE], "the other one stays out");
    one.service().stop_drill(&console(), &begun.id).await.unwrap();
    let report = ended(&one, &begun.id).await;
    assert_eq!(report.state, DrillState::Stopped, "{report:?}");
    let own = one.service().identity().server_id.clone();
    until("the device is where it was", async || shown_at(one.service(), &own).await).await;
    one.stop().await;
    two.stop().await;
}
