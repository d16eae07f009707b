//! The history of a server list: who changed what, what became of it, and the way back.

use super::{confirm::Confirm, push_progress::written, status::PushBadge, when::When};
use leptos::prelude::*;
use model::{EntryChange, RevisionEntry, RevisionSource, ServerEntry, paths};

/// Revisions, newest first.
#[component]
pub fn RevisionList(
    /// Whose.
    device: u32,
    /// Of one page.
    revisions: Vec<RevisionEntry>,
    /// The newest revision of all: restoring is based on it.
    newest: u64,
    /// Restores the revision with this number.
    on_restore: Callback<u64>,
) -> impl IntoView {
    let items = revisions
        .into_iter()
        .map(|revision| view! { <li><OneRevision device revision newest on_restore /></li> })
        .collect_view();
    view! { <ol class="revisions" reversed>{items}</ol> }
}

#[component]
fn OneRevision(device: u32, revision: RevisionEntry, newest: u64, on_restore: Callback<u64>) -> impl IntoView {
    let RevisionEntry { number, source, rollout, by, at, push, changes, settings_changed, .. } = revision;
    let reason = push.as_ref().and_then(|push| push.reason.clone());
    let what = match source {
        RevisionSource::Provisioning => "from enrolment, accepted by ",
        RevisionSource::Edit => "by ",
        RevisionSource::Return => "back to the list that the device kept, by ",
    };
    let restore = (number < newest).then(|| {
        view! {
            <Confirm
                label=format!("Restore revision {number} …")
                question=format!(
                    "The servers of revision {number} become revision {} and are sent to the device.",
                    newest + 1,
                )
                yes=format!("Restore revision {number}")
                path=paths::restore(device, number)
                field=("revision", newest.to_string())
                on_confirm=Callback::new(move |()| on_restore.run(number))
            />
        }
    });
    view! {
        <h3 class="revision-title">{format!("Revision {number}")}</h3>
        <p class="revision-made">
            {what}{by}
            {rollout.map(|id| view! { " in "<a href=paths::rollout(id)>{format!("rollout {id}")}</a> })}
            ", "<When at />" "
            {push.map(|push| view! { <PushBadge state=push.state /> })}
        </p>
        {reason.map(|reason| view! { <p class="quiet">{reason}</p> })}
        <Changes changes settings_changed first=number == 1 />
        {restore}
    }
    .into_any()
}

#[component]
fn Changes(changes: Vec<EntryChange>, settings_changed: bool, first: bool) -> impl IntoView {
    if changes.is_empty() && !settings_changed {
        return view! { <p class="quiet">"The same servers as before."</p> }.into_any();
    }
    let at = |entry: &ServerEntry| written(&entry.address, entry.port);
    let items = changes.into_iter().map(|change| match change {
        EntryChange::Added { entry } => {
            let text = format!("{}, priority {}", at(&entry), entry.priority);
            view! { <li>{if first { "Began with " } else { "Added " }}<ins>{text}</ins></li> }.into_any()
        }
        EntryChange::Moved { entry, was } => {
            let text = format!("Moved {} from priority {was} to {}", at(&entry), entry.priority);
            view! { <li>{text}</li> }.into_any()
        }
        EntryChange::Removed { entry } => {
            let text = format!("{}, priority {}", at(&entry), entry.priority);
            view! { <li>"Removed "<del>{text}</del></li> }.into_any()
        }
    });
    view! { <ul class="changes" aria-label="Changes">
        {items.collect_view()}
        {settings_changed.then(|| view! { <li>"Changed the connection settings"</li> })}
    </ul> }
    .into_any()
}
