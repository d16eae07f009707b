//! `/api/v1/events`.

use super::By;
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use model::{Event, EventQuery, Malformed, Page};

pub(super) async fn list(
    State(state): State<AppState>,
    _: By,
    query: Result<Query<EventQuery>, QueryRejection>,
) -> Result<Json<Page<Event>>, Problem> {
    let Query(query) = query.map_err(|error| Malformed::Query { because: error.body_text() })?;
    Ok(Json(state.service.list_events(query).await?))
}
