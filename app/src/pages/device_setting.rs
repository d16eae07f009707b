//! The Device Setting page: what a device is, and which servers it dials.

pub mod connection;
pub mod draft;
pub mod form;
mod form_state;
pub mod history;
pub mod information;
pub mod network;
pub mod orders;
pub mod removal;

use super::device_list::TreePane;
use crate::{
    components::{
        icon::{Icon, IconName},
        loaded::Loaded,
        status::StatusMark,
        tree::Branch,
        unserved::UnservedDevice,
        when::When,
    },
    live::Live,
    server_fns::devices::find_device,
};
use form::DeviceForm;
use history::History;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::Device;
use model::paths;
use removal::Removal;

/// The page of the device in the address. Another device is another page.
#[component]
pub fn DeviceSettingPage() -> impl IntoView {
    let params = use_params_map();
    // What is no Device ID is the ID of no device.
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse().ok()).unwrap_or(0)));
    view! {
        <div class="panes">
            <TreePane open=Branch::ADevice />
            <div class="page">{move || view! { <OneDevice id=id.get() /> }}</div>
        </div>
    }
    .into_any()
}

#[component]
fn OneDevice(id: u32) -> impl IntoView {
    let changed = Live::current().device(id);
    let device = Resource::new(move || changed.get(), move |_| find_device(id));
    let refetch = Callback::new(move |()| device.refetch());
    view! {
        <Title text=format!("Device {id}") />
        <Loaded resource=device children=move |device| {
            view! {
                <Heading device />
                <UnservedDevice device />
                <Alarm device />
                <DeviceForm device refetch />
                <History id device refetch />
                <Removal id />
            }
        } />
    }
    .into_any()
}

#[component]
fn Alarm(device: Signal<Device>) -> impl IntoView {
    move || device.with(|device| device.alarm.clone()).map(|text| view! { <p class="alert" role="alert">{text}</p> })
}

#[component]
fn Heading(device: Signal<Device>) -> impl IntoView {
    let since = move || {
        device.with(|device| match (&device.servers.connected, &device.last_seen) {
            (Some(connection), _) => Some((format!("to {} since ", connection.server_name), connection.since.clone())),
            (None, Some(at)) => Some(("last seen ".to_owned(), at.clone())),
            (None, None) => None,
        })
    };
    view! {
        <div class="page-title">
            <a class="back" href=paths::DEVICES aria-label="Back to All Devices"><Icon name=IconName::Back /></a>
            <h1>{move || device.with(|device| device.name.clone())}</h1>
            <p class="page-status">
                {move || view! { <StatusMark status=device.with(|device| device.status) /> }}
                {move || since().map(|(text, at)| view! { <span class="quiet">" "{text}<When at /></span> })}
            </p>
        </div>
    }
    .into_any()
}
