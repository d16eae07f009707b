//! One file per page. A page fetches what it shows and hands it to components.

pub mod device_list;
pub mod device_setting;
pub mod drill;
pub mod events;
pub mod frame;
pub mod not_found;
pub mod password;
pub mod provisioning;
pub mod rollouts;
pub mod servers;
pub mod sign_in;
pub mod waiting_devices;

use leptos::prelude::*;
use model::{Decision, Fault, FieldError, FormAnswer};
use std::future::Future;

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

/// How a page decides on those who ask to belong.
#[derive(Clone, Copy)]
pub(crate) struct Deciding {
    /// Takes whom it is about and what was decided.
    pub(crate) on_decide: Callback<(String, Decision)>,
    /// Why the last decision was refused.
    pub(crate) fault: Signal<Option<Fault>>,
}

impl Deciding {
    /// `decide` tells the server, `refetch` what the page has to ask for again afterwards.
    pub(crate) fn new<F>(
        decide: impl Fn(String, Decision) -> F + Clone + Send + Sync + 'static,
        refetch: impl Fn() + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let first_fault = first_fault(first_answer().as_ref());
        let action = Action::new(move |(id, decision): &(String, Decision)| {
            let (outcome, refetch) = (decide(id.clone(), *decision), refetch.clone());
            async move {
                let outcome = outcome.await;
                refetch();
                outcome
            }
        });
        let fault = Signal::derive(move || match action.value().get() {
            Some(outcome) => outcome.err(),
            None => first_fault.clone(),
        });
        let on_decide = Callback::new(move |choice| {
            action.dispatch(choice);
        });
        Self { on_decide, fault }
    }
}

/// The fields that broke rules.
pub(crate) fn field_errors(fault: Option<&Fault>) -> Vec<FieldError> {
    fault.map(Fault::errors).unwrap_or_default().to_vec()
}

/// The rule that this field broke.
pub(crate) fn error_at(errors: RwSignal<Vec<FieldError>>, field: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || {
        errors.with(|errors| errors.iter().find(|error| error.field == field).map(FieldError::message))
    })
}
