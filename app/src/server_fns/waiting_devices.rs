//! Devices that wait to be accepted.

use leptos::{prelude::*, server_fn::codec::Json};
use model::{Decision, Fault, WaitingDevice};

/// All devices that wait.
#[server(prefix = "/api/fn", endpoint = "list-waiting-devices")]
pub async fn list_waiting_devices() -> Result<Vec<WaitingDevice>, Fault> {
    super::ask::answer(|operations| async move { operations.list_waiting_devices().await }).await
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
    super::ask::answer(|operations| async move { operations.decide_on_waiting_device(id, decision).await }).await
}
