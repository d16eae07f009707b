//! Rollouts: one server list for many devices.

use leptos::{prelude::*, server_fn::codec::Json};
use model::{
    Fault, Page, Rollout, RolloutDevice, RolloutDeviceQuery, RolloutInput, RolloutPreview, RolloutQuery, RolloutVerb,
    Selector,
};

/// What a rollout to these devices would do.
///
/// # Errors
///
/// [`Fault::Invalid`] if there are no such devices, a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "preview-rollout", input = Json)]
pub async fn preview_rollout(
    /// Which devices.
    selector: Selector,
) -> Result<RolloutPreview, Fault> {
    super::ask::answer(|operations| async move { operations.preview_rollout(selector).await }).await
}

/// Begins a rollout.
///
/// # Errors
///
/// [`Fault::Invalid`] with the fields, [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "create-rollout", input = Json)]
pub async fn create_rollout(
    /// What was typed, and for which devices.
    input: RolloutInput,
) -> Result<Rollout, Fault> {
    super::ask::answer(|operations| async move { operations.create_rollout(input).await }).await
}

/// One page of rollouts, newest first.
///
/// # Errors
///
/// A sign-in fault, a bad query, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-rollouts", input = Json)]
pub async fn list_rollouts(
    /// Which.
    query: RolloutQuery,
) -> Result<Page<Rollout>, Fault> {
    super::ask::answer(|operations| async move { operations.list_rollouts(query).await }).await
}

/// One rollout.
///
/// # Errors
///
/// [`Fault::NotFound`], a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "find-rollout", input = Json)]
pub async fn find_rollout(
    /// Its number.
    id: u64,
) -> Result<Rollout, Fault> {
    super::ask::answer(|operations| async move { operations.find_rollout(id).await }).await
}

/// One page of a rollout's devices.
///
/// # Errors
///
/// [`Fault::NotFound`], a sign-in fault, a bad query, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-rollout-devices", input = Json)]
pub async fn list_rollout_devices(
    /// Its number.
    id: u64,
    /// Which devices.
    query: RolloutDeviceQuery,
) -> Result<Page<RolloutDevice>, Fault> {
    super::ask::answer(|operations| async move { operations.list_rollout_devices(id, query).await }).await
}

/// Pauses, resumes, aborts or takes back; the answer of the last is the new rollout.
///
/// # Errors
///
/// [`Fault::WrongState`], [`Fault::NotFound`], [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "act-on-rollout", input = Json)]
pub async fn act_on_rollout(
    /// Its number.
    id: u64,
    /// What to do.
    verb: RolloutVerb,
) -> Result<Rollout, Fault> {
    super::ask::answer(|operations| async move { operations.act_on_rollout(id, verb).await }).await
}
