//! Devices that ask to belong to the installation.

use super::{Deciding, device_list::TreePane};
use crate::{
    components::{alert::Refusal, decision::DecisionForm, loaded::Loaded, tree::Branch, when::When},
    live::Live,
    server_fns::waiting_devices::{decide_on_waiting_device, list_waiting_devices},
};
use leptos::prelude::*;
use leptos_meta::Title;
use model::{Decision, Fault, WaitingDevice, grouped, paths};

/// Waiting devices, to be accepted or rejected.
#[component]
pub fn WaitingDevicesPage() -> impl IntoView {
    let live = Live::current();
    let waiting = Resource::new(move || live.waiting_devices.get(), |_| list_waiting_devices());
    let Deciding { on_decide, fault } = Deciding::new(decide_on_waiting_device, move || waiting.refetch());
    view! {
        <Title text="Waiting Device" />
        <div class="panes">
            <TreePane open=Branch::WaitingDevice />
            <div class="page">
                <h1>"Waiting Device"</h1>
                <p class="lead">
                    "Accept a device only when its fingerprint is the one that the device itself shows. An accepted device gets a certificate of this installation."
                </p>
                <Refusal fault=Signal::derive(move || fault.get().filter(|fault| *fault != Fault::NotSignedIn)) />
                <Loaded resource=waiting children=move |devices| view! { <WaitingList devices on_decide /> } />
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn WaitingList(devices: Signal<Vec<WaitingDevice>>, on_decide: Callback<(String, Decision)>) -> impl IntoView {
    move || {
        let devices = devices.get();
        if devices.is_empty() {
            return view! {
                <p class="empty">
                    "No device waits. A device asks after it was given a "
                    <a href=paths::PROVISIONING>"provisioning string"</a>"."
                </p>
            }
            .into_any();
        }
        let rows = devices.into_iter().map(|device| view! { <WaitingRow device on_decide /> }).collect_view();
        view! {
            <div class="table-frame" role="region" aria-label="Waiting devices" tabindex="0">
                <table class="wide">
                    <thead>
                        <tr>
                            <th scope="col">"Device ID"</th>
                            <th scope="col">"Product Name"</th>
                            <th scope="col">"Address"</th>
                            <th scope="col">"Fingerprint (SHA-256)"</th>
                            <th scope="col">"Asks since"</th>
                            <th scope="col">"Decision"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    }
}

#[component]
fn WaitingRow(device: WaitingDevice, on_decide: Callback<(String, Decision)>) -> impl IntoView {
    let (id, accept, reject) = (device.id.clone(), paths::accept(&device.id), paths::reject(&device.id));
    let on_decide = Callback::new(move |decision| on_decide.run((id.clone(), decision)));
    let replaces = device.replaces.then_some("Replaces the certificate of a device that already belongs here.");
    view! {
        <tr>
            <td>
                {device.device_id}
                {replaces.map(|text| view! { <p class="field-error">{text}</p> })}
            </td>
            <td>{device.product_name}</td>
            <td>{device.peer}</td>
            <td><code class="fingerprint">{grouped(&device.id)}</code></td>
            <td><When at=device.first_seen /></td>
            <td>
                <DecisionForm
                    who=device.device_id.to_string()
                    yes="Accept"
                    yes_path=accept
                    no_path=reject
                    on_decide
                />
            </td>
        </tr>
    }
    .into_any()
}
