//! How far a list is on its way to the device, and what the device has until then.

use super::{
    status::{state_word, tone},
    when::When,
};
use leptos::prelude::*;
use model::{DeviceServers, EntryFailure, ListVersion, Push, PushState, ServerEntry};

/// The id of the form that withdraws a push. It is not the one that saves: there the Enter key would withdraw.
pub const WITHDRAW_FORM: &str = "withdraw-push";

/// The newest push, live.
#[component]
pub fn PushProgress(
    /// The device's servers.
    servers: Signal<DeviceServers>,
    /// A save is on its way to the server.
    #[prop(into)]
    saving: Signal<bool>,
    /// Withdraws the push.
    on_cancel: Callback<()>,
) -> impl IntoView {
    let push = Memo::new(move |_| servers.with(|servers| servers.push.clone()));
    let is_pending = move || push.with(|push| push.as_ref().is_some_and(|push| push.state == PushState::Pending));
    view! {
        <section class="push" aria-label="Server list on its way">
            <Show when=move || push.with(Option::is_some)>
                <Steps push saving />
            </Show>
            <div role="status" aria-label="Push" class="push-text">
                {move || match push.get() {
                    _ if saving.get() => view! { <p>"Saving …"</p> }.into_any(),
                    Some(push) => view! { <PushText push /> }.into_any(),
                    None => view! { <p>"Nothing was sent to this device yet: it works with the servers it was provisioned with."</p> }.into_any(),
                }}
            </div>
            <Show when=is_pending>
                <button
                    type="submit"
                    class="button"
                    form=WITHDRAW_FORM
                    on:click=move |event| {
                        event.prevent_default();
                        on_cancel.run(());
                    }
                >
                    "Withdraw push"
                </button>
            </Show>
            <OnTheDevice servers />
        </section>
    }
    .into_any()
}

/// Where the push is, as a picture; the text beside it says the same.
#[component]
fn Steps(push: Memo<Option<Push>>, saving: Signal<bool>) -> impl IntoView {
    const STEPS: [PushState; 5] =
        [PushState::Pending, PushState::Staged, PushState::Probed, PushState::Trial, PushState::Committed];
    let reached = move || match push.with(|push| push.as_ref().map(|push| push.state)) {
        _ if saving.get() => 0,
        Some(PushState::Pending) => 1,
        Some(PushState::Staged) => 2,
        Some(PushState::Probed) => 3,
        Some(PushState::Trial | PushState::RolledBack) => 4,
        Some(PushState::Committed) => 5,
        Some(PushState::Superseded | PushState::Drifted | PushState::Conflict) | None => 0,
    };
    let steps = STEPS.into_iter().zip(1..).map(|(state, number)| {
        let failed = move || {
            number == 4 && push.with(|push| push.as_ref().is_some_and(|push| push.state == PushState::RolledBack))
        };
        let class = move || match reached() {
            _ if failed() => "step step-failed",
            r if r > number || (r == number && number == STEPS.len()) => "step step-done",
            r if r == number => "step step-current",
            _ => "step",
        };
        view! { <li class=class>{state_word(state)}</li> }
    });
    view! { <ol class="steps" aria-hidden="true">{steps.collect_view()}</ol> }
}

#[component]
fn PushText(push: Push) -> impl IntoView {
    let Push { revision, state, reason, failures, updated_at, by } = push;
    view! {
        <p>
            <span class=format!("badge badge-{}", tone(state))>{state_word(state)}</span>
            {format!(" Revision {revision} by {by}: {} ", explained(state))}
            <span class="quiet">"("<When at=updated_at />")"</span>
        </p>
        {reason.map(|reason| view! { <p>{reason}</p> })}
        {(!failures.is_empty()).then(|| view! { <Failures failures /> })}
    }
}

fn explained(state: PushState) -> &'static str {
    match state {
        PushState::Pending => "waits until the device is connected.",
        PushState::Staged => "the device has stored the new list beside the one in use.",
        PushState::Probed => "the device has tried every entry from its own network.",
        PushState::Trial => "the device is trying the new list; it keeps it once a server confirms it.",
        PushState::Committed => "the device works with this list.",
        PushState::RolledBack => "the device went back to the list before.",
        PushState::Superseded => "a newer revision took its place.",
        PushState::Drifted => "the device holds a list that nobody here wrote.",
        PushState::Conflict => "the device's list is not the one this edit was based on.",
    }
}

#[component]
fn Failures(failures: Vec<EntryFailure>) -> impl IntoView {
    let items = failures.into_iter().map(|failure| {
        let entry = written(&failure.address, failure.port);
        view! { <li>{format!("Priority {}, {entry}: {}", failure.priority, failure.reason)}</li> }
    });
    view! { <ul class="failures">{items.collect_view()}</ul> }
}

/// What the device has, when it is not what is wanted.
#[component]
fn OnTheDevice(servers: Signal<DeviceServers>) -> impl IntoView {
    move || {
        let DeviceServers { committed, hash, entries, .. } = servers.get();
        let other = committed.filter(|list| list.hash != hash && list.entries != entries)?;
        Some(view! { <List title="On the device now" list=other /> })
    }
}

#[component]
fn List(title: &'static str, list: ListVersion) -> impl IntoView {
    view! {
        <div class="list-on-device">
            <p>{format!("{title}: revision {}", list.revision)}</p>
            <Entries entries=list.entries />
        </div>
    }
}

/// A server list in a few words, first choice first.
#[component]
pub fn Entries(
    /// In ascending priority; empty when only the hash is known.
    entries: Vec<ServerEntry>,
) -> impl IntoView {
    if entries.is_empty() {
        return view! { <p class="quiet">"The device did not say which entries."</p> }.into_any();
    }
    let items = entries.into_iter().map(|entry| {
        let endpoint = written(&entry.address, entry.port);
        view! { <li><span class="priority">{entry.priority}</span>{endpoint}</li> }
    });
    view! { <ul class="entries">{items.collect_view()}</ul> }.into_any()
}

/// `address:port`, an IPv6 address in brackets.
#[must_use]
pub fn written(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_ipv6_address_is_written_in_brackets() {
        assert_eq!(super::written("fd00::1", 51213), "[fd00::1]:51213");
        assert_eq!(super::written("b.example", 1), "b.example:1");
    }
}
