//! Devices that wait to be accepted.

use crate::model::{Decision, Fault, WaitingDevice};
use leptos::{prelude::*, server_fn::codec::Json};

/// All devices that wait.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-waiting-devices")]
pub async fn list_waiting_devices() -> Result<Vec<WaitingDevice>, Fault> {
    super::door::answer(async |service, _| service.list_waiting().await).await
}

/// Accepts or rejects the waiting device with this fingerprint.
///
/// # Errors
///
/// [`Fault::NotFound`] if it waits no longer, [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "decide-on-waiting-device", input = Json)]
pub async fn decide_on_waiting_device(
    /// The fingerprint.
    id: String,
    /// What was decided.
    decision: Decision,
) -> Result<(), Fault> {
    super::door::answer(async |service, session| match decision {
        Decision::Accept => service.accept_waiting(&session.actor, &id).await.map(|_| ()),
        Decision::Reject => service.reject_waiting(&session.actor, &id).await,
    })
    .await
}
