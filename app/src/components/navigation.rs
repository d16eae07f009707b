//! The dark bars around every page: product and operator on top, the sections at the left.

use super::icon::{Icon, IconName};
use leptos::prelude::*;
use leptos_router::components::A;
use model::{Banner, Overview, paths};

/// The bar on top.
#[component]
pub fn TopBar(
    /// Who is signed in, and where.
    overview: Signal<Overview>,
) -> impl IntoView {
    let server = move || overview.with(|overview| overview.server_name.clone());
    let role = move || overview.with(|overview| overview.role.label());
    view! {
        <div class="top-bar-server">
            <span>{server}</span>
            <span class="top-bar-role">{role}</span>
        </div>
        <div class="top-bar-operator">
            <Icon name=IconName::Operator />
            <a href=paths::PASSWORD title="Change the password">
                {move || overview.with(|overview| overview.operator.name.clone())}
            </a>
            <form method="post" action=paths::SIGN_OUT>
                <button type="submit" class="top-bar-button">"Sign out"</button>
            </form>
        </div>
    }
    .into_any()
}

/// The sections.
#[component]
pub fn Navigation() -> impl IntoView {
    view! {
        <nav class="sections" aria-label="Sections">
            <ul>
                <li><A href=paths::DEVICES><Icon name=IconName::Device />"Device"</A></li>
                <li><A href=paths::PROVISIONING><Icon name=IconName::Provisioning />"Provision"</A></li>
                <li><A href=paths::ROLLOUTS><Icon name=IconName::Rollouts />"Rollouts"</A></li>
                <li><A href=paths::EVENTS><Icon name=IconName::Events />"Events"</A></li>
                <li><A href=paths::SERVERS><Icon name=IconName::Servers />"Servers"</A></li>
            </ul>
        </nav>
    }
    .into_any()
}

/// Messages that stand on every page.
#[component]
pub fn StandingBanners(
    /// The messages.
    #[prop(into)]
    banners: Signal<Vec<Banner>>,
) -> impl IntoView {
    let show = |banner: Banner| {
        view! {
            <div class="banner" role="note">
                <Icon name=IconName::Warning />
                <p>{banner.text}</p>
            </div>
        }
    };
    move || banners.get().into_iter().map(show).collect_view()
}
