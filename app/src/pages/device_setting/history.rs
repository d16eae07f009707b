//! The History card: every revision of the device's servers, and the way back to one.

use crate::{
    components::{alert::Refusal, card::Card, loaded::Loaded, revision_list::RevisionList},
    server_fns::devices::{list_revisions, restore_revision},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{Device, Page, RevisionEntry, RevisionQuery, paths};

/// The history, newest first; the address says from where.
#[component]
pub fn History(
    /// Whose.
    id: u32,
    /// The device as last fetched.
    device: Signal<Device>,
    /// Fetches it again.
    refetch: Callback<()>,
) -> impl IntoView {
    let params = use_query_map();
    let cursor = Memo::new(move |_| params.with(|params| params.get("history").filter(|cursor| !cursor.is_empty())));
    // What moves a push moves the device as well.
    let moved = Memo::new(move |_| {
        device.with(|device| (device.servers.revision, device.servers.push.as_ref().map(|push| push.state)))
    });
    let revisions = Resource::new(
        move || (cursor.get(), moved.get()),
        move |(cursor, _)| list_revisions(id, RevisionQuery { limit: None, cursor }),
    );
    let newest = Memo::new(move |_| device.with(|device| device.servers.revision));
    let restore = Action::new(move |number: &u64| {
        let (base, number) = (newest.get_untracked(), *number);
        async move {
            let outcome = restore_revision(id, base, number).await;
            refetch.run(());
            outcome.err()
        }
    });
    let fault = Signal::derive(move || restore.value().get().flatten());
    let on_restore = Callback::new(move |number| {
        restore.dispatch(number);
    });
    view! {
        <div id="history">
            <Card title="History">
                <Refusal fault />
                <Loaded resource=revisions children=move |page| view! { <Revisions id page newest on_restore /> } />
            </Card>
        </div>
    }
    .into_any()
}

#[component]
fn Revisions(
    id: u32,
    page: Signal<Page<RevisionEntry>>,
    newest: Memo<u64>,
    on_restore: Callback<u64>,
) -> impl IntoView {
    move || {
        let Page { items, next_cursor, .. } = page.get();
        let older = next_cursor.map(|cursor| paths::history(id, &cursor));
        view! {
            <RevisionList device=id revisions=items newest=newest.get() on_restore />
            {older.map(|path| view! { <p><a href=path>"Older revisions"</a></p> })}
        }
    }
}
