//! What devices logged: newest first, of all devices or of one.

use crate::{
    components::{
        event_table::EventTable,
        icon::{Icon, IconName},
        loaded::Loaded,
        pager::Pager,
    },
    live::Live,
    server_fns::events::list_events,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::Form, hooks::use_query_map, params::ParamsMap};
use model::{Event, EventQuery, Page, paths};

/// The list of events.
#[component]
pub fn EventsPage() -> impl IntoView {
    let live = Live::current();
    let params = use_query_map();
    let query = Memo::new(move |_| params.with(query_of));
    let page = Memo::new(move |_| params.with(|p| p.get("page").and_then(|n| n.parse().ok()).unwrap_or(1_u64).max(1)));
    let events = Resource::new(move || (query.get(), live.events.get()), |(query, _)| list_events(query));
    view! {
        <Title text="Events" />
        <div class="page">
            <h1>"Events"</h1>
            <p class="lead">
                "What the devices logged, newest first by their clocks. A device keeps its events and brings them to whichever server it finds."
            </p>
            <DeviceFilter query />
            <Loaded resource=events children=move |events| view! { <Events events query page /> } />
        </div>
    }
    .into_any()
}

/// What the address asks for; what it does not understand it leaves out.
fn query_of(params: &ParamsMap) -> EventQuery {
    EventQuery {
        device: params.get("device").and_then(|device| device.trim().parse().ok()),
        code: params.get("code").and_then(|code| code.parse().ok()),
        since: params.get("since").filter(|since| !since.is_empty()),
        limit: params.get("limit").and_then(|limit| limit.parse().ok()),
        cursor: params.get("cursor").filter(|cursor| !cursor.is_empty()),
    }
}

#[component]
fn DeviceFilter(query: Memo<EventQuery>) -> impl IntoView {
    let device = move || query.with(|query| query.device).map(|device| device.to_string()).unwrap_or_default();
    let code = move || query.with(|query| query.code);
    view! {
        <Form method="GET" action=paths::EVENTS attr:class="search" attr:role="search">
            {move || code().map(|code| view! { <input type="hidden" name="code" value=code /> })}
            <label class="visually-hidden" for="device">"Device ID"</label>
            <input
                id="device"
                name="device"
                type="search"
                inputmode="numeric"
                placeholder="Device ID"
                value=untrack(device)
                prop:value=device
            />
            <button type="submit" class="button"><Icon name=IconName::Search />"Show"</button>
        </Form>
    }
    .into_any()
}

#[component]
fn Events(events: Signal<Page<Event>>, query: Memo<EventQuery>, page: Memo<u64>) -> impl IntoView {
    move || {
        let Page { items, next_cursor, total } = events.get();
        if items.is_empty() {
            return view! { <Nothing searched=query.with(|query| *query != EventQuery::default()) /> }.into_any();
        }
        let (query, page) = (query.get(), page.get());
        let limit = query.limit;
        let first = paths::events(&EventQuery { cursor: None, ..query.clone() }, 1);
        let next = next_cursor.map(|cursor| paths::events(&EventQuery { cursor: Some(cursor), ..query }, page + 1));
        view! {
            <EventTable events=items />
            <Pager page limit total first next />
        }
        .into_any()
    }
}

#[component]
fn Nothing(searched: bool) -> impl IntoView {
    if searched {
        return view! { <p class="empty">"No such event. "<a href=paths::EVENTS>"Show all events"</a></p> }.into_any();
    }
    view! { <p class="empty">"No device has logged anything yet."</p> }.into_any()
}
