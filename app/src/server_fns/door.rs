//! What every server function does before and after it asks the service.

use crate::{
    model::Fault,
    server::{auth::Session, service::Service},
};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use std::sync::Arc;

/// Asks the service in the name of whoever is signed in, and sets the status of the answer.
///
/// A [`Fault::PasswordChangeRequired`] comes before anything else is done.
pub(super) async fn answer<T>(ask: impl AsyncFnOnce(Arc<Service>, Session) -> Result<T, Fault>) -> Result<T, Fault> {
    let outcome = match admitted().await {
        Ok((service, session)) => ask(service, session).await,
        Err(fault) => Err(fault),
    };
    if let (Err(fault), Some(response)) = (&outcome, use_context::<ResponseOptions>()) {
        response.set_status(crate::server::status::of(fault));
    }
    outcome
}

async fn admitted() -> Result<(Arc<Service>, Session), Fault> {
    let service = use_context::<Arc<Service>>().ok_or(Fault::Internal)?;
    let session = Session::of_page().await?;
    if session.operator.must_change_password {
        return Err(Fault::PasswordChangeRequired);
    }
    Ok((service, session))
}
