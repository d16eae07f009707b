//! Signing in. The form is posted as it is, with script or without: the answer is a cookie and a new page.

use super::{first_answer, first_fault};
use crate::{components::alert::Refusal, hydrated::Hydrated};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::{FormAnswer, Typed, paths};

/// The sign-in page.
#[component]
pub fn SignInPage() -> impl IntoView {
    let answer = first_answer();
    let fault = first_fault(answer.as_ref());
    let login = match answer {
        Some(FormAnswer::Refused { typed: Typed::SignIn { login }, .. }) => login,
        Some(FormAnswer::Refused { .. } | FormAnswer::Made { .. }) | None => String::new(),
    };
    let next = use_query_map().read_untracked().get("next");
    let action = next.map_or_else(|| paths::SIGN_IN.to_owned(), |next| paths::sign_in_then(&next));
    view! {
        <Title text="Sign in" />
        <main class="lone" data-hydrated=Hydrated::mark()>
            <form class="lone-box" method="post" action=action>
                <p class="product">"BioStar 2"</p>
                <h1>"Sign in"</h1>
                <Refusal fault />
                <div class="field field-required">
                    <label for="login">"Login"</label>
                    <input
                        id="login"
                        name="login"
                        type="text"
                        autocomplete="username"
                        autocapitalize="off"
                        spellcheck="false"
                        required
                        value=login
                    />
                </div>
                <div class="field field-required">
                    <label for="password">"Password"</label>
                    <input id="password" name="password" type="password" autocomplete="current-password" required />
                </div>
                <button type="submit" class="button button-primary">"Sign in"</button>
            </form>
        </main>
    }
}
