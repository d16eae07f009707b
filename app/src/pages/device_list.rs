//! All devices: search, status, pages.

use super::frame::FrameData;
use crate::{
    components::{
        device_table::DeviceTable,
        icon::{Icon, IconName},
        loaded::Loaded,
        pager::Pager,
        tree::{Branch, Tree},
        unserved::UnservedList,
    },
    hydrated::Hydrated,
    live::Live,
    server_fns::devices::list_devices,
};
use leptos::{ev::MouseEvent, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    components::Form,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};
use model::{DeviceQuery, DeviceStatus, DeviceSummary, Page, Selector, paths};
use std::collections::BTreeSet;

/// The sizes that a page of the list can have.
const SIZES: [u32; 3] = [20, 50, 100];

/// The device list.
#[component]
pub fn DeviceListPage() -> impl IntoView {
    let live = Live::current();
    let params = use_query_map();
    let query = Memo::new(move |_| params.with(query_of));
    let page = Memo::new(move |_| params.with(|p| p.get("page").and_then(|n| n.parse().ok()).unwrap_or(1_u64).max(1)));
    let choose_shown = params.with_untracked(|params| params.get("choose").as_deref() == Some("shown"));
    let any_device = live.any_device();
    let devices = Resource::new(move || (query.get(), any_device.get()), |(query, _)| list_devices(query));
    let open = Signal::derive(move || Branch::AllDevices(query.with(|query| query.status)));
    view! {
        <Title text="All Devices" />
        <div class="panes">
            <TreePane open />
            <div class="page">
                <h1>"All Devices"</h1>
                {move || query.with(|query| query.status == Some(DeviceStatus::Disconnected)).then(|| view! { <UnservedList /> })}
                <SearchForm query />
                <Loaded resource=devices children=move |devices| view! { <Devices devices query page choose_shown /> } />
            </div>
        </div>
    }
    .into_any()
}

/// The tree with the frame's counts.
#[component]
pub fn TreePane(
    /// Which part is open.
    #[prop(into)]
    open: Signal<Branch>,
) -> impl IntoView {
    let frame = use_context::<FrameData>();
    let overview = Signal::derive(move || frame.and_then(|FrameData(overview)| overview.get()?.ok()));
    view! {
        <Transition>
            <Tree open overview />
        </Transition>
    }
    .into_any()
}

/// What the address asks for; what it does not understand it leaves out.
fn query_of(params: &ParamsMap) -> DeviceQuery {
    DeviceQuery {
        q: params.get("q").filter(|q| !q.is_empty()),
        status: match params.get("status").as_deref() {
            Some("connected") => Some(DeviceStatus::Connected),
            Some("disconnected") => Some(DeviceStatus::Disconnected),
            Some(_) | None => None,
        },
        server: None,
        limit: params.get("limit").and_then(|limit| limit.parse().ok()),
        cursor: params.get("cursor").filter(|cursor| !cursor.is_empty()),
    }
}

#[component]
fn SearchForm(query: Memo<DeviceQuery>) -> impl IntoView {
    let status = move || match query.with(|query| query.status) {
        Some(DeviceStatus::Connected) => Some("connected"),
        Some(DeviceStatus::Disconnected) => Some("disconnected"),
        None => None,
    };
    let text = move || query.with(|query| query.q.clone()).unwrap_or_default();
    let size = move || query.with(|query| query.limit).unwrap_or(50);
    let sizes = SIZES.map(|rows| {
        view! { <option value=rows selected=move || size() == rows>{format!("{rows} rows")}</option> }
    });
    view! {
        <Form method="GET" action=paths::DEVICES attr:class="search" attr:role="search">
            {move || status().map(|status| view! { <input type="hidden" name="status" value=status /> })}
            <label class="visually-hidden" for="rows">"Rows per page"</label>
            <select id="rows" name="limit">{sizes}</select>
            <label class="visually-hidden" for="q">"Search by name, Device ID or IP address"</label>
            <input
                id="q"
                name="q"
                type="search"
                placeholder="Name, Device ID or IP address"
                value=untrack(text)
                prop:value=text
            />
            <button type="submit" class="button"><Icon name=IconName::Search />"Search"</button>
        </Form>
    }
    .into_any()
}

#[component]
fn Devices(
    devices: Signal<Page<DeviceSummary>>,
    query: Memo<DeviceQuery>,
    page: Memo<u64>,
    choose_shown: bool,
) -> impl IntoView {
    let shown = move || devices.with(|page| page.items.iter().map(|device| device.id).collect::<BTreeSet<u32>>());
    // With script what is chosen stays chosen from page to page.
    let chosen = RwSignal::new(if choose_shown { untrack(shown) } else { BTreeSet::new() });
    let on_shown = Callback::new(move |()| chosen.update(|chosen| chosen.extend(untrack(shown))));
    move || {
        let Page { items, next_cursor, total } = devices.get();
        if items.is_empty() {
            return view! { <Nothing searched=query.with(|query| *query != DeviceQuery::default()) /> }.into_any();
        }
        let (query, page) = (query.get(), page.get());
        let (limit, asked) = (query.limit, query.clone());
        let here = paths::devices_chosen(&query, page);
        let first = paths::devices(&DeviceQuery { cursor: None, ..query.clone() }, 1);
        let next = next_cursor.map(|cursor| paths::devices(&DeviceQuery { cursor: Some(cursor), ..query }, page + 1));
        view! {
            <form method="get" action=paths::NEW_ROLLOUT>
                <BatchBar chosen total on_shown here query=asked />
                <DeviceTable devices=items chosen />
            </form>
            <Pager page limit total first next />
        }
        .into_any()
    }
}

/// What can be done with the devices that are chosen.
#[component]
fn BatchBar(
    chosen: RwSignal<BTreeSet<u32>>,
    total: u64,
    on_shown: Callback<()>,
    here: String,
    query: DeviceQuery,
) -> impl IntoView {
    let hydrated = Hydrated::current();
    let navigate = use_navigate();
    let edit = move |event: MouseEvent| {
        event.prevent_default();
        let devices = chosen.with_untracked(|chosen| chosen.iter().copied().collect());
        navigate(&paths::new_rollout(&Selector::Devices { devices }), NavigateOptions::default());
    };
    let number = move || chosen.with(BTreeSet::len);
    // What the address asks for besides a text cannot be rolled out to as a whole.
    let all = (query.status.is_none() && query.server.is_none()).then(|| match query.q {
        Some(query) => (format!("Edit servers of all {total} found …"), Selector::Query { query }),
        None => (format!("Edit servers of all {total} …"), Selector::All { all: true }),
    });
    view! {
        <div class="batch-bar">
            <button
                type="submit"
                class="button"
                disabled=move || hydrated.get() && number() == 0
                on:click=edit
            >
                "Edit servers …"
            </button>
            <a
                class="button"
                href=here
                on:click=move |event| {
                    if hydrated.get_untracked() {
                        event.prevent_default();
                        on_shown.run(());
                    }
                }
            >
                "Choose all shown"
            </a>
            {all.map(|(text, selector)| view! { <a class="button" href=paths::new_rollout(&selector)>{text}</a> })}
            <span role="status" aria-label="Chosen devices" hidden=move || !hydrated.get()>
                {move || format!("{} chosen", number())}
            </span>
        </div>
    }
    .into_any()
}

#[component]
fn Nothing(searched: bool) -> impl IntoView {
    if searched {
        return view! { <p class="empty">"No device matches. "<a href=paths::DEVICES>"Show all devices"</a></p> }
            .into_any();
    }
    view! {
        <p class="empty">
            "No device belongs to this installation yet. Make a "
            <a href=paths::PROVISIONING>"provisioning string"</a>
            ", give it to a device, and accept it under "
            <a href=paths::WAITING_DEVICES>"Waiting Device"</a>"."
        </p>
    }
    .into_any()
}
