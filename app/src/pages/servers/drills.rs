//! Failover drills: begun here, watched here, and their reports.

use super::others_of_active;
use crate::{
    components::{alert::Refusal, field::TextField, loaded::Loaded, when::When},
    live::Live,
    pages::{
        drill::{StopDrill, Summary, is_trouble},
        error_at, field_errors, first_answer, first_fault,
    },
    server_fns::servers::{list_drills, stop_drill},
};
use leptos::prelude::*;
use model::{Drill, FormAnswer, PeerState, Server, Typed, paths};

/// What can be practised from here, and what was.
#[component]
pub fn DrillSection(
    /// All servers.
    servers: Signal<Vec<Server>>,
) -> impl IntoView {
    let live = Live::current();
    let drills = Resource::new(move || live.servers.get(), |_| list_drills());
    let fault = RwSignal::new(None);
    let stop = Action::new(move |id: &String| {
        let id = id.clone();
        async move {
            fault.set(stop_drill(id).await.err());
            drills.refetch();
        }
    });
    let on_stop = Callback::new(move |id| {
        stop.dispatch(id);
    });
    view! {
        <Refusal fault />
        <Loaded resource=drills quiet=true children=move |drills| view! { <Drills servers drills on_stop /> } />
    }
    .into_any()
}

/// Nothing where nothing can be practised and nothing was.
#[component]
fn Drills(servers: Signal<Vec<Server>>, drills: Signal<Vec<Drill>>, on_stop: Callback<String>) -> impl IntoView {
    let runs = Memo::new(move |_| drills.with(|drills| drills.iter().any(|drill| !drill.state.is_final())));
    let targets = Memo::new(move |_| servers.with(|servers| others_of_active(servers, PeerState::Reachable)));
    let buttons = move || {
        let targets = if runs.get() { Vec::new() } else { targets.get() };
        targets.into_iter().map(|(id, name)| view! { <BeginForm id name /> }).collect_view()
    };
    move || {
        let drills = drills.get();
        (!drills.is_empty() || !targets.get().is_empty()).then(|| {
            let rows = drills.into_iter().map(|drill| view! { <DrillLine drill on_stop /> });
            view! {
                <h2>"Failover drills"</h2>
                <p class="lead">
                    "Each device looks whether the other server would register it, goes there, and comes back. The report is kept, and can be printed."
                </p>
                <div class="server-actions">{buttons}</div>
                {rows.collect_view()}
            }
        })
    }
}

/// Posted as it is.
#[component]
fn BeginForm(id: String, name: String) -> impl IntoView {
    let answer = first_answer();
    let typed = match &answer {
        Some(FormAnswer::Refused { typed: Typed::Drill { form }, .. }) => Some(form.clone()),
        Some(FormAnswer::Refused { .. } | FormAnswer::Made { .. }) | None => None,
    };
    let errors = RwSignal::new(field_errors(first_fault(answer.as_ref()).as_ref()));
    let refused = typed.is_some();
    let typed = typed.unwrap_or_default();
    let (devices, limit) = (RwSignal::new(typed.devices), RwSignal::new(typed.limit_seconds));
    view! {
        <details class="confirm" open=refused>
            <summary class="button">{format!("Practise a failover to {name}")}</summary>
            <form method="post" action=paths::begin_drill(&id) class="confirm-question">
                <p>
                    {format!("The devices go to {name} now, and come back when all have arrived, or at the limit. Each is without a server for a few seconds, and keeps its events.")}
                </p>
                <TextField
                    label="Devices"
                    name="devices"
                    hint="Device IDs, or a text as you would search the device list for; empty for all devices."
                    value=devices
                    on_type=move |text| devices.set(text)
                    error=error_at(errors, "devices")
                    optional=true
                />
                <TextField
                    label="Limit"
                    name="limit_seconds"
                    hint="Seconds, 10 to 3600; 600 if it is empty."
                    value=limit
                    on_type=move |text| limit.set(text)
                    error=error_at(errors, "limit_seconds")
                    numeric=true
                    optional=true
                />
                <button type="submit" class="button button-primary">"Begin"</button>
            </form>
        </details>
    }
    .into_any()
}

#[component]
fn DrillLine(drill: Drill, on_stop: Callback<String>) -> impl IntoView {
    let stop = (!drill.state.is_final()).then(|| {
        let id = drill.id.clone();
        let on_confirm = Callback::new(move |()| on_stop.run(id.clone()));
        view! { <StopDrill id=drill.id.clone() on_confirm /> }
    });
    view! {
        <section class="drill">
            <h3><When at=drill.begun_at.clone() />{format!(" to {}, by {}", drill.to_name, drill.begun_by)}</h3>
            <p><Summary text=drill.summary() trouble=is_trouble(&drill) /></p>
            <div class="server-actions">
                {stop}
                <a href=paths::drill(&drill.id) aria-label=format!("Report of the drill of {}", drill.begun_at)>"Report"</a>
            </div>
        </section>
    }
    .into_any()
}
