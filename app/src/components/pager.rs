//! Where in a list one is, and the way on.

use leptos::prelude::*;

/// The pager of a list. A list that is read by cursor knows its first and its next page.
#[component]
pub fn Pager(
    /// Which page is shown, from 1.
    page: u64,
    /// Rows of a page, if the question said so.
    limit: Option<u32>,
    /// How many rows there are on all pages.
    total: u64,
    /// The address of the first page.
    first: String,
    /// The address of the next page, if there is one.
    next: Option<String>,
) -> impl IntoView {
    let pages = total.div_ceil(u64::from(limit.unwrap_or(50)).max(1)).max(page);
    view! {
        <nav class="pager" aria-label="Pages">
            {(page > 1).then(|| view! { <a class="button" href=first>"First"</a> })}
            <span>{format!("Page {page} of {pages}")}</span>
            {next.map(|next| view! { <a class="button" href=next>"Next"</a> })}
        </nav>
    }
}
