//! What stands around every page: who is signed in, at which server, and how much there is.

use leptos::prelude::*;
use model::{Fault, Overview};

/// What the frame shows.
///
/// # Errors
///
/// [`Fault::NotSignedIn`], [`Fault::PasswordChangeRequired`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "find-overview")]
pub async fn find_overview() -> Result<Overview, Fault> {
    super::ask::answer(|operations| async move { operations.find_overview().await }).await
}
