//! The page for an address that leads nowhere.

use crate::hydrated::Hydrated;
use leptos::prelude::*;
use leptos_meta::Title;
use model::paths;

/// Says so, and where to go instead.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Title text="Page not found" />
        <main class="lone" data-hydrated=Hydrated::mark()>
            <div class="lone-box">
                <p class="product">"BioStar 2"</p>
                <h1>"Page not found"</h1>
                <p>"There is no page at this address. It may have been mistyped, or the device it belonged to is gone."</p>
                <p><a class="button button-primary" href=paths::DEVICES>"All Devices"</a></p>
            </div>
        </main>
    }
}
