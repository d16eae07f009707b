//! A button that asks before it acts, with and without script.

use leptos::{ev::SubmitEvent, html, prelude::*};

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
    let question_box = NodeRef::<html::Details>::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        // What comes in its place must not be open as well.
        if let Some(question_box) = question_box.get_untracked() {
            question_box.set_open(false);
        }
        on_confirm.run(());
    };
    view! {
        <details class="confirm" node_ref=question_box>
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
