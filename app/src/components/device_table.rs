//! The table of the device list.

use super::{
    status::{PushBadge, StatusMark},
    when::When,
};
use leptos::prelude::*;
use model::DeviceSummary;
use model::paths;
use std::collections::BTreeSet;

/// Devices, one a row.
#[component]
pub fn DeviceTable(
    /// In the list's order.
    devices: Vec<DeviceSummary>,
    /// Those that are chosen.
    chosen: RwSignal<BTreeSet<u32>>,
) -> impl IntoView {
    view! {
        <div class="table-frame" role="region" aria-label="Devices" tabindex="0">
            <table class="wide">
                <thead>
                    <tr>
                        <th scope="col"><span class="visually-hidden">"Chosen"</span></th>
                        <th scope="col">"Device ID"</th>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Device Type"</th>
                        <th scope="col">"IP Address"</th>
                        <th scope="col">"Firmware Version"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Connected Server"</th>
                        <th scope="col">"Server List"</th>
                    </tr>
                </thead>
                <tbody>{devices.into_iter().map(|device| view! { <Row device chosen /> }).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(device: DeviceSummary, chosen: RwSignal<BTreeSet<u32>>) -> impl IntoView {
    let id = device.id;
    let is_chosen = move || chosen.with(|chosen| chosen.contains(&id));
    let choose = move |checked: bool| {
        chosen.update(|chosen| {
            if checked {
                chosen.insert(id);
            } else {
                chosen.remove(&id);
            }
        });
    };
    let server = match (device.connected, device.last_seen) {
        (Some(connection), _) => view! { <span>{connection.server_name}</span> }.into_any(),
        (None, Some(at)) => view! { <span class="quiet">"Last seen "<When at /></span> }.into_any(),
        (None, None) => view! { <span class="quiet">"Never seen"</span> }.into_any(),
    };
    let push = match device.push {
        Some(state) => view! { <PushBadge state /> }.into_any(),
        None => view! { <span class="quiet">"As provisioned"</span> }.into_any(),
    };
    view! {
        <tr>
            <td class="choice">
                <input
                    type="checkbox"
                    name="device"
                    value=id
                    aria-label=format!("Choose {} {id}", device.name)
                    checked=untrack(is_chosen)
                    prop:checked=is_chosen
                    on:change:target=move |event| choose(event.target().checked())
                />
            </td>
            <td>{device.id}</td>
            <td class="device-name"><a href=paths::device(device.id)>{device.name}</a></td>
            <td>{device.device_type}</td>
            <td>{device.ip_address}</td>
            <td>{device.firmware_version}</td>
            <td><StatusMark status=device.status /></td>
            <td>{server}</td>
            <td>{push}</td>
        </tr>
    }
}
