//! `/api/v1/operators`: what the console asks for.

use super::{By, body::Json as Body};
use crate::interfaces::{app_state::AppState, auth::Console, problem::Problem};
use axum::{
    Json,
    extract::{Path, State},
    http::{Extensions, StatusCode},
};
use model::{Fault, Operator};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(super) struct Added {
    login: String,
}

pub(super) async fn list(State(state): State<AppState>, _: By) -> Result<Json<Vec<Operator>>, Problem> {
    Ok(Json(state.service.list_operators().await?))
}

/// A generated password for somebody new; only for whoever has the server's files anyway.
pub(super) async fn add(
    State(state): State<AppState>,
    extensions: Extensions,
    By(actor): By,
    Body(input): Body<Added>,
) -> Result<Json<Value>, Problem> {
    if extensions.get::<Console>().is_none() {
        return Err(Fault::Forbidden.into());
    }
    let password = state.service.add_operator(&actor, &input.login).await?;
    Ok(Json(json!({ "password": password })))
}

/// A generated password for somebody who lost theirs; only for whoever has the server's files anyway.
pub(super) async fn reset_password(
    State(state): State<AppState>,
    extensions: Extensions,
    By(actor): By,
    Path(login): Path<String>,
) -> Result<Json<Value>, Problem> {
    if extensions.get::<Console>().is_none() {
        return Err(Fault::Forbidden.into());
    }
    let password = state.service.reset_operator(&actor, &login).await?;
    Ok(Json(json!({ "password": password })))
}

/// Somebody who is no operator any more; only for whoever has the server's files anyway.
pub(super) async fn remove(
    State(state): State<AppState>,
    extensions: Extensions,
    By(actor): By,
    Path(login): Path<String>,
) -> Result<StatusCode, Problem> {
    if extensions.get::<Console>().is_none() {
        return Err(Fault::Forbidden.into());
    }
    state.service.remove_operator(&actor, &login).await?;
    Ok(StatusCode::NO_CONTENT)
}
