//! What every server function does before and after it asks the service.

use crate::{
    model::Fault,
    server::{
        auth::{PasswordSession, Session},
        rest::status_of,
        service::Service,
    },
};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use std::sync::Arc;

/// Asks the service in the name of whoever is signed in, and sets the status of the answer.
pub(super) async fn answer<T>(ask: impl AsyncFnOnce(Arc<Service>, Session) -> Result<T, Fault>) -> Result<T, Fault> {
    let response = use_context::<ResponseOptions>();
    let outcome = match admitted() {
        Ok((service, session)) => ask(service, session).await,
        Err(fault) => Err(fault),
    };
    if let (Err(fault), Some(response)) = (&outcome, response) {
        response.set_status(status_of(fault));
    }
    outcome
}

fn admitted() -> Result<(Arc<Service>, Session), Fault> {
    let service = use_context::<Arc<Service>>().ok_or(Fault::Internal)?;
    match (use_context::<Session>(), use_context::<PasswordSession>()) {
        (Some(session), _) => Ok((service, session)),
        (None, Some(_)) => Err(Fault::PasswordChangeRequired),
        (None, None) => Err(Fault::NotSignedIn),
    }
}
