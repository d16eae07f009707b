//! One drill, from its first order to its report.

use crate::{Service, actor::Actor};
use futures::{StreamExt as _, stream};
use model::{Drill, DrillDevice, DrillState, DrillStep, Fault, MoveInput, Role};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Between two looks at the devices.
const LOOK: Duration = Duration::from_millis(500);
/// Devices that get an order at the same time.
const AT_ONCE: usize = 32;
/// How long a device that was sent away stays by itself after the limit, in seconds; then it goes where its settings lead it,
/// also if nobody calls it back.
const STAY_S: u32 = 30;
/// How long a device that was called back stays by itself, in seconds.
const HOME_S: u32 = 60;
/// How long the way back may take.
const WAY_BACK: Duration = Duration::from_secs(60);

/// Where each device was when it began: the entry of its list that it was connected through.
type Homes = HashMap<u32, MoveInput>;

pub(super) async fn run(service: &Arc<Service>, mut drill: Drill, stop: CancellationToken) {
    let actor = Actor { login: drill.begun_by.clone(), peer: None };
    let begun = Instant::now();
    let homes = send_away(service, &actor, &mut drill, &stop).await;
    keep(service, &drill).await;
    let limit = Duration::from_secs(drill.limit_seconds.into());
    while drill.count(DrillStep::Leaving) > 0
        && begun.elapsed() < limit
        && !stop.is_cancelled()
        && service.role() == Role::Active
    {
        sleep(LOOK).await;
        look(service, &mut drill).await;
        keep(service, &drill).await;
    }
    let stopped = stop.is_cancelled();
    drill.state = DrillState::CallingBack;
    let (calling, mut called) = (Instant::now(), BTreeSet::new());
    loop {
        look(service, &mut drill).await;
        keep(service, &drill).await;
        call_back(service, &actor, &drill, &homes, &mut called).await;
        let away = drill.count(DrillStep::Leaving) + drill.count(DrillStep::There);
        if away == 0 || calling.elapsed() >= WAY_BACK || service.role() != Role::Active {
            break;
        }
        sleep(LOOK).await;
    }
    finish(service, &actor, drill, stopped).await;
}

/// Sends every device that would be registered there; the others say why they stay.
async fn send_away(service: &Service, actor: &Actor, drill: &mut Drill, stop: &CancellationToken) -> Homes {
    let (to, stay) = (drill.to.clone(), drill.limit_seconds + STAY_S);
    let ids: Vec<u32> = drill.devices.iter().map(|device| device.id).collect();
    let orders = ids.into_iter().map(|id| {
        let to = &to;
        async move {
            if stop.is_cancelled() {
                return (id, Err("the drill was stopped before".to_owned()));
            }
            (id, send(service, actor, id, to, stay).await.map_err(|stays| stays.to_string()))
        }
    });
    let sent: Vec<(u32, Result<MoveInput, String>)> = stream::iter(orders).buffer_unordered(AT_ONCE).collect().await;
    let mut homes = Homes::new();
    for (id, outcome) in sent {
        let Some(device) = drill.devices.iter_mut().find(|device| device.id == id) else { continue };
        match outcome {
            Ok(home) => {
                device.step = DrillStep::Leaving;
                homes.insert(id, home);
            }
            Err(reason) => fail(device, &reason),
        }
    }
    homes
}

/// Why a device does not take part.
#[derive(Debug, thiserror::Error)]
enum Stays {
    #[error("it is not connected to this server")]
    NotHere,
    #[error("from where it is, no entry of its list leads to that server")]
    NoWay,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Where the device was, if it goes.
async fn send(service: &Service, actor: &Actor, device: u32, to: &str, stay: u32) -> Result<MoveInput, Stays> {
    let connected = service.find_servers(device).await?.connected;
    let home = connected.filter(|at| at.server == service.identity().server_id);
    let home = home.ok_or(Stays::NotHere)?;
    let table = service.probe_servers(device, None).await?;
    let row = table.rows.iter().find(|row| row.passed && row.server.as_ref().is_some_and(|server| server.id == to));
    let row = row.ok_or(Stays::NoWay)?;
    let there = MoveInput { address: row.address.clone(), port: row.port, ttl_seconds: Some(stay) };
    service.move_device(actor, device, there).await?;
    Ok(MoveInput { address: home.address, port: home.port, ttl_seconds: Some(HOME_S) })
}

/// Sees where the devices are now.
async fn look(service: &Service, drill: &mut Drill) {
    let (own, to) = (drill.server.clone(), drill.to.clone());
    let calling = drill.state == DrillState::CallingBack;
    for device in &mut drill.devices {
        if !matches!(device.step, DrillStep::Leaving | DrillStep::There) {
            continue;
        }
        let Ok(sightings) = service.store.list_sightings_of(device.id).await else { continue };
        let lost =
            sightings.iter().filter(|sighting| sighting.server_id == own).filter_map(|s| s.ended_at.clone()).max();
        if device.lost_at.is_none() {
            device.lost_at = lost.filter(|at| *at >= drill.begun_at);
        }
        let found = sightings.iter().find(|sighting| sighting.server_id == to && sighting.since >= drill.begun_at);
        if let (DrillStep::Leaving, Some(found)) = (device.step, found) {
            device.step = DrillStep::There;
            device.found_at = Some(found.since.clone());
            device.without_server_ms = device.lost_at.as_deref().and_then(|lost| between(lost, &found.since));
        }
        let here = service.connection_of(&sightings).filter(|connection| connection.server == own);
        if let (true, DrillStep::There, Some(here)) = (calling, device.step, here) {
            device.step = DrillStep::Back;
            device.back_at = Some(here.since);
        }
    }
}

/// Calls every device back that is there, once it is: one that is on its way hears nobody.
async fn call_back(service: &Service, actor: &Actor, drill: &Drill, homes: &Homes, called: &mut BTreeSet<u32>) {
    let there = drill.devices.iter().filter(|device| device.step == DrillStep::There && !called.contains(&device.id));
    let there: Vec<(u32, MoveInput)> =
        there.filter_map(|device| Some((device.id, homes.get(&device.id)?.clone()))).collect();
    let orders = there.into_iter().map(|(id, home)| async move {
        let outcome = service.move_device(actor, id, home).await;
        outcome.map(|_| id).inspect_err(|fault| {
            tracing::info!(device = id, %fault, "a device of a drill could not be called back yet");
        })
    });
    let outcomes: Vec<Result<u32, Fault>> = stream::iter(orders).buffer_unordered(AT_ONCE).collect().await;
    called.extend(outcomes.into_iter().flatten());
}

async fn finish(service: &Service, actor: &Actor, mut drill: Drill, stopped: bool) {
    for device in &mut drill.devices {
        match device.step {
            DrillStep::Leaving | DrillStep::Waiting => fail(device, "it did not arrive in time"),
            DrillStep::There => fail(device, "it was there and has not come back yet"),
            DrillStep::Back | DrillStep::Failed => {}
        }
        if let Ok((came, lost)) = service.store.count_events_since(device.id, &drill.begun_at).await {
            (device.events, device.events_lost) = (came, lost);
        }
    }
    drill.state = if stopped { DrillState::Stopped } else { DrillState::Done };
    drill.ended_at = Some(service.clock.now_text());
    let summary = drill.summary();
    let audit =
        service.audit(actor, "drill.end", format!("drill {}", drill.id), None, Some(serde_json::json!(summary)));
    tracing::warn!(drill = drill.id, summary, "a drill is over");
    if let Err(error) = service.store.put_drill(&drill, Some(&audit)).await {
        tracing::error!(error = &error as &dyn std::error::Error, "the report of a drill could not be kept");
    }
}

async fn keep(service: &Service, drill: &Drill) {
    if let Err(error) = service.store.put_drill(drill, None).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "how far a drill is could not be kept");
    }
    service.changed(crate::changes::Change::Server);
}

fn fail(device: &mut DrillDevice, reason: &str) {
    device.step = DrillStep::Failed;
    device.reason = Some(reason.to_owned());
}

/// Milliseconds from one time to the other; 0 if the servers' clocks differ by more than it took.
fn between(from: &str, to: &str) -> Option<u64> {
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let took = parse(to)? - parse(from)?;
    Some(u64::try_from(took.whole_milliseconds()).unwrap_or(0))
}
