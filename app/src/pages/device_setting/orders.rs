//! What can be asked of a connected device: a test of its servers, and to go to another one.

use crate::{
    components::{alert::Refusal, card::Card, push_progress::written, when::When},
    server_fns::devices::{move_device, probe_servers},
};
use leptos::{ev::SubmitEvent, prelude::*};
use model::{Device, DeviceServers, Fault, Move, MoveInput, MoveState, ProbeRow, ServerEntry, paths};

/// Stays that can be chosen: seconds, empty for good.
const STAYS: [(&str, &str); 4] = [
    ("3600", "for at least 1 hour"),
    ("28800", "for at least 8 hours"),
    ("86400", "for at least 1 day"),
    ("", "until it is sent elsewhere"),
];

/// Test and move, with what came of the last ones.
#[component]
pub fn Orders(
    /// The device as last fetched.
    device: Signal<Device>,
    /// Fetches it again.
    refetch: Callback<()>,
) -> impl IntoView {
    let fault = RwSignal::new(None::<Fault>);
    let id = device.get_untracked().id;
    let servers = Signal::derive(move || device.with(|device| device.servers.clone()));
    let is_connected = Memo::new(move |_| servers.with(|servers| servers.connected.is_some()));
    let test = Action::new(move |&()| async move {
        fault.set(probe_servers(id).await.err());
        refetch.run(());
    });
    let testing = test.pending();
    view! {
        <Card title="Test and Move">
            <div class="orders">
            <Refusal fault />
            <form
                method="post"
                action=paths::probe_device(id)
                on:submit=move |event: SubmitEvent| {
                    event.prevent_default();
                    test.dispatch(());
                }
            >
                <button type="submit" class="button" disabled=move || !is_connected.get() || testing.get()>
                    {move || if testing.get() { "Testing …" } else { "Test from device" }}
                </button>
                <p class="hint">
                    {move || match is_connected.get() {
                        true => "The device tries every saved server from its own network, while it stays connected.",
                        false => "The device is not connected: it cannot test or be moved now.",
                    }}
                </p>
            </form>
            <LastTest servers />
            <MoveForm id servers is_connected fault refetch />
            <LastMove servers />
            </div>
        </Card>
    }
    .into_any()
}

#[component]
fn LastTest(servers: Signal<DeviceServers>) -> impl IntoView {
    let table = Memo::new(move |_| servers.with(|servers| servers.probe.clone()));
    view! {
        <div role="status" aria-label="Last test">
            {move || table.get().map(|table| {
                let rows = table.rows.into_iter().map(|row| view! { <TestRow row /> });
                view! {
                    <div class="table-frame" tabindex="0" role="region" aria-label="Test from the device">
                    <table class="wide test-table">
                        <caption>"Tested from the device "<When at=table.at /></caption>
                        <thead>
                            <tr>
                                <th scope="col">"Server"</th>
                                <th scope="col">"Outcome"</th>
                                <th scope="col">"IP address"</th>
                                <th scope="col">"TCP"</th>
                                <th scope="col">"TLS"</th>
                                <th scope="col">"Answer"</th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                    </div>
                }
            })}
        </div>
    }
    .into_any()
}

#[component]
fn TestRow(row: ProbeRow) -> impl IntoView {
    let time = |ms: Option<u32>| ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"));
    let class = if row.passed { "badge badge-good" } else { "badge badge-bad" };
    let outcome = match (&row.server, &row.reason) {
        (Some(server), _) => format!("{} ({})", server.name, server.role.replace('_', " ")),
        (None, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    };
    let server = written(&row.address, row.port);
    view! {
        <tr>
            <th scope="row">{server}</th>
            <td><span class=class>{if row.passed { "passed" } else { "failed" }}</span>" "{outcome}</td>
            <td>{row.resolved.unwrap_or_else(|| "–".to_owned())}</td>
            <td>{time(row.tcp_ms)}</td>
            <td>{time(row.tls_ms)}</td>
            <td>{time(row.answer_ms)}</td>
        </tr>
    }
}

#[component]
fn MoveForm(
    id: u32,
    servers: Signal<DeviceServers>,
    is_connected: Memo<bool>,
    fault: RwSignal<Option<Fault>>,
    refetch: Callback<()>,
) -> impl IntoView {
    let others = Memo::new(move |_| servers.with(others_of));
    let target = RwSignal::new(String::new());
    let stay = RwSignal::new(STAYS[0].0.to_owned());
    let go = Action::new(move |input: &MoveInput| {
        let input = input.clone();
        async move {
            fault.set(move_device(id, input).await.err());
            refetch.run(());
        }
    });
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let chosen = others.with_untracked(|others| {
            let chosen = others.iter().find(|entry| value_of(entry) == target.get_untracked());
            chosen.or(others.first()).cloned()
        });
        if let Some(ServerEntry { address, port, .. }) = chosen {
            go.dispatch(MoveInput { address, port, ttl_seconds: stay.get_untracked().parse().ok() });
        }
    };
    let moving = go.pending();
    view! {
        <Show when=move || is_connected.get() && !others.with(Vec::is_empty)>
            <form method="post" action=paths::move_device(id) class="move-form" on:submit=on_submit>
                <label for="move-to">"Move to"</label>
                <select id="move-to" name="to" on:change:target=move |event| target.set(event.target().value())>
                    {move || others.get().into_iter().map(|entry| {
                        let value = value_of(&entry);
                        let text = written(&entry.address, entry.port);
                        view! { <option value=value>{text}</option> }
                    }).collect_view()}
                </select>
                <label for="move-stay" class="visually-hidden">"Stay"</label>
                <select id="move-stay" name="ttl_seconds" on:change:target=move |event| stay.set(event.target().value())>
                    {STAYS.into_iter().map(|(value, text)| view! { <option value=value>{text}</option> }).collect_view()}
                </select>
                <button type="submit" class="button" disabled=move || moving.get()>
                    {move || if moving.get() { "Moving …" } else { "Move device" }}
                </button>
            </form>
        </Show>
    }
    .into_any()
}

/// The servers on the device's list that it is not connected to.
fn others_of(servers: &DeviceServers) -> Vec<ServerEntry> {
    let kept = servers.committed.as_ref().map_or(&servers.entries, |list| &list.entries);
    let here = |entry: &ServerEntry| servers.connected.as_ref().is_some_and(|at| entry.is_at(&at.address, at.port));
    kept.iter().filter(|entry| !here(entry)).cloned().collect()
}

/// As the form sends it.
fn value_of(entry: &ServerEntry) -> String {
    format!("{} {}", entry.port, entry.address)
}

#[component]
fn LastMove(servers: Signal<DeviceServers>) -> impl IntoView {
    let moved = Memo::new(move |_| servers.with(|servers| servers.moved.clone()));
    view! {
        <div role="status" aria-label="Last move">
            {move || moved.get().map(|Move { address, port, by, at, state, reason, .. }| {
                let to = written(&address, port);
                let text = match state {
                    MoveState::Leaving => format!("{by} sent the device to {to}; it is on its way."),
                    MoveState::Arrived => format!("{by} sent the device to {to}; it is there."),
                    MoveState::Failed => {
                        format!("{by} sent the device to {to}, but it came back: {}.", reason.unwrap_or_default())
                    }
                };
                view! { <p>{text}" "<span class="quiet">"("<When at />")"</span></p> }
            })}
        </div>
    }
    .into_any()
}
