//! The servers of the installation.

use crate::model::{Fault, Server};
use leptos::prelude::*;

/// All servers, this one first.
///
/// # Errors
///
/// A sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-servers")]
pub async fn list_servers() -> Result<Vec<Server>, Fault> {
    super::door::answer(async |service, _| service.list_servers().await).await
}
