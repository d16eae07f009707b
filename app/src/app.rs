//! The shell around every page, and the site map.

use crate::{
    hydrated::Hydrated,
    live::Live,
    pages::{
        FirstAnswer,
        device_list::DeviceListPage,
        device_setting::DeviceSettingPage,
        drill::DrillPage,
        events::EventsPage,
        frame::Frame,
        not_found::NotFoundPage,
        password::PasswordPage,
        provisioning::ProvisioningPage,
        rollouts::{RolloutsPage, batch_edit::BatchEditPage, one::RolloutPage},
        servers::ServersPage,
        sign_in::SignInPage,
        waiting_devices::WaitingDevicesPage,
    },
    unsaved::Unsaved,
};
use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Redirect, Route, Router, Routes},
    path,
};
use model::FormAnswer;
use model::paths;

/// The document that every page stands in.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="data:," />
                <link rel="stylesheet" href="/pkg/portal.css" />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The site map. Pages are rendered whole, with their data, so that they read without script.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(Live::current());
    provide_context(Unsaved::current());
    provide_context(FirstAnswer::new(SharedValue::new(use_context::<FormAnswer>).into_inner()));
    Hydrated::provide();
    view! {
        <Title formatter=|title| format!("{title} - BioStar 2") />
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/login") view=SignInPage ssr=SsrMode::Async />
                <Route path=path!("/password") view=PasswordPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/") view=|| view! { <Redirect path=paths::DEVICES /> } ssr=SsrMode::Async />
                    <Route path=path!("/devices") view=DeviceListPage ssr=SsrMode::Async />
                    <Route path=path!("/devices/:id") view=DeviceSettingPage ssr=SsrMode::Async />
                    <Route path=path!("/waiting-devices") view=WaitingDevicesPage ssr=SsrMode::Async />
                    <Route path=path!("/provisioning") view=ProvisioningPage ssr=SsrMode::Async />
                    <Route path=path!("/rollouts") view=RolloutsPage ssr=SsrMode::Async />
                    <Route path=path!("/rollouts/new") view=BatchEditPage ssr=SsrMode::Async />
                    <Route path=path!("/rollouts/:id") view=RolloutPage ssr=SsrMode::Async />
                    <Route path=path!("/events") view=EventsPage ssr=SsrMode::Async />
                    <Route path=path!("/servers") view=ServersPage ssr=SsrMode::Async />
                    <Route path=path!("/drills/:id") view=DrillPage ssr=SsrMode::Async />
                    // Where a button without script posts to: after a refusal the page stands at that address.
                    <Route path=path!("/devices/:id/:verb") view=DeviceSettingPage ssr=SsrMode::Async />
                    <Route path=path!("/devices/:id/restore/:number") view=DeviceSettingPage ssr=SsrMode::Async />
                    <Route path=path!("/rollouts/:id/:verb") view=RolloutPage ssr=SsrMode::Async />
                    <Route path=path!("/waiting-devices/:id/accept") view=WaitingDevicesPage ssr=SsrMode::Async />
                    <Route path=path!("/waiting-devices/:id/reject") view=WaitingDevicesPage ssr=SsrMode::Async />
                    <Route path=path!("/servers/:id/:verb") view=ServersPage ssr=SsrMode::Async />
                    <Route path=path!("/drills/:id/stop") view=DrillPage ssr=SsrMode::Async />
                    <Route path=path!("/servers/newcomers/:id/confirm") view=ServersPage ssr=SsrMode::Async />
                    <Route path=path!("/servers/newcomers/:id/reject") view=ServersPage ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
