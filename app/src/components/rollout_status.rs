//! A rollout in words and numbers: its state, how many devices are how far, its waves.

use leptos::prelude::*;
use model::{Rollout, RolloutCounts, RolloutDeviceState, RolloutState, Selector, Wave, paths};

/// What a rollout does now.
#[component]
pub fn RolloutBadge(
    /// Its state.
    state: RolloutState,
) -> impl IntoView {
    let (tone, word) = match state {
        RolloutState::Running => ("busy", "Running"),
        RolloutState::Paused => ("quiet", "Paused"),
        RolloutState::Stopped => ("bad", "Stopped"),
        RolloutState::Finished => ("good", "Finished"),
        RolloutState::Aborted => ("quiet", "Aborted"),
    };
    view! { <span class=format!("badge badge-{tone}")>{word}</span> }
}

/// How far a rollout is with a device.
#[component]
pub fn RolloutDeviceBadge(
    /// Its state.
    state: RolloutDeviceState,
) -> impl IntoView {
    let tone = match state {
        RolloutDeviceState::Waiting
        | RolloutDeviceState::Offline
        | RolloutDeviceState::Superseded
        | RolloutDeviceState::Cancelled
        | RolloutDeviceState::Removed => "quiet",
        RolloutDeviceState::UnderWay => "busy",
        RolloutDeviceState::Committed => "good",
        RolloutDeviceState::Failed => "bad",
    };
    view! { <span class=format!("badge badge-{tone}")>{word_of(state)}</span> }
}

/// A device's state as people read it.
#[must_use]
pub fn word_of(state: RolloutDeviceState) -> &'static str {
    match state {
        RolloutDeviceState::Waiting => "Waiting",
        RolloutDeviceState::UnderWay => "Under way",
        RolloutDeviceState::Offline => "Offline",
        RolloutDeviceState::Committed => "Committed",
        RolloutDeviceState::Failed => "Failed",
        RolloutDeviceState::Superseded => "Superseded",
        RolloutDeviceState::Cancelled => "Cancelled",
        RolloutDeviceState::Removed => "Removed",
    }
}

/// How many devices are how far, each with a way to them.
#[component]
pub fn Counts(
    /// The rollout.
    id: u64,
    /// Of its devices.
    counts: RolloutCounts,
) -> impl IntoView {
    let items = RolloutDeviceState::ALL.into_iter().filter(|state| is_told(*state, &counts)).map(|state| {
        let number = counts.of(state);
        view! {
            <li>
                <a href=paths::rollout_devices(id, Some(state), None, 1)>
                    <strong>{number}</strong>" "{word_of(state)}
                </a>
            </li>
        }
    });
    view! {
        <ul class="rollout-counts" aria-label="Devices by state">
            <li><a href=paths::rollout(id)><strong>{counts.devices}</strong>" devices"</a></li>
            {items.collect_view()}
        </ul>
    }
    .into_any()
}

/// The usual ways are told also while nobody is on them.
fn is_told(state: RolloutDeviceState, counts: &RolloutCounts) -> bool {
    match state {
        RolloutDeviceState::Waiting
        | RolloutDeviceState::UnderWay
        | RolloutDeviceState::Offline
        | RolloutDeviceState::Committed
        | RolloutDeviceState::Failed => true,
        RolloutDeviceState::Superseded | RolloutDeviceState::Cancelled | RolloutDeviceState::Removed => {
            counts.of(state) > 0
        }
    }
}

/// The waves of a rollout.
#[component]
pub fn WaveTable(
    /// In their order.
    waves: Vec<Wave>,
) -> impl IntoView {
    const SHOWN: [RolloutDeviceState; 5] = [
        RolloutDeviceState::Waiting,
        RolloutDeviceState::UnderWay,
        RolloutDeviceState::Offline,
        RolloutDeviceState::Committed,
        RolloutDeviceState::Failed,
    ];
    let rows = waves.into_iter().map(|Wave { number, counts }| {
        let cells = SHOWN.map(|state| view! { <td class="number">{counts.of(state)}</td> });
        view! {
            <tr>
                <th scope="row">{format!("Wave {number}")}</th>
                <td class="number">{counts.devices}</td>
                {cells}
            </tr>
        }
    });
    let heads = SHOWN.map(|state| view! { <th scope="col">{word_of(state)}</th> });
    view! {
        <div class="table-frame" role="region" aria-label="Waves" tabindex="0">
            <table class="wide">
                <thead>
                    <tr>
                        <th scope="col">"Wave"</th>
                        <th scope="col">"Devices"</th>
                        {heads}
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// What a rollout is about, in a line.
#[must_use]
pub fn subject_of(rollout: &Rollout) -> String {
    let devices = rollout.counts.devices;
    match (&rollout.selector, rollout.rolls_back) {
        (_, Some(of)) => format!("Takes rollout {of} back on {devices} devices"),
        (Some(Selector::All { .. }), None) => format!("All {devices} devices"),
        (Some(Selector::Query { query }), None) => format!("{devices} devices that match “{query}”"),
        (Some(Selector::Devices { .. }) | None, None) if devices == 1 => "1 chosen device".to_owned(),
        (Some(Selector::Devices { .. }) | None, None) => format!("{devices} chosen devices"),
    }
}
