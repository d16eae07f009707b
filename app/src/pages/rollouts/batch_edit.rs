//! Batch edit: the servers of many devices, and a look at the waves before they begin.

use super::super::{field_errors, first_answer, first_fault};
use crate::{
    components::{
        alert::Refusal,
        card::{Card, Fieldset},
        icon::{Icon, IconName},
        loaded::Loaded,
        server_table::{RowEdit, ServerTable, TableState, rows::EntryRows},
        status::StatusMark,
    },
    hydrated::Hydrated,
    server_fns::rollouts::{create_rollout, preview_rollout},
    unsaved::Unsaved,
};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};
use model::{Fault, FieldError, FormAnswer, RolloutInput, RolloutPreview, Selector, Typed, paths};

/// The batch edit of the devices in the address.
#[component]
pub fn BatchEditPage() -> impl IntoView {
    let params = use_query_map();
    let answer = first_answer();
    let typed = match &answer {
        Some(FormAnswer::Refused { typed: Typed::Rollout { input }, .. }) => Some(input.clone()),
        Some(FormAnswer::Refused { .. } | FormAnswer::Made { .. }) | None => None,
    };
    let fault = RwSignal::new(first_fault(answer.as_ref()));
    let asked = typed.as_ref().map(|typed| typed.selector.clone());
    let selector = Memo::new(move |_| asked.clone().unwrap_or_else(|| params.with(selector_of)));
    let preview = Resource::new(move || selector.get(), preview_rollout);
    view! {
        <Title text="Edit servers" />
        <div class="page">
            <div class="page-title">
                <a class="back" href=paths::DEVICES aria-label="Back to All Devices"><Icon name=IconName::Back /></a>
                <h1>"Edit servers"</h1>
            </div>
            <Refusal fault />
            <Loaded resource=preview children=move |preview| {
                view! { <BatchForm preview typed=typed.clone() fault /> }
            } />
        </div>
    }
    .into_any()
}

/// Which devices the address names.
fn selector_of(params: &ParamsMap) -> Selector {
    if params.get("all").is_some() {
        return Selector::All { all: true };
    }
    if let Some(query) = params.get("q").filter(|query| !query.is_empty()) {
        return Selector::Query { query };
    }
    let named = params.get_all("device").unwrap_or_default().into_iter().chain(params.get("devices"));
    let ids = named.flat_map(|ids| ids.split(',').filter_map(|id| id.trim().parse().ok()).collect::<Vec<u32>>());
    Selector::Devices { devices: ids.collect() }
}

#[component]
fn BatchForm(
    preview: Signal<RolloutPreview>,
    typed: Option<RolloutInput>,
    fault: RwSignal<Option<Fault>>,
) -> impl IntoView {
    let first = EntryRows::of(&preview.with_untracked(|preview| preview.entries.clone()));
    let rows = RwSignal::new(typed.map_or_else(|| first.clone(), |typed| EntryRows::typed(typed.entries)));
    let errors = RwSignal::new(entry_errors(fault.get_untracked().as_ref()));
    let navigate = use_navigate();
    let create = Action::new(move |input: &RolloutInput| {
        let (input, navigate) = (input.clone(), navigate.clone());
        async move {
            match create_rollout(input).await {
                Ok(rollout) => navigate(&paths::rollout(rollout.id), NavigateOptions::default()),
                Err(refused) => {
                    errors.set(entry_errors(Some(&refused)));
                    fault.set(Some(refused));
                }
            }
        }
    });
    let begun = rows.get_untracked();
    Unsaved::current().follow(move || rows.with(|rows| *rows != begun) && !create.pending().get());
    let table = TableState {
        rows: rows.into(),
        edit: Callback::new(move |edit: RowEdit| {
            errors.update(|errors| errors.retain(|error| edit.spares(error)));
            rows.update(|rows| edit.apply(rows));
        }),
        errors,
        servers: Signal::derive(|| None),
        hydrated: Hydrated::current(),
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        fault.set(None);
        let selector = preview.with_untracked(|preview| preview.selector.clone());
        create.dispatch(RolloutInput { selector, entries: rows.with_untracked(|rows| rows.all().to_vec()) });
    };
    view! {
        <form method="post" action=paths::NEW_ROLLOUT class="device-form" autocomplete="off" novalidate on:submit=submit>
            {move || preview.with(|preview| hidden_of(&preview.selector))}
            <Card title="Network">
                <Fieldset legend="Server">
                    <p class="reason">"Every chosen device gets exactly this list. It starts with the servers of the first device."</p>
                    <ServerTable state=table />
                </Fieldset>
            </Card>
            <Card title="Devices and waves">{move || view! { <Waves preview=preview.get() /> }}</Card>
            <div class="apply-bar">
                <button type="submit" class="button button-apply" disabled=move || create.pending().get()>
                    {move || preview.with(|preview| format!("Apply to {}", devices(preview.total)))}
                </button>
                <a class="button button-cancel" href=paths::DEVICES>"Cancel"</a>
            </div>
        </form>
    }
    .into_any()
}

/// Errors that stand at the table; the others are told above it.
fn entry_errors(fault: Option<&Fault>) -> Vec<FieldError> {
    field_errors(fault).into_iter().filter(|error| error.field.starts_with("entries")).collect()
}

/// What the form posts without script, so that the answer is about the same devices.
fn hidden_of(selector: &Selector) -> impl IntoView + use<> {
    let (name, value) = match selector {
        Selector::All { .. } => ("all", "true".to_owned()),
        Selector::Query { query } => ("query", query.clone()),
        Selector::Devices { devices } => ("devices", devices.iter().map(u32::to_string).collect::<Vec<_>>().join(",")),
    };
    view! { <input type="hidden" name=name value=value /> }
}

fn devices(number: u64) -> String {
    if number == 1 { "1 device".to_owned() } else { format!("{number} devices") }
}

#[component]
fn Waves(preview: RolloutPreview) -> impl IntoView {
    let waves = preview.waves.iter().zip(1..).map(|(number, wave)| {
        view! { <li>{format!("Wave {wave}: {}", devices(*number))}</li> }
    });
    let shown = preview.devices.len() as u64;
    let more = (shown < preview.total).then(|| format!("and {} more", preview.total - shown));
    let names = preview.devices.into_iter().map(|device| {
        view! {
            <li>
                <a href=paths::device(device.id)>{device.name}</a>" "
                <span class="quiet">{device.id}</span>" "<StatusMark status=device.status />
            </li>
        }
    });
    view! {
        <ol class="waves" aria-label="Waves">{waves.collect_view()}</ol>
        <p class="reason">
            {format!(
                "A wave begins when the one before has come to its end; devices that are offline get the list when they return. It stops by itself at {} failed.",
                devices(preview.failure_limit),
            )}
        </p>
        <ul class="chosen-devices" aria-label="Chosen devices">{names.collect_view()}</ul>
        {more.map(|more| view! { <p class="quiet">{more}</p> })}
    }
    .into_any()
}
