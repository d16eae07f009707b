//! What every server function does before and after it asks.

use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use model::{Admission, Fault, Operations};
use std::sync::Arc;

/// Asks in the name of whoever is signed in, and sets the status of the answer.
pub(super) async fn answer<T, F>(ask: impl FnOnce(Arc<dyn Operations>) -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let response = use_context::<ResponseOptions>();
    let outcome = match use_context::<Admission>() {
        Some(Admission(Ok(operations))) => ask(operations).await,
        Some(Admission(Err(fault))) => Err(fault),
        None => Err(Fault::Internal),
    };
    if let (Err(fault), Some(response)) = (&outcome, response)
        && let Ok(status) = fault.status().try_into()
    {
        response.set_status(status);
    }
    outcome
}
