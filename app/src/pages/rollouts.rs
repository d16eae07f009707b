//! Rollouts: all of them, one of them, and the batch edit that begins one.

pub mod batch_edit;
pub mod one;

use crate::{
    components::{
        loaded::Loaded,
        pager::Pager,
        rollout_status::{RolloutBadge, subject_of},
        when::When,
    },
    live::Live,
    server_fns::rollouts::list_rollouts,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::{Page, Rollout, RolloutQuery, paths};

/// Rows of a page.
const ROWS: u32 = 20;

/// The list of rollouts.
#[component]
pub fn RolloutsPage() -> impl IntoView {
    let live = Live::current();
    let params = use_query_map();
    let cursor = Memo::new(move |_| params.with(|params| params.get("cursor").filter(|cursor| !cursor.is_empty())));
    let page = Memo::new(move |_| params.with(|p| p.get("page").and_then(|n| n.parse().ok()).unwrap_or(1_u64).max(1)));
    let any_device = live.any_device();
    let rollouts = Resource::new(
        move || (cursor.get(), live.rollouts.get(), any_device.get()),
        |(cursor, ..)| list_rollouts(RolloutQuery { limit: Some(ROWS), cursor }),
    );
    view! {
        <Title text="Rollouts" />
        <div class="page">
            <h1>"Rollouts"</h1>
            <p class="lead">
                "A rollout gives many devices the same servers, in waves: one device first, then 1 %, 10 %, 50 % and all. It stops by itself when devices fail."
            </p>
            <Loaded resource=rollouts children=move |rollouts| view! { <Rollouts rollouts page /> } />
        </div>
    }
    .into_any()
}

#[component]
fn Rollouts(rollouts: Signal<Page<Rollout>>, page: Memo<u64>) -> impl IntoView {
    move || {
        let Page { items, next_cursor, total } = rollouts.get();
        if items.is_empty() {
            return view! {
                <p class="empty">
                    "Nothing was rolled out yet. Choose devices under "
                    <a href=paths::DEVICES>"All Devices"</a>" and edit their servers together."
                </p>
            }
            .into_any();
        }
        let page = page.get();
        let next = next_cursor.map(|cursor| paths::rollouts(Some(&cursor), page + 1));
        view! {
            <RolloutTable rollouts=items />
            <Pager page limit=Some(ROWS) total first=paths::rollouts(None, 1) next />
        }
        .into_any()
    }
}

#[component]
fn RolloutTable(rollouts: Vec<Rollout>) -> impl IntoView {
    view! {
        <div class="table-frame" role="region" aria-label="Rollouts" tabindex="0">
            <table class="wide">
                <thead>
                    <tr>
                        <th scope="col">"Rollout"</th>
                        <th scope="col">"Devices"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Committed"</th>
                        <th scope="col">"Failed"</th>
                        <th scope="col">"Begun by"</th>
                        <th scope="col">"Begun"</th>
                    </tr>
                </thead>
                <tbody>{rollouts.into_iter().map(|rollout| view! { <Row rollout /> }).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(rollout: Rollout) -> impl IntoView {
    let subject = subject_of(&rollout);
    view! {
        <tr>
            <th scope="row"><a href=paths::rollout(rollout.id)>{format!("Rollout {}", rollout.id)}</a></th>
            <td>{subject}</td>
            <td><RolloutBadge state=rollout.state /></td>
            <td class="number">{format!("{} of {}", rollout.counts.committed, rollout.counts.devices)}</td>
            <td class="number">{rollout.counts.failed}</td>
            <td>{rollout.created_by}</td>
            <td><When at=rollout.created_at /></td>
        </tr>
    }
    .into_any()
}
