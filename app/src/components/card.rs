//! Boxes that settings stand in.

use leptos::prelude::*;

/// A section of a page: a bar with its title, and what belongs to it.
#[component]
pub fn Card(
    /// What the bar says.
    title: &'static str,
    /// What belongs to it.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card">
            <h2 class="card-title">{title}</h2>
            <div class="card-body">{children()}</div>
        </section>
    }
}

/// Fields that belong together, in two columns where there is room.
#[component]
pub fn Fieldset(
    /// What the frame says.
    legend: &'static str,
    /// Why its fields cannot be changed, if they cannot.
    #[prop(optional)]
    reason: Option<&'static str>,
    /// The fields.
    children: Children,
) -> impl IntoView {
    view! {
        <fieldset>
            <legend>{legend}</legend>
            {reason.map(|reason| view! { <p class="reason">{reason}</p> })}
            {children()}
        </fieldset>
    }
}
