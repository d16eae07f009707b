//! `/api/v1/operators`: what the console asks for.

use super::{By, Problem};
use crate::{
    model::Fault,
    server::{auth::Console, router::AppState},
};
use axum::{
    Json,
    extract::{Path, State},
    http::Extensions,
};
use serde_json::{Value, json};

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
