//! `/api/v1/waiting-devices`.

use super::By;
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use model::{DeviceSummary, WaitingDevice};

pub(super) async fn list(State(state): State<AppState>, _: By) -> Result<Json<Vec<WaitingDevice>>, Problem> {
    Ok(Json(state.service.list_waiting().await?))
}

pub(super) async fn accept(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<Json<DeviceSummary>, Problem> {
    Ok(Json(state.service.accept_waiting(&actor, &id).await?))
}

pub(super) async fn reject(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    state.service.reject_waiting(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
