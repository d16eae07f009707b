//! What devices logged.

use crate::model::{Event, EventQuery, Fault, Page};
use leptos::{prelude::*, server_fn::codec::Json};

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
    super::door::answer(async |service, _| service.list_events(query).await).await
}
