//! Provisioning strings, with which new devices introduce themselves.

use crate::model::{Fault, ProvisioningInput, ProvisioningString};
use leptos::{prelude::*, server_fn::codec::Json};

/// All strings on record, without their secrets.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-provisioning-strings")]
pub async fn list_provisioning_strings() -> Result<Vec<ProvisioningString>, Fault> {
    super::door::answer(async |service, _| service.list_provisioning_strings().await).await
}

/// Makes a string; only this answer holds all of it.
///
/// # Errors
///
/// [`Fault::Invalid`] with the fields, [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "create-provisioning-string", input = Json)]
pub async fn create_provisioning_string(
    /// What it is good for.
    input: ProvisioningInput,
) -> Result<ProvisioningString, Fault> {
    super::door::answer(async |service, session| service.create_provisioning_string(&session.actor, input).await).await
}
