//! All devices: search, status, pages.

use super::frame::FrameData;
use crate::{
    components::{
        device_table::DeviceTable,
        icon::{Icon, IconName},
        loaded::Loaded,
        pager::Pager,
        tree::{Branch, Tree},
    },
    live::Live,
    model::{DeviceQuery, DeviceStatus, DeviceSummary, Page},
    paths,
    server_fns::devices::list_devices,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::Form, hooks::use_query_map, params::ParamsMap};

/// The sizes that a page of the list can have.
const SIZES: [u32; 3] = [20, 50, 100];

/// The device list.
#[component]
pub fn DeviceListPage() -> impl IntoView {
    let live = Live::current();
    let params = use_query_map();
    let query = Memo::new(move |_| params.with(query_of));
    let page = Memo::new(move |_| params.with(|p| p.get("page").and_then(|n| n.parse().ok()).unwrap_or(1_u64).max(1)));
    let any_device = live.any_device();
    let devices = Resource::new(move || (query.get(), any_device.get()), |(query, _)| list_devices(query));
    let open = Signal::derive(move || Branch::AllDevices(query.with(|query| query.status)));
    view! {
        <Title text="All Devices" />
        <div class="panes">
            <TreePane open />
            <div class="page">
                <h1>"All Devices"</h1>
                <SearchForm query />
                <Loaded resource=devices children=move |devices| view! { <Devices devices query page /> } />
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
fn Devices(devices: Signal<Page<DeviceSummary>>, query: Memo<DeviceQuery>, page: Memo<u64>) -> impl IntoView {
    move || {
        let Page { items, next_cursor, total } = devices.get();
        if items.is_empty() {
            return view! { <Nothing searched=query.with(|query| *query != DeviceQuery::default()) /> }.into_any();
        }
        let (query, page) = (query.get(), page.get());
        let limit = query.limit;
        let first = paths::devices(&DeviceQuery { cursor: None, ..query.clone() }, 1);
        let next = next_cursor.map(|cursor| paths::devices(&DeviceQuery { cursor: Some(cursor), ..query }, page + 1));
        view! {
            <DeviceTable devices=items />
            <Pager page limit total first next />
        }
        .into_any()
    }
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
