//! `/api/v1/automatic-promotion`

use super::{By, body::Json as Sent};
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{Json, extract::State};
use model::{AutomaticPromotion, AutomaticPromotionInput};

pub(super) async fn find(State(state): State<AppState>, _: By) -> Result<Json<AutomaticPromotion>, Problem> {
    Ok(Json(state.service.automatic_promotion().await?))
}

pub(super) async fn set(
    State(state): State<AppState>,
    By(actor): By,
    Sent(input): Sent<AutomaticPromotionInput>,
) -> Result<Json<AutomaticPromotion>, Problem> {
    Ok(Json(state.service.set_automatic_promotion(&actor, input.enabled).await?))
}
