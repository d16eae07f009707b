//! `/api/v1/rollouts`: one server list for many devices, in waves.

use super::{By, body::JsonValue, server_lists::entries_of};
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use model::{
    ChoiceRule, Fault, FieldError, Malformed, Missing, Page, Rollout, RolloutDevice, RolloutDeviceQuery, RolloutInput,
    RolloutQuery, RolloutVerb, Selector,
};
use serde_json::Value;

pub(super) async fn create(
    State(state): State<AppState>,
    By(actor): By,
    JsonValue(body): JsonValue,
) -> Result<Response, Problem> {
    let rollout = state.service.create_rollout(&actor, input_of(&body)?, false).await?;
    Ok(created(rollout))
}

pub(super) async fn list(
    State(state): State<AppState>,
    _: By,
    query: Result<Query<RolloutQuery>, QueryRejection>,
) -> Result<Json<Page<Rollout>>, Problem> {
    let Query(query) = query.map_err(|error| Malformed::Query { because: error.body_text() })?;
    Ok(Json(state.service.list_rollouts(query).await?))
}

pub(super) async fn find(
    State(state): State<AppState>,
    _: By,
    Path(id): Path<String>,
) -> Result<Json<Rollout>, Problem> {
    Ok(Json(state.service.find_rollout(rollout_id(&id)?).await?))
}

pub(super) async fn list_devices(
    State(state): State<AppState>,
    _: By,
    Path(id): Path<String>,
    query: Result<Query<RolloutDeviceQuery>, QueryRejection>,
) -> Result<Json<Page<RolloutDevice>>, Problem> {
    let id = rollout_id(&id)?;
    let Query(query) = query.map_err(|error| Malformed::Query { because: error.body_text() })?;
    Ok(Json(state.service.list_rollout_devices(id, query).await?))
}

pub(super) async fn pause(state: State<AppState>, by: By, id: Path<String>) -> Result<Json<Rollout>, Problem> {
    act(state, by, id, RolloutVerb::Pause).await.map(Json)
}

pub(super) async fn resume(state: State<AppState>, by: By, id: Path<String>) -> Result<Json<Rollout>, Problem> {
    act(state, by, id, RolloutVerb::Resume).await.map(Json)
}

pub(super) async fn abort(state: State<AppState>, by: By, id: Path<String>) -> Result<Json<Rollout>, Problem> {
    act(state, by, id, RolloutVerb::Abort).await.map(Json)
}

pub(super) async fn roll_back(state: State<AppState>, by: By, id: Path<String>) -> Result<Response, Problem> {
    act(state, by, id, RolloutVerb::Rollback).await.map(created)
}

async fn act(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
    verb: RolloutVerb,
) -> Result<Rollout, Problem> {
    Ok(state.service.act_on_rollout(&actor, rollout_id(&id)?, verb).await?)
}

fn created(rollout: Rollout) -> Response {
    let location = format!("/api/v1/rollouts/{}", rollout.id);
    (StatusCode::CREATED, [(header::LOCATION, location)], Json(rollout)).into_response()
}

/// A rollout's number in a path; another text is a rollout that is not there.
fn rollout_id(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| Missing::RolloutText { text: text.to_owned() }.into())
}

/// The body, with every field that does not belong there or does not fit.
fn input_of(body: &Value) -> Result<RolloutInput, Fault> {
    let mut errors = Vec::new();
    for name in body.as_object().into_iter().flat_map(|fields| fields.keys()) {
        if name != "selector" && name != "entries" {
            errors.push(FieldError::new(name, ChoiceRule::UnknownField));
        }
    }
    let selector = taken(selector_of(body.get("selector")), &mut errors)?;
    let entries = taken(entries_of(body), &mut errors)?;
    match (selector, entries) {
        (Some(selector), Some(entries)) if errors.is_empty() => Ok(RolloutInput { selector, entries }),
        _ => Err(Fault::Invalid { errors }),
    }
}

/// What was read; `None` if fields broke rules, which are put to the others.
fn taken<T>(read: Result<T, Fault>, errors: &mut Vec<FieldError>) -> Result<Option<T>, Fault> {
    match read {
        Err(Fault::Invalid { errors: bad }) => {
            errors.extend(bad);
            Ok(None)
        }
        read => read.map(Some),
    }
}

fn selector_of(value: Option<&Value>) -> Result<Selector, Fault> {
    let fields = value.and_then(Value::as_object).ok_or_else(|| Fault::field("selector", ChoiceRule::Selector))?;
    let unknown = fields.keys().filter(|name| !matches!(name.as_str(), "all" | "devices" | "query"));
    let errors: Vec<_> =
        unknown.map(|name| FieldError::new(format!("selector.{name}"), ChoiceRule::Selector)).collect();
    if !errors.is_empty() {
        return Err(Fault::Invalid { errors });
    }
    let mut given = fields.iter();
    let (Some((name, value)), None) = (given.next(), given.next()) else {
        return Err(Fault::field("selector", ChoiceRule::Selector));
    };
    match (name.as_str(), value) {
        ("all", Value::Bool(true)) => Ok(Selector::All { all: true }),
        ("devices", Value::Array(ids)) => devices_of(ids),
        ("query", Value::String(query)) => Ok(Selector::Query { query: query.clone() }),
        (name, _) => Err(Fault::field(format!("selector.{name}"), ChoiceRule::Selector)),
    }
}

fn devices_of(ids: &[Value]) -> Result<Selector, Fault> {
    let mut errors = Vec::new();
    let mut devices = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        match id.as_u64().and_then(|id| u32::try_from(id).ok()) {
            Some(id) => devices.push(id),
            None => {
                errors.push(FieldError::new(format!("selector.devices[{index}]"), ChoiceRule::DeviceId));
            }
        }
    }
    if errors.is_empty() { Ok(Selector::Devices { devices }) } else { Err(Fault::Invalid { errors }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(selector: Value) -> Vec<String> {
        let entries = json!([{ "address": "a", "port": 1, "priority": 1 }]);
        match input_of(&json!({ "selector": selector, "entries": entries })) {
            Err(Fault::Invalid { errors }) => errors.into_iter().map(|error| error.field).collect(),
            Ok(_) | Err(_) => vec![],
        }
    }

    #[test]
    fn a_selector_is_one_of_three() {
        for good in [json!({ "all": true }), json!({ "devices": [7, 8] }), json!({ "query": "door" })] {
            assert_eq!(fields(good), Vec::<String>::new());
        }
        for bad in [json!(null), json!("all"), json!({}), json!({ "all": true, "query": "door" })] {
            assert_eq!(fields(bad.clone()), ["selector"], "{bad}");
        }
        assert_eq!(fields(json!({ "all": false })), ["selector.all"]);
        assert_eq!(fields(json!({ "devices": 7 })), ["selector.devices"]);
        assert_eq!(fields(json!({ "devices": [7, "8", -1] })), ["selector.devices[1]", "selector.devices[2]"]);
        assert_eq!(fields(json!({ "group": 3 })), ["selector.group"]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let refused = input_of(&json!({ "selector": {}, "speed": 9 }));
        let Err(Fault::Invalid { errors }) = refused else { panic!("accepted") };
        let fields: Vec<_> = errors.into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["speed", "selector", "entries"]);
    }
}
