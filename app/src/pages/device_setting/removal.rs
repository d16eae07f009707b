//! Taking a device out of the installation.

use crate::{
    components::{alert::Refusal, card::Card, confirm::Confirm},
    server_fns::devices::remove_device,
};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::Fault;
use model::paths;

/// Removes the device, once it was asked whether that is meant.
#[component]
pub fn Removal(
    /// Device ID.
    id: u32,
) -> impl IntoView {
    let fault = RwSignal::new(None::<Fault>);
    let navigate = use_navigate();
    let remove = Action::new(move |&()| {
        let navigate = navigate.clone();
        async move {
            match remove_device(id).await {
                Ok(()) => navigate(paths::DEVICES, NavigateOptions::default()),
                Err(refusal) => fault.set(Some(refusal)),
            }
        }
    });
    let on_confirm = Callback::new(move |()| {
        remove.dispatch(());
    });
    let question = format!(
        "Device {id} loses its connection, its certificate and its lists, on every server. Its events stay. It belongs here \
         again only after it was given a provisioning string and was accepted."
    );
    view! {
        <Card title="Remove Device">
            <Refusal fault />
            <Confirm
                label="Remove …".to_owned()
                question
                yes=format!("Remove device {id}")
                path=paths::remove_device(id)
                on_confirm
            />
        </Card>
    }
    .into_any()
}
