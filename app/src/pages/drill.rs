//! The report of a failover drill: watched while it runs, and printed.

use super::{first_answer, first_fault};
use crate::{
    components::{
        alert::Refusal,
        confirm::Confirm,
        icon::{Icon, IconName},
        loaded::Loaded,
        when::When,
    },
    hydrated::Hydrated,
    live::Live,
    server_fns::servers::{find_drill, stop_drill},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::{Drill, DrillDevice, DrillStep, in_seconds, paths};

/// The page of the drill in the address. Another one is another page.
#[component]
pub fn DrillPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    view! { <div class="page">{move || view! { <OneDrill id=id.get() /> }}</div> }.into_any()
}

#[component]
fn OneDrill(id: String) -> impl IntoView {
    let live = Live::current();
    let drill = {
        let id = id.clone();
        Resource::new(move || live.servers.get(), move |_| find_drill(id.clone()))
    };
    let answered = first_fault(first_answer().as_ref());
    let stop = Action::new(move |(): &()| {
        let id = id.clone();
        async move {
            let outcome = stop_drill(id).await;
            drill.refetch();
            outcome.err()
        }
    });
    let fault = Signal::derive(move || match stop.value().get() {
        Some(outcome) => outcome,
        None => answered.clone(),
    });
    let on_stop = Callback::new(move |()| {
        stop.dispatch(());
    });
    view! {
        <Title text="Failover drill" />
        <Refusal fault />
        <Loaded resource=drill children=move |drill| view! { <Report drill on_stop /> } />
    }
    .into_any()
}

#[component]
fn Report(drill: Signal<Drill>, on_stop: Callback<()>) -> impl IntoView {
    let (to_name, begun_at) = drill.with_untracked(|drill| (drill.to_name.clone(), drill.begun_at.clone()));
    let id = drill.with_untracked(|drill| drill.id.clone());
    let stop = move || {
        (!drill.with(|drill| drill.state.is_final())).then(|| view! { <StopDrill id=id.clone() on_confirm=on_stop /> })
    };
    view! {
        <div class="page-title">
            <a class="back" href=paths::SERVERS aria-label="Back to Servers"><Icon name=IconName::Back /></a>
            <h1>{format!("Failover drill to {to_name}")}</h1>
            <p class="page-status" role="status" aria-label="RestoreTest">
                {move || drill.with(|drill| view! { <Summary text=drill.summary() trouble=is_trouble(drill) /> })}
            </p>
        </div>
        <p class="lead">
            {move || drill.with(lead)}" "<When at=begun_at />
        </p>
        <div class="server-actions">{stop}<PrintButton /></div>
        {move || drill.with(|drill| view! { <Devices devices=drill.devices.clone() /> })}
    }
    .into_any()
}

/// Calls the devices of a drill back.
#[component]
pub(super) fn StopDrill(id: String, on_confirm: Callback<()>) -> impl IntoView {
    view! {
        <Confirm
            label="Stop".to_owned()
            question="The devices are called back at once.".to_owned()
            yes="Call them back".to_owned()
            path=paths::stop_drill(&id)
            on_confirm
        />
    }
}

/// Whether a drill is over and not all came through.
pub(super) fn is_trouble(drill: &Drill) -> bool {
    drill.state.is_final() && drill.count(DrillStep::Back) < drill.devices.len()
}

/// What came of a drill, in a line.
#[component]
pub(super) fn Summary(text: String, trouble: bool) -> impl IntoView {
    view! { <span class=if trouble { "mark mark-bad" } else { "quiet" }>{text}</span> }
}

fn lead(drill: &Drill) -> String {
    format!(
        "Devices of {} are sent to {} and called back, after {} seconds at most. Begun by {},",
        drill.from_name, drill.to_name, drill.limit_seconds, drill.begun_by
    )
}

/// Without script the browser's own menu prints.
#[component]
fn PrintButton() -> impl IntoView {
    let hydrated = Hydrated::current();
    // A browser that cannot print says so itself.
    let print = move |_| drop(window().print());
    move || hydrated.get().then(|| view! { <button type="button" class="button" on:click=print>"Print"</button> })
}

#[component]
fn Devices(devices: Vec<DrillDevice>) -> impl IntoView {
    view! {
        <div class="table-frame" role="region" aria-label="Devices of the drill" tabindex="0">
            <table class="wide">
                <thead>
                    <tr>
                        <th scope="col">"Device"</th>
                        <th scope="col">"Device ID"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col">"Lost"</th>
                        <th scope="col">"Found"</th>
                        <th scope="col">"Without a server"</th>
                        <th scope="col">"Back"</th>
                        <th scope="col">"Events"</th>
                    </tr>
                </thead>
                <tbody>{devices.into_iter().map(|device| view! { <Row device /> }).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(device: DrillDevice) -> impl IntoView {
    let time = |at: Option<String>| at.map(|at| view! { <When at /> });
    let lost = (device.events_lost > 0).then(|| format!(" ({} lost)", device.events_lost));
    view! {
        <tr>
            <th scope="row"><a href=paths::device(device.id)>{device.name}</a></th>
            <td class="number">{device.id}</td>
            <td>{device.step.label()}{device.reason.map(|reason| format!(": {reason}"))}</td>
            <td>{time(device.lost_at)}</td>
            <td>{time(device.found_at)}</td>
            <td class="number">{device.without_server_ms.map(in_seconds)}</td>
            <td>{time(device.back_at)}</td>
            <td class="number">{device.events}{lost}</td>
        </tr>
    }
    .into_any()
}
