//! A button that asks before it acts, with and without script.

use leptos::{ev::SubmitEvent, prelude::*};

/// Opens a question; only its answer acts.
#[component]
pub fn Confirm(
    /// What is to be done, for the closed button.
    label: String,
    /// What will happen.
    question: String,
    /// The word that does it.
    yes: String,
    /// Where it posts to without script.
    path: String,
    /// What it posts besides.
    #[prop(optional)]
    field: Option<(&'static str, String)>,
    /// Does it.
    on_confirm: Callback<()>,
) -> impl IntoView {
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        on_confirm.run(());
    };
    view! {
        <details class="confirm">
            <summary class="button">{label}</summary>
            <form method="post" action=path class="confirm-question" on:submit=submit>
                {field.map(|(name, value)| view! { <input type="hidden" name=name value=value /> })}
                <p>{question}</p>
                <button type="submit" class="button button-primary">{yes}</button>
            </form>
        </details>
    }
    .into_any()
}
