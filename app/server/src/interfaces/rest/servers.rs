//! `/api/v1/servers`, the join strings that bring one in, and the newcomers that wait to be let in.

use super::{By, body::Json as Sent};
use crate::interfaces::{app_state::AppState, auth::Console, problem::Problem};
use axum::{
    Json,
    extract::{Path, State},
    http::{Extensions, StatusCode},
};
use model::{
    DivergentChange, Draining, EpochBegin, Evidence, Fault, Newcomer, Outage, PromotionInput, Quiesced, Server,
};
use serde_json::{Value, json};

pub(super) async fn list(State(state): State<AppState>, _: By) -> Result<Json<Vec<Server>>, Problem> {
    Ok(Json(state.service.list_servers().await?))
}

pub(super) async fn remove(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    state.service.remove_server(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn drain(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Draining>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(state.service.drain(&actor, &id).await?)))
}

pub(super) async fn end_drain(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<Json<Draining>, Problem> {
    Ok(Json(state.service.end_drain(&actor, &id).await?))
}

pub(super) async fn evidence(
    State(state): State<AppState>,
    _: By,
    Path(id): Path<String>,
) -> Result<Json<Evidence>, Problem> {
    Ok(Json(state.service.promotion_evidence(&id).await?))
}

pub(super) async fn promote(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
    Sent(input): Sent<PromotionInput>,
) -> Result<Json<Vec<Server>>, Problem> {
    Ok(Json(state.service.promote(&actor, &id, &input).await?))
}

pub(super) async fn rejoin(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<Json<Vec<Server>>, Problem> {
    Ok(Json(state.service.rejoin(&actor, &id).await?))
}

/// The copy is on its way when this is answered; `GET /servers` shows when it has arrived.
pub(super) async fn copy(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    state.service.copy_now(&actor, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "state": "asked" }))))
}

/// How long writes are held at most.
#[derive(serde::Deserialize)]
pub(super) struct QuiesceInput {
    seconds: u64,
}

pub(super) async fn quiesce(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
    Sent(input): Sent<QuiesceInput>,
) -> Result<Json<Quiesced>, Problem> {
    Ok(Json(state.service.quiesce(&actor, &id, input.seconds).await?))
}

pub(super) async fn resume_writes(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    state.service.resume_writes(&actor, &id)?;
    Ok(Json(json!({ "state": "resumed" })))
}

pub(super) async fn list_outages(State(state): State<AppState>, _: By) -> Result<Json<Vec<Outage>>, Problem> {
    Ok(Json(state.service.list_outages().await?))
}

pub(super) async fn list_epochs(State(state): State<AppState>, _: By) -> Result<Json<Vec<EpochBegin>>, Problem> {
    Ok(Json(state.service.list_epochs().await?))
}

pub(super) async fn list_divergent_changes(
    State(state): State<AppState>,
    _: By,
) -> Result<Json<Vec<DivergentChange>>, Problem> {
    Ok(Json(state.service.list_divergent_changes().await?))
}

pub(super) async fn settle_divergent_changes(
    State(state): State<AppState>,
    By(actor): By,
) -> Result<StatusCode, Problem> {
    state.service.settle_divergent_changes(&actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list_newcomers(State(state): State<AppState>, _: By) -> Result<Json<Vec<Newcomer>>, Problem> {
    Ok(Json(state.service.list_newcomers()))
}

pub(super) async fn confirm_newcomer(
    State(state): State<AppState>,
    By(actor): By,
    Path(fingerprint): Path<String>,
) -> Result<Json<Value>, Problem> {
    state.service.confirm_newcomer(&actor, &fingerprint).await?;
    Ok(Json(json!({ "fingerprint": fingerprint, "state": "confirmed" })))
}

pub(super) async fn reject_newcomer(
    State(state): State<AppState>,
    By(actor): By,
    Path(fingerprint): Path<String>,
) -> Result<StatusCode, Problem> {
    state.service.reject_newcomer(&actor, &fingerprint).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a second server ask to join; only for whoever has this server's files anyway.
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
