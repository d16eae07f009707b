//! The Connection fieldset: how the device behaves towards its servers.

use super::{super::error_at, form_state::FormState};
use crate::components::{
    card::Fieldset,
    field::{FieldError, TextField, described_by},
};
use leptos::prelude::*;
use model::{Failback, NumberSetting};

/// Whether the device goes back by itself, and its timings; pushed with the list.
#[component]
pub fn Connection(
    /// What the form works on.
    state: FormState,
) -> impl IntoView {
    let value = move |name: &'static str| Signal::derive(move || state.draft.with(|draft| draft.settings.text(name)));
    let in_window = move || value("failback").get() == Failback::Window.name();
    let numbers = NumberSetting::ALL.into_iter().map(move |number| {
        let (field, name) = (number.field, number.name());
        view! {
            <TextField
                label=number.label
                name=field
                value=value(name)
                on_type=move |text| state.type_setting(name, text)
                error=error_at(state.errors, field)
                hint=number.hint
                numeric=true
            />
        }
    });
    view! {
        <Fieldset legend="Connection">
            <Policy state value=value("failback") />
            <div class="field-grid" hidden=move || state.hydrated.get() && !in_window()>
                <TextField
                    label="Return from (UTC)"
                    name="settings.window_from"
                    value=value("window_from")
                    on_type=move |text| state.type_setting("window_from", text)
                    error=error_at(state.errors, "settings.window_from")
                    hint="A time of the day, for example 02:30; only for returns at a certain time"
                    optional=true
                />
                <TextField
                    label="Return until (UTC)"
                    name="settings.window_to"
                    value=value("window_to")
                    on_type=move |text| state.type_setting("window_to", text)
                    error=error_at(state.errors, "settings.window_to")
                    hint="May be on the next day, for example 04:00"
                    optional=true
                />
            </div>
            <details class="timings" open=move || has_number_error(state)>
                <summary>"Timings"</summary>
                <div class="field-grid">{numbers.collect_view()}</div>
            </details>
        </Fieldset>
    }
    .into_any()
}

#[component]
fn Policy(state: FormState, value: Signal<String>) -> impl IntoView {
    let error = error_at(state.errors, "settings.failback");
    let options = Failback::ALL.into_iter().map(|(_, name, text)| {
        let selected = value.get_untracked() == name;
        view! { <option value=name selected=selected>{text}</option> }
    });
    let described =
        described_by(error, "settings-failback-error".to_owned(), Some("settings-failback-hint".to_owned()));
    view! {
        <div class="field">
            <label for="settings-failback">"Return to a better server"</label>
            <select
                id="settings-failback"
                name="settings.failback"
                prop:value=move || value.get()
                on:change:target=move |event| state.type_setting("failback", event.target().value())
                aria-describedby=described
            >
                {options.collect_view()}
            </select>
            <p class="hint" id="settings-failback-hint">
                "After a failure the device is on a server further down its list. A server is better if it is the active one, or stands higher in the list."
            </p>
            <FieldError id="settings-failback-error".to_owned() error />
        </div>
    }
    .into_any()
}

/// What is folded away must not hide a mistake.
fn has_number_error(state: FormState) -> bool {
    let at = |field: &str| NumberSetting::ALL.iter().any(|number| number.field == field);
    state.errors.with(|errors| errors.iter().any(|error| at(&error.field)))
}
