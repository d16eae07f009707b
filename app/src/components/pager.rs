//! Where in a list one is, and the way on.

use crate::{model::DeviceQuery, paths};
use leptos::prelude::*;

/// The pager of the device list. A list that is read by cursor knows its first and its next page.
#[component]
pub fn Pager(
    /// What the shown page was asked with.
    query: DeviceQuery,
    /// Which page it is, from 1.
    page: u64,
    /// Where the next one starts.
    next_cursor: Option<String>,
    /// How many devices there are on all pages.
    total: u64,
) -> impl IntoView {
    let limit = u64::from(query.limit.unwrap_or(50)).max(1);
    let pages = total.div_ceil(limit).max(1);
    let first = paths::devices(&DeviceQuery { cursor: None, ..query.clone() }, 1);
    let next = next_cursor.map(|cursor| paths::devices(&DeviceQuery { cursor: Some(cursor), ..query }, page + 1));
    view! {
        <nav class="pager" aria-label="Pages">
            {(page > 1).then(|| view! { <a class="button" href=first>"First"</a> })}
            <span>{format!("Page {page} of {pages}")}</span>
            {next.map(|next| view! { <a class="button" href=next>"Next"</a> })}
        </nav>
    }
}
