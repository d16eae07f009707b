//! `/api/v1/devices` and `/api/v1/devices/{id}`.

use super::{By, body::Json as Body, device_id};
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use model::{Device, DeviceQuery, DeviceSummary, Malformed, Page};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Rename {
    name: String,
}

pub(super) async fn list(
    State(state): State<AppState>,
    _: By,
    query: Result<Query<DeviceQuery>, QueryRejection>,
) -> Result<Json<Page<DeviceSummary>>, Problem> {
    let Query(query) = query.map_err(|error| Malformed::Query { because: error.body_text() })?;
    Ok(Json(state.service.list_devices(query).await?))
}

pub(super) async fn find(
    State(state): State<AppState>,
    _: By,
    Path(id): Path<String>,
) -> Result<Json<Device>, Problem> {
    Ok(Json(state.service.find_device(device_id(&id)?).await?))
}

pub(super) async fn rename(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
    Body(input): Body<Rename>,
) -> Result<Json<Device>, Problem> {
    Ok(Json(state.service.rename_device(&actor, device_id(&id)?, &input.name).await?))
}

pub(super) async fn remove(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    state.service.remove_device(&actor, device_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
