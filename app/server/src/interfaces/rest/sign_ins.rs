//! `/api/v1/sign-ins`.

use super::By;
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use model::{Malformed, Page, SignInAttempt, SignInQuery};

pub(super) async fn list(
    State(state): State<AppState>,
    _: By,
    query: Result<Query<SignInQuery>, QueryRejection>,
) -> Result<Json<Page<SignInAttempt>>, Problem> {
    let Query(query) = query.map_err(|error| Malformed::Query { because: error.body_text() })?;
    Ok(Json(state.service.list_sign_ins(query).await?))
}
