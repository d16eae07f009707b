//! What the parts of the form of the Device Setting page work on.

use super::draft::Draft;
use crate::components::server_table::{RowEdit, TableState};
use leptos::prelude::*;
use model::{Device, DeviceServers, FieldError};

/// What the parts of the form work on.
#[derive(Clone, Copy)]
pub struct FormState {
    /// What was typed.
    pub draft: RwSignal<Draft>,
    /// Fields that broke rules.
    pub errors: RwSignal<Vec<FieldError>>,
    /// The device as last fetched.
    pub device: Signal<Device>,
    /// Its servers, also when they were saved a moment ago.
    pub servers: Signal<DeviceServers>,
    /// A save is on its way.
    pub saving: Signal<bool>,
    /// Script is at work.
    pub hydrated: Signal<bool>,
    /// Withdraws a pending push.
    pub on_cancel_push: Callback<()>,
    /// Fetches the device again.
    pub refetch: Callback<()>,
}

impl FormState {
    /// What the Server table works on.
    #[must_use]
    pub fn table(self) -> TableState {
        let Self { draft, errors, servers, hydrated, .. } = self;
        TableState {
            rows: Signal::derive(move || draft.with(|draft| draft.rows.clone())),
            edit: Callback::new(move |edit: RowEdit| {
                errors.update(|errors| errors.retain(|error| edit.spares(error)));
                draft.update(|draft| edit.apply(&mut draft.rows));
            }),
            errors,
            servers: Signal::derive(move || Some(servers.get())),
            hydrated,
        }
    }

    /// Somebody types a setting.
    pub fn type_setting(self, name: &'static str, text: String) {
        let field = format!("settings.{name}");
        self.errors.update(|errors| errors.retain(|error| error.field != field));
        self.draft.update(|draft| draft.settings.set(name, text));
    }

    /// Somebody types a name.
    pub fn type_name(self, text: String) {
        self.errors.update(|errors| errors.retain(|error| error.field != "name"));
        self.draft.update(|draft| draft.name = text);
    }
}
