//! A label and its input.

use super::alert::{id_of, sentence};
use leptos::prelude::*;

/// What every value says that the device itself reported.
pub const REPORTED: &str = "Reported by the device. It can only be changed at the device.";

/// A value that cannot be changed here, and why.
#[component]
pub fn ReadOnlyField(
    /// The label, as the vendor writes it.
    label: &'static str,
    /// The value; empty when there is none.
    #[prop(into)]
    value: Signal<String>,
    /// Why it cannot be changed.
    #[prop(optional)]
    reason: Option<&'static str>,
) -> impl IntoView {
    let id = id_from(label);
    let reason_id = format!("{id}-reason");
    let reason = reason.unwrap_or(REPORTED);
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                type="text"
                readonly
                title=reason
                aria-describedby=reason_id.clone()
                value=move || value.get()
            />
            <span id=reason_id hidden>{reason}</span>
        </div>
    }
    .into_any()
}

/// A switch that cannot be changed here, and why.
#[component]
pub fn ReadOnlySwitch(
    /// The label, as the vendor writes it.
    label: &'static str,
    /// On or off.
    #[prop(into)]
    on: Signal<bool>,
    /// Why it cannot be changed.
    #[prop(optional)]
    reason: Option<&'static str>,
) -> impl IntoView {
    let id = id_from(label);
    let reason_id = format!("{id}-reason");
    let reason = reason.unwrap_or(REPORTED);
    view! {
        <div class="field field-switch">
            <input
                id=id.clone()
                type="checkbox"
                disabled
                title=reason
                aria-describedby=reason_id.clone()
                checked=move || on.get()
                prop:checked=move || on.get()
            />
            <label for=id>{label}</label>
            <span id=reason_id hidden>{reason}</span>
        </div>
    }
    .into_any()
}

/// A text that can be changed.
#[component]
pub fn TextField(
    /// The label, as the vendor writes it.
    label: &'static str,
    /// The field's name in the request.
    name: &'static str,
    /// What stands in it.
    #[prop(into)]
    value: Signal<String>,
    /// What was typed.
    on_type: impl Fn(String) + Send + Sync + 'static,
    /// The rule it broke.
    #[prop(into)]
    error: Signal<Option<String>>,
    /// The most characters.
    #[prop(optional)]
    max: Option<u32>,
    /// What to know before typing.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// Shows numbers on a phone.
    #[prop(optional)]
    numeric: bool,
    /// May be left empty.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let id = id_of(name);
    let error_id = format!("{id}-error");
    let hint_id = format!("{id}-hint");
    let described = described_by(error, error_id.clone(), hint.map(|_| hint_id.clone()));
    view! {
        <div class="field" class:field-required=!optional>
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=name
                type="text"
                inputmode=numeric.then_some("numeric")
                maxlength=max
                autocomplete="off"
                value=value.get_untracked()
                prop:value=move || value.get()
                on:input:target=move |event| on_type(event.target().value())
                aria-required=(!optional).then_some("true")
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described
            />
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <FieldError id=error_id error />
        </div>
    }
    .into_any()
}

/// The rule that a field broke, under the field.
#[component]
pub fn FieldError(
    /// What the input's description refers to.
    id: String,
    /// The rule.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    move || error.get().map(|error| view! { <p class="field-error" id=id.clone()>{sentence(&error)}</p> })
}

/// What describes an input: its error while there is one, and its hint.
pub fn described_by(
    error: Signal<Option<String>>,
    error_id: String,
    hint_id: Option<String>,
) -> impl Fn() -> Option<String> + Clone + Send + Sync + 'static {
    move || {
        let error_id = error.with(Option::is_some).then(|| error_id.clone());
        match (error_id, hint_id.clone()) {
            (Some(error), Some(hint)) => Some(format!("{error} {hint}")),
            (Some(only), None) | (None, Some(only)) => Some(only),
            (None, None) => None,
        }
    }
}

fn id_from(label: &str) -> String {
    let mut id: String =
        label.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    id.insert_str(0, "reported-");
    id
}
