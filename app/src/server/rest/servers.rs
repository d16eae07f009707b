//! `/api/v1/servers`, and the join strings that bring one in.

use super::{By, Problem};
use crate::{
    model::{Fault, Server},
    server::{auth::Console, router::AppState},
};
use axum::{
    Json,
    extract::State,
    http::{Extensions, StatusCode},
};
use serde_json::{Value, json};

pub(super) async fn list(State(state): State<AppState>, _: By) -> Result<Json<Vec<Server>>, Problem> {
    Ok(Json(state.service.list_servers().await?))
}

/// Lets a second server in, with all keys; only for whoever has this server's files anyway.
pub(super) async fn create_join_string(
    State(state): State<AppState>,
    extensions: Extensions,
    By(actor): By,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if extensions.get::<Console>().is_none() {
        return Err(Fault::Forbidden.into());
    }
    let string = state.service.create_join_string(&actor).await?;
    Ok((StatusCode::CREATED, Json(json!({ "string": string }))))
}
