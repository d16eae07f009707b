//! Provisioning strings: made here, typed into a device once.

use super::{error_at, field_errors, first_answer, first_fault};
use crate::{
    components::{alert::Refusal, card::Card, copy_field::CopyField, field::TextField, loaded::Loaded, when::When},
    live::Live,
    server_fns::provisioning::{create_provisioning_string, list_provisioning_strings},
};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_meta::Title;
use model::{Fault, FieldError, FormAnswer, ProvisioningForm, ProvisioningString, Typed, paths};

/// The form, the string it made, and what was made before.
#[component]
pub fn ProvisioningPage() -> impl IntoView {
    let live = Live::current();
    let strings = Resource::new(move || live.waiting_devices.get(), |_| list_provisioning_strings());
    let answer = first_answer();
    let first_fault = first_fault(answer.as_ref());
    let errors = RwSignal::new(field_errors(first_fault.as_ref()));
    let fault = RwSignal::new(first_fault);
    let (typed, made) = match answer {
        Some(FormAnswer::Refused { typed: Typed::Provisioning { form }, .. }) => (form, None),
        Some(FormAnswer::Made { string }) => (ProvisioningForm::default(), Some(string)),
        Some(FormAnswer::Refused { .. }) | None => (ProvisioningForm::default(), None),
    };
    let (form, made) = (RwSignal::new(typed), RwSignal::new(made));
    let make = Action::new(move |form: &ProvisioningForm| {
        let form = form.clone();
        async move {
            let outcome = match form.read() {
                Ok(input) => create_provisioning_string(input).await,
                Err(fault) => Err(fault),
            };
            errors.set(field_errors(outcome.as_ref().err()));
            fault.set(outcome.as_ref().err().cloned());
            made.set(outcome.ok());
            strings.refetch();
        }
    });
    view! {
        <Title text="Provisioning" />
        <div class="page">
            <h1>"Provisioning"</h1>
            <p class="lead">
                "A new device introduces itself with a provisioning string. It names this server, lets the device recognise it, and is good for a limited number of devices and time. The device then waits until somebody accepts it."
            </p>
            <Card title="New provisioning string">
                <StringForm form errors fault on_submit=Callback::new(move |form| { make.dispatch(form); }) />
                {move || made.get().map(|string| view! { <MadeString string /> })}
            </Card>
            <Loaded resource=strings children=|strings| view! { <Strings strings /> } />
        </div>
    }
    .into_any()
}

#[component]
fn StringForm(
    form: RwSignal<ProvisioningForm>,
    errors: RwSignal<Vec<FieldError>>,
    fault: RwSignal<Option<Fault>>,
    on_submit: Callback<ProvisioningForm>,
) -> impl IntoView {
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        on_submit.run(form.get_untracked());
    };
    view! {
        <form method="post" action=paths::PROVISIONING class="form-grid" novalidate on:submit=submit>
            <Refusal fault />
            <TextField
                label="Devices"
                name="uses"
                hint="How many devices may use it, 1 to 10000."
                numeric=true
                value=Signal::derive(move || form.with(|form| form.uses.clone()))
                on_type=move |text| form.update(|form| form.uses = text)
                error=error_at(errors, "uses")
            />
            <TextField
                label="Hours"
                name="expires_in_seconds"
                hint="How long it is good, 1 to 720 hours."
                numeric=true
                value=Signal::derive(move || form.with(|form| form.hours.clone()))
                on_type=move |text| form.update(|form| form.hours = text)
                error=error_at(errors, "expires_in_seconds")
            />
            <TextField
                label="Servers"
                name="addresses"
                hint="Servers a new device starts with, for example 10.0.0.1:51213, bio.example.com:51213. Empty: this server."
                optional=true
                value=Signal::derive(move || form.with(|form| form.addresses.clone()))
                on_type=move |text| form.update(|form| form.addresses = text)
                error=error_at(errors, "addresses")
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Make string"</button>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn MadeString(string: ProvisioningString) -> impl IntoView {
    let ProvisioningString { string, expires_at, uses, .. } = string;
    view! {
        <div class="made" role="status">
            <p>
                {format!("Take it now: it is not shown again. Good for {uses} device(s) until ")}<When at=expires_at />"."
            </p>
            <CopyField label="Provisioning string" value=string.unwrap_or_default() />
        </div>
    }
}

#[component]
fn Strings(strings: Signal<Vec<ProvisioningString>>) -> impl IntoView {
    view! {
        <div class="table-frame" role="region" aria-label="Provisioning strings" tabindex="0">
            <table class="wide">
                <thead>
                    <tr>
                        <th scope="col">"String"</th>
                        <th scope="col">"Used"</th>
                        <th scope="col">"Expires"</th>
                        <th scope="col">"Servers"</th>
                        <th scope="col">"Made by"</th>
                        <th scope="col">"Made"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || strings.get().into_iter().map(|string| view! { <StringRow string /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn StringRow(string: ProvisioningString) -> impl IntoView {
    view! {
        <tr>
            <td><code>{string.id}</code></td>
            <td>{format!("{} of {}", string.used, string.uses)}</td>
            <td><When at=string.expires_at /></td>
            <td>{string.addresses.join(", ")}</td>
            <td>{string.created_by}</td>
            <td><When at=string.created_at /></td>
        </tr>
    }
}
