//! The device tree beside the device pages.

use leptos::prelude::*;
use model::{DeviceQuery, DeviceStatus, Overview, paths};

/// Which part of the tree is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// All devices, or those with this status.
    AllDevices(Option<DeviceStatus>),
    /// Waiting devices.
    WaitingDevice,
    /// A device, shown under none.
    ADevice,
}

/// The tree, with how much each part holds.
#[component]
pub fn Tree(
    /// The open part.
    #[prop(into)]
    open: Signal<Branch>,
    /// The counts.
    #[prop(into)]
    overview: Signal<Option<Overview>>,
) -> impl IntoView {
    let with_status = |status| paths::devices(&DeviceQuery { status: Some(status), ..DeviceQuery::default() }, 1);
    let devices = Signal::derive(move || overview.with(|overview| overview.as_ref().map(|o| o.devices)));
    let waiting = Signal::derive(move || overview.with(|overview| overview.as_ref().map(|o| o.waiting_devices)));
    let connected = Branch::AllDevices(Some(DeviceStatus::Connected));
    let disconnected = Branch::AllDevices(Some(DeviceStatus::Disconnected));
    view! {
        <nav class="tree" aria-label="Devices">
            <ul>
                <li>
                    <Leaf href=paths::DEVICES.to_owned() text="All Devices" branch=Branch::AllDevices(None) open count=devices />
                    <ul>
                        <li><Leaf href=with_status(DeviceStatus::Connected) text="Connected" branch=connected open /></li>
                        <li>
                            <Leaf href=with_status(DeviceStatus::Disconnected) text="Disconnected" branch=disconnected open />
                        </li>
                    </ul>
                </li>
                <li>
                    <Leaf
                        href=paths::WAITING_DEVICES.to_owned()
                        text="Waiting Device"
                        branch=Branch::WaitingDevice
                        open
                        count=waiting
                    />
                </li>
            </ul>
        </nav>
    }
    .into_any()
}

#[component]
fn Leaf(
    href: String,
    text: &'static str,
    branch: Branch,
    open: Signal<Branch>,
    #[prop(optional, into)] count: Signal<Option<u64>>,
) -> impl IntoView {
    view! {
        <a href=href aria-current=move || (open.get() == branch).then_some("page")>
            <span>{text}</span>
            {move || count.get().map(|count| view! { <span class="count">{count}</span> })}
        </a>
    }
    .into_any()
}
