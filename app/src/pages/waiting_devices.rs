//! Devices that ask to belong to the installation.

use super::{device_list::TreePane, first_answer, first_fault};
use crate::{
    components::{alert::Refusal, loaded::Loaded, tree::Branch, when::When},
    live::Live,
    model::{Fault, WaitingDevice},
    paths,
    server_fns::waiting_devices::{Decision, decide_on_waiting_device, list_waiting_devices},
};
use leptos::{ev::MouseEvent, prelude::*};
use leptos_meta::Title;

/// Waiting devices, to be accepted or rejected.
#[component]
pub fn WaitingDevicesPage() -> impl IntoView {
    let live = Live::current();
    let waiting = Resource::new(move || live.waiting_devices.get(), |_| list_waiting_devices());
    let first_fault = first_fault(first_answer().as_ref());
    let decide = Action::new(move |(id, decision): &(String, Decision)| {
        let (id, decision) = (id.clone(), *decision);
        async move {
            let outcome = decide_on_waiting_device(id, decision).await;
            waiting.refetch();
            outcome
        }
    });
    let fault = Signal::derive(move || match decide.value().get() {
        Some(outcome) => outcome.err(),
        None => first_fault.clone(),
    });
    let on_decide = Callback::new(move |choice| {
        decide.dispatch(choice);
    });
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
    let id = device.id.clone();
    let on = move |decision| {
        let id = id.clone();
        move |event: MouseEvent| {
            event.prevent_default();
            on_decide.run((id.clone(), decision));
        }
    };
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
                <form method="post" class="decision">
                    <button
                        type="submit"
                        class="button button-primary"
                        formaction=paths::accept(&device.id)
                        aria-label=format!("Accept {}", device.device_id)
                        on:click=on(Decision::Accept)
                    >
                        "Accept"
                    </button>
                    <button
                        type="submit"
                        class="button"
                        formaction=paths::reject(&device.id)
                        aria-label=format!("Reject {}", device.device_id)
                        on:click=on(Decision::Reject)
                    >
                        "Reject"
                    </button>
                </form>
            </td>
        </tr>
    }
    .into_any()
}

/// A fingerprint in groups of four, for comparing by eye.
fn grouped(fingerprint: &str) -> String {
    let mut out = String::with_capacity(fingerprint.len() * 5 / 4);
    for (index, digit) in fingerprint.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn fingerprints_come_in_groups() {
        assert_eq!(super::grouped("0123456789"), "0123 4567 89");
    }
}
