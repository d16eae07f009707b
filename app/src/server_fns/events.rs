//! What devices logged.

use leptos::{prelude::*, server_fn::codec::Json};
use model::{Event, EventQuery, Fault, Page};

/// One page of events, newest first.
///
/// # Errors
///
/// A sign-in fault, a bad query, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-events", input = Json)]
pub async fn list_events(
    /// Which.
    query: EventQuery,
) -> Result<Page<Event>, Fault> {
    super::ask::answer(|operations| async move { operations.list_events(query).await }).await
}
