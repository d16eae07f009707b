//! What devices without a server cannot do.

use super::when::When;
use leptos::prelude::*;
use model::{Device, DeviceQuery, DeviceStatus, Evidence, Server, paths};

/// Of one device that is not connected.
#[component]
pub fn UnservedDevice(
    /// The device as last fetched.
    device: Signal<Device>,
) -> impl IntoView {
    let since = Memo::new(move |_| {
        device.with(|device| (device.status == DeviceStatus::Disconnected).then(|| device.last_seen.clone()))
    });
    move || {
        since.get().map(|since| {
            let since = match since {
                Some(at) => view! { "No server since "<When at />": " }.into_any(),
                None => view! { "No server so far: " }.into_any(),
            };
            view! {
                <p class="lead">{since}"Global Zone and Server Matching are unavailable on this device until it is connected."</p>
            }
        })
    }
}

/// Of the devices of a list that shows only those.
#[component]
pub fn UnservedList() -> impl IntoView {
    view! {
        <p class="lead">
            "These devices are on no server: Global Zone and Server Matching are unavailable on each of them, since it was last seen and until it is connected again."
        </p>
    }
}

/// How many there are, with the way to them; nothing if every device is on a server.
#[component]
pub fn UnservedCount(
    /// Who holds how many.
    servers: Signal<Vec<Server>>,
    /// How many the installation has.
    evidence: Signal<Evidence>,
) -> impl IntoView {
    let unserved = Memo::new(move |_| {
        let served: u64 = servers.with(|servers| servers.iter().map(|server| server.devices).sum());
        evidence.with(|evidence| evidence.devices).saturating_sub(served)
    });
    move || {
        (unserved.get() > 0).then(|| {
            let text = match unserved.get() {
                1 => "1 device is on no server: Global Zone and Server Matching are unavailable on it. ".to_owned(),
                many => format!(
                    "{many} devices are on no server: Global Zone and Server Matching are unavailable on them. "
                ),
            };
            let query = DeviceQuery { status: Some(DeviceStatus::Disconnected), ..DeviceQuery::default() };
            view! { <p class="lead">{text}<a href=paths::devices(&query, 1)>"Show which, and since when"</a></p> }
        })
    }
}
