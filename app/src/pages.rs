//! One file per page. A page fetches what it shows and hands it to components.

pub mod device_list;
pub mod device_setting;
pub mod frame;
pub mod not_found;
pub mod password;
pub mod provisioning;
pub mod servers;
pub mod sign_in;
pub mod waiting_devices;

use crate::model::{Fault, FieldError, FormAnswer};
use leptos::prelude::*;

/// The answer to the form post that this page came with. It belongs to the first page alone.
#[derive(Clone, Copy)]
pub struct FirstAnswer(StoredValue<Option<FormAnswer>>);

impl FirstAnswer {
    /// Wraps what the server said.
    #[must_use]
    pub fn new(answer: Option<FormAnswer>) -> Self {
        Self(StoredValue::new(answer))
    }
}

/// The answer to the form on this page, if the page came with one.
pub(crate) fn first_answer() -> Option<FormAnswer> {
    let FirstAnswer(answer) = use_context()?;
    // Effects run in the browser alone, once this page stands: the next page starts without an answer.
    Effect::new(move |_| answer.set_value(None));
    answer.get_value()
}

/// Why the form on this page was refused, if it was.
pub(crate) fn first_fault(answer: Option<&FormAnswer>) -> Option<Fault> {
    match answer? {
        FormAnswer::Refused { fault, .. } => Some(fault.clone()),
        FormAnswer::Made { .. } => None,
    }
}

/// The fields that broke rules.
pub(crate) fn field_errors(fault: Option<&Fault>) -> Vec<FieldError> {
    if let Some(Fault::Invalid { errors }) = fault { errors.clone() } else { Vec::new() }
}

/// The rule that this field broke.
pub(crate) fn error_at(errors: RwSignal<Vec<FieldError>>, field: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || {
        errors.with(|errors| errors.iter().find(|error| error.field == field).map(|error| error.message.clone()))
    })
}
