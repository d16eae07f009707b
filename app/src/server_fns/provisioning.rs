//! Provisioning strings, with which new devices introduce themselves.

use leptos::{prelude::*, server_fn::codec::Json};
use model::{Fault, ProvisioningInput, ProvisioningString};

/// All strings on record, without their secrets.
#[server(prefix = "/api/fn", endpoint = "list-provisioning-strings")]
pub async fn list_provisioning_strings() -> Result<Vec<ProvisioningString>, Fault> {
    super::ask::answer(|operations| async move { operations.list_provisioning_strings().await }).await
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
    super::ask::answer(|operations| async move { operations.create_provisioning_string(input).await }).await
}
