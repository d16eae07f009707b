//! `/health/*`: 200 or 503, without signing in.

use crate::interfaces::app_state::AppState;
use axum::{Json, extract::State, http::StatusCode};
use model::Fault;
use serde_json::{Value, json};

type Answer = (StatusCode, Json<Value>);

/// The program runs.
pub(super) async fn live() -> Answer {
    answer(Ok(()))
}

/// It can serve people and devices.
pub(super) async fn ready(State(state): State<AppState>) -> Answer {
    answer(state.service.check_ready().await)
}

/// It is the server that writes.
pub(super) async fn active(State(state): State<AppState>) -> Answer {
    answer(state.service.check_active().await)
}

fn answer(check: Result<(), Fault>) -> Answer {
    match check {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ok" }))),
        Err(fault) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unavailable", "detail": fault.to_string() })))
        }
    }
}
