//! `/api/v1/devices/{id}/servers/revisions`: the history of a device's server list.

use super::{
    By, device_id,
    server_lists::{answer, base_revision},
};
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use model::{Malformed, Missing, Page, RevisionEntry, RevisionQuery};

pub(super) async fn list(
    State(state): State<AppState>,
    _: By,
    Path(id): Path<String>,
    query: Result<Query<RevisionQuery>, QueryRejection>,
) -> Result<Json<Page<RevisionEntry>>, Problem> {
    let id = device_id(&id)?;
    let Query(query) = query.map_err(|error| Malformed::Query { because: error.body_text() })?;
    Ok(Json(state.service.list_revisions(id, query).await?))
}

pub(super) async fn restore(
    State(state): State<AppState>,
    By(actor): By,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = device_id(&id)?;
    let base = base_revision(&headers)?;
    let number = number.parse().map_err(|_| Missing::RevisionText { device: id, text: number })?;
    Ok(answer(StatusCode::ACCEPTED, state.service.restore_revision(&actor, id, base, number).await?))
}
