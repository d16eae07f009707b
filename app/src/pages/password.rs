//! Choosing a password of one's own. Posted as it is, like the sign-in form.

use super::{error_at, field_errors, first_answer, first_fault};
use crate::{
    components::{
        alert::{Refusal, id_of},
        field::{FieldError, described_by},
    },
    hydrated::Hydrated,
};
use leptos::prelude::*;
use leptos_meta::Title;
use model::paths;

/// The page that asks for a new password.
#[component]
pub fn PasswordPage() -> impl IntoView {
    let fault = first_fault(first_answer().as_ref());
    let errors = RwSignal::new(field_errors(fault.as_ref()));
    view! {
        <Title text="Choose a password" />
        <main class="lone" data-hydrated=Hydrated::mark()>
            <form class="lone-box" method="post" action=paths::PASSWORD>
                <p class="product">"BioStar 2"</p>
                <h1>"Choose a password"</h1>
                <p>"The new password needs at least 10 characters. A generated password has to be replaced before anything else."</p>
                <Refusal fault />
                <PasswordField label="Current password" name="current_password" autocomplete="current-password" error=error_at(errors, "current_password") />
                <PasswordField label="New password" name="new_password" autocomplete="new-password" error=error_at(errors, "new_password") />
                <PasswordField label="New password again" name="again" autocomplete="new-password" error=error_at(errors, "again") />
                <button type="submit" class="button button-primary">"Save password"</button>
            </form>
        </main>
    }
}

#[component]
fn PasswordField(
    label: &'static str,
    name: &'static str,
    autocomplete: &'static str,
    error: Signal<Option<String>>,
) -> impl IntoView {
    let id = id_of(name);
    let error_id = format!("{id}-error");
    view! {
        <div class="field field-required">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=name
                type="password"
                autocomplete=autocomplete
                required
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by(error, error_id.clone(), None)
            />
            <FieldError id=error_id error />
        </div>
    }
}
