//! `/api/v1/provisioning`.

use super::{By, body::Json as Body};
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{Json, extract::State, http::StatusCode};
use model::{ProvisioningInput, ProvisioningString};

pub(super) async fn list(State(state): State<AppState>, _: By) -> Result<Json<Vec<ProvisioningString>>, Problem> {
    Ok(Json(state.service.list_provisioning_strings().await?))
}

pub(super) async fn create(
    State(state): State<AppState>,
    By(actor): By,
    Body(input): Body<ProvisioningInput>,
) -> Result<(StatusCode, Json<ProvisioningString>), Problem> {
    Ok((StatusCode::CREATED, Json(state.service.create_provisioning_string(&actor, input).await?)))
}
