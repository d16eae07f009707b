//! Rollouts: one server list for many devices.

use crate::model::{
    Fault, Page, Rollout, RolloutDevice, RolloutDeviceQuery, RolloutInput, RolloutPreview, RolloutQuery, RolloutVerb,
    Selector,
};
use leptos::{prelude::*, server_fn::codec::Json};

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
    super::door::answer(async |service, _| service.preview_rollout(selector).await).await
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
    super::door::answer(async |service, session| service.create_rollout(&session.actor, input, true).await).await
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
    super::door::answer(async |service, _| service.list_rollouts(query).await).await
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
    super::door::answer(async |service, _| service.find_rollout(id).await).await
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
    super::door::answer(async |service, _| service.list_rollout_devices(id, query).await).await
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
    super::door::answer(async |service, session| service.act_on_rollout(&session.actor, id, verb).await).await
}
