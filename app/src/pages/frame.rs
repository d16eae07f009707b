//! What stands around every page of somebody who is signed in.

use crate::{
    components::{
        loaded::Loaded,
        navigation::{Navigation, StandingBanners, TopBar},
    },
    hydrated::Hydrated,
    live::Live,
    server_fns::overview::find_overview,
};
use leptos::prelude::*;
use leptos_router::components::Outlet;
use model::{Fault, Overview, paths};

/// The frame's data, for pages that show counts.
#[derive(Clone, Copy)]
pub struct FrameData(pub Resource<Result<Overview, Fault>>);

/// Bars, banner and the page.
#[component]
pub fn Frame() -> impl IntoView {
    let live = Live::current();
    let overview = Resource::new(
        move || (live.any_device().get(), live.waiting_devices.get(), live.servers.get()),
        |_| find_overview(),
    );
    provide_context(FrameData(overview));
    view! {
        <a class="skip-link" href="#main" rel="external">"Skip to the content"</a>
        <header class="top-bar">
            <a class="product" href=paths::DEVICES>"BioStar 2"</a>
            <Loaded resource=overview quiet=true children=move |overview| {
                Effect::new(move |_| live.wanted.set(true));
                view! { <TopBar overview /> }
            } />
        </header>
        <Navigation />
        <div class="content">
            <Transition>
                <StandingBanners banners=Signal::derive(move || {
                    overview.get().and_then(Result::ok).map(|overview| overview.banners).unwrap_or_default()
                }) />
            </Transition>
            <main id="main" tabindex="-1" data-hydrated=Hydrated::mark()>
                <Outlet />
            </main>
        </div>
    }
    .into_any()
}
