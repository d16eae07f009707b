//! The devices of a rollout, each with how far it is and why.

use super::{push_progress::written, rollout_status::RolloutDeviceBadge, status::state_word, when::When};
use leptos::prelude::*;
use model::RolloutDevice;
use model::paths;

/// Devices, one a row, in the order in which they are begun.
#[component]
pub fn RolloutDevices(
    /// Of one page.
    devices: Vec<RolloutDevice>,
) -> impl IntoView {
    view! {
        <div class="table-frame" role="region" aria-label="Devices of the rollout" tabindex="0">
            <table class="wide">
                <thead>
                    <tr>
                        <th scope="col">"Device ID"</th>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Wave"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Push"</th>
                        <th scope="col">"Reason"</th>
                        <th scope="col">"Last moved"</th>
                    </tr>
                </thead>
                <tbody>{devices.into_iter().map(|device| view! { <Row device /> }).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(device: RolloutDevice) -> impl IntoView {
    let RolloutDevice { device, name, wave, state, revision, push, reason, failures, updated_at } = device;
    let push = revision.zip(push).map(|(revision, push)| format!("Revision {revision}: {}", state_word(push)));
    let failures = failures.into_iter().map(|failure| {
        view! { <p>{format!("{}: {}", written(&failure.address, failure.port), failure.reason)}</p> }
    });
    view! {
        <tr>
            <td>{device}</td>
            <td class="device-name"><a href=paths::device(device)>{name}</a></td>
            <td class="number">{wave}</td>
            <td><RolloutDeviceBadge state /></td>
            <td>{push}</td>
            <td>{reason.map(|reason| view! { <p>{reason}</p> })}{failures.collect_view()}</td>
            <td>{updated_at.map(|at| view! { <When at /> })}</td>
        </tr>
    }
    .into_any()
}
