//! The Network card: TCP/IP, Server, Serial.

use super::{connection::Connection, form_state::FormState};
use crate::components::{
    card::{Card, Fieldset},
    field::{ReadOnlyField, ReadOnlySwitch},
    push_progress::PushProgress,
    server_table::ServerTable,
};
use leptos::prelude::*;
use model::Device;

const ALWAYS_ON: &str = "Always on: devices of this system dial out to their servers, so that they can look for another one when theirs is gone.";

/// How the device is reached, and how it reaches its servers.
#[component]
pub fn Network(
    /// What the form works on.
    state: FormState,
) -> impl IntoView {
    view! {
        <Card title="Network">
            <TcpIp device=state.device />
            <ServerFieldset state />
            <Connection state />
            <Serial device=state.device />
        </Card>
    }
    .into_any()
}

#[component]
fn TcpIp(device: Signal<Device>) -> impl IntoView {
    let reported = move |value: fn(&Device) -> String| Signal::derive(move || device.with(value));
    view! {
        <Fieldset legend="TCP/IP">
            <ReadOnlySwitch label="Use DHCP" on=Signal::derive(move || device.with(|d| d.info.ip_config.use_dhcp)) />
            <div class="field-grid">
                <ReadOnlyField label="IP Address" value=reported(|d| d.info.ip_config.ip_addr.clone()) />
                <ReadOnlyField label="Subnet Mask" value=reported(|d| d.info.ip_config.subnet_mask.clone()) />
                <ReadOnlyField label="Gateway" value=reported(|d| d.info.ip_config.gateway.clone()) />
                <ReadOnlyField label="Device Port" value=reported(|d| d.info.ip_config.port.to_string()) />
                <ReadOnlyField label="DNS Server Address" value=reported(|d| d.info.ip_config.dns_server.clone()) />
                <ReadOnlyField label="MTU Size" value=reported(|d| d.info.ip_config.mtu_size.to_string()) />
            </div>
            <ReadOnlySwitch
                label="Support 100 BASE-T"
                on=Signal::derive(move || device.with(|d| d.info.ip_config.base_band_100))
            />
        </Fieldset>
    }
    .into_any()
}

#[component]
fn ServerFieldset(state: FormState) -> impl IntoView {
    view! {
        <Fieldset legend="Server">
            <ReadOnlySwitch label="Device ▶ Server Connection" on=true reason=ALWAYS_ON />
            <p class="reason">{ALWAYS_ON}</p>
            <ServerTable state=state.table() />
            <Unproven state />
            <PushProgress
                servers=state.servers
                saving=state.saving
                on_cancel=state.on_cancel_push
            />
        </Fieldset>
    }
    .into_any()
}

/// Said before it is saved: none of these servers is known to be within the device's reach.
#[component]
fn Unproven(state: FormState) -> impl IntoView {
    let unproven = Memo::new(move |_| {
        state.draft.with(|draft| draft.is_changed() && !state.servers.with(|servers| draft.rows.has_proven(servers)))
    });
    view! {
        <p class="hint" role="status" aria-label="Reach">
            {move || unproven.get().then_some(
                "The device is connected to none of these servers, and none has passed its last test. It tries them from its own network before it uses the list; if none answers, it keeps the list it has."
            )}
        </p>
    }
    .into_any()
}

#[component]
fn Serial(device: Signal<Device>) -> impl IntoView {
    let reported = move |value: fn(&Device) -> String| Signal::derive(move || device.with(value));
    view! {
        <Fieldset legend="Serial">
            <div class="field-grid">
                <ReadOnlyField label="RS485" value=reported(|d| rs485_mode(d.info.serial_config.rs485_mode)) />
                <ReadOnlyField label="Baud Rate" value=reported(|d| d.info.serial_config.baud_rate.to_string()) />
            </div>
        </Fieldset>
    }
    .into_any()
}

fn rs485_mode(mode: u32) -> String {
    match mode {
        0 => "Default".to_owned(),
        1 => "Master".to_owned(),
        2 => "Slave".to_owned(),
        other => other.to_string(),
    }
}
