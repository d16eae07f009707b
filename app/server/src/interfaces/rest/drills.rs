//! `/api/v1/drills`: failover drills.

use super::{By, body::Json as Sent};
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use model::{Drill, DrillInput, Malformed};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct ListQuery {
    limit: Option<u32>,
}

pub(super) async fn begin(
    State(state): State<AppState>,
    By(actor): By,
    Sent(input): Sent<DrillInput>,
) -> Result<(StatusCode, Json<Drill>), Problem> {
    Ok((StatusCode::CREATED, Json(state.service.begin_drill(&actor, input).await?)))
}

pub(super) async fn list(
    State(state): State<AppState>,
    _: By,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Vec<Drill>>, Problem> {
    let Query(query) = query.map_err(|error| Malformed::Query { because: error.body_text() })?;
    Ok(Json(state.service.list_drills(query.limit).await?))
}

pub(super) async fn find(State(state): State<AppState>, _: By, Path(id): Path<String>) -> Result<Json<Drill>, Problem> {
    Ok(Json(state.service.find_drill(&id).await?))
}

/// The devices are called back; the answer is the drill as it was.
pub(super) async fn stop(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Drill>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(state.service.stop_drill(&actor, &id).await?)))
}
