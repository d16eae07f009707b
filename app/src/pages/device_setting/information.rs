//! The Information card.

use super::{super::error_at, form_state::FormState};
use crate::components::{
    card::Card,
    field::{ReadOnlyField, TextField},
};
use leptos::prelude::*;
use model::Device;

/// Name, and what the device says it is.
#[component]
pub fn Information(
    /// What the form works on.
    state: FormState,
) -> impl IntoView {
    let reported = move |value: fn(&Device) -> String| Signal::derive(move || state.device.with(value));
    view! {
        <Card title="Information">
            <div class="field-grid">
                <TextField
                    label="Name"
                    name="name"
                    max=48
                    value=Signal::derive(move || state.draft.with(|draft| draft.name.clone()))
                    on_type=move |text| state.type_name(text)
                    error=error_at(state.errors, "name")
                />
                <ReadOnlyField
                    label="Group"
                    value="All Devices".to_owned()
                    reason="Every device belongs to All Devices."
                />
                <ReadOnlyField
                    label="Device ID"
                    value=reported(|device| device.id.to_string())
                    reason="The serial number on the device's sticker. It never changes."
                />
                <ReadOnlyField label="Device Type" value=reported(|device| device.info.device_type_name.clone()) />
                <ReadOnlyField label="Firmware Version" value=reported(|device| device.info.firmware_version.clone()) />
                <ReadOnlyField label="Product Name" value=reported(|device| device.info.product_name.clone()) />
                <ReadOnlyField label="Kernel Version" value=reported(|device| device.info.kernel_version.clone()) />
                <ReadOnlyField label="Hardware Version" value=reported(|device| device.info.hardware_version.clone()) />
            </div>
            <p class="reason">
                "Grey fields are what the device reported of itself. They can only be changed at the device."
            </p>
        </Card>
    }
    .into_any()
}
