//! Yes or no to somebody who asks to belong.

use leptos::{ev::MouseEvent, prelude::*};
use model::Decision;

/// A button for each answer; without script they post.
#[component]
pub fn DecisionForm(
    /// Who asks, for people who do not see the row.
    who: String,
    /// The word for yes.
    yes: &'static str,
    /// Where yes posts to.
    yes_path: String,
    /// Where no posts to.
    no_path: String,
    /// What was decided.
    on_decide: Callback<Decision>,
) -> impl IntoView {
    let on = move |decision| {
        move |event: MouseEvent| {
            event.prevent_default();
            on_decide.run(decision);
        }
    };
    view! {
        <form method="post" class="decision">
            <button
                type="submit"
                class="button button-primary"
                formaction=yes_path
                aria-label=format!("{yes} {who}")
                on:click=on(Decision::Accept)
            >
                {yes}
            </button>
            <button
                type="submit"
                class="button"
                formaction=no_path
                aria-label=format!("Reject {who}")
                on:click=on(Decision::Reject)
            >
                "Reject"
            </button>
        </form>
    }
}
