//! `/api/v1/devices/{id}/servers/probe` and `/move`: what is asked of a connected device, at once.

use super::{By, body::JsonValue, device_id, server_lists::entries_of};
use crate::interfaces::{app_state::AppState, problem::Problem};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use model::{Fault, FieldError, ListRule, Move, MoveInput, ProbeTable};
use serde_json::Value;

/// `{entries?}`; without entries, or without a body, the wanted list is tried.
pub(super) async fn probe(
    State(state): State<AppState>,
    _: By,
    Path(id): Path<String>,
    body: Option<JsonValue>,
) -> Result<Json<ProbeTable>, Problem> {
    let body = body.map(|JsonValue(body)| body).unwrap_or_default();
    let entries = body.get("entries").filter(|entries| !entries.is_null()).map(|_| entries_of(&body)).transpose()?;
    Ok(Json(state.service.probe_servers(device_id(&id)?, entries).await?))
}

/// `{address, port, ttl_seconds | permanent}`.
pub(super) async fn move_device(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Result<(StatusCode, Json<Move>), Problem> {
    let input = move_of(&body)?;
    Ok((StatusCode::ACCEPTED, Json(state.service.move_device(&actor, device_id(&id)?, input).await?)))
}

fn move_of(body: &Value) -> Result<MoveInput, Fault> {
    let mut errors = Vec::new();
    let address = body.get("address").and_then(Value::as_str).unwrap_or_else(|| {
        errors.push(FieldError::new("address", ListRule::ListedAddress));
        ""
    });
    let port = body.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let port = port.unwrap_or_else(|| {
        errors.push(FieldError::new("port", ListRule::Port));
        0
    });
    let permanent = match body.get("permanent") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(permanent)) => *permanent,
        Some(_) => {
            errors.push(FieldError::new("permanent", ListRule::Permanent));
            false
        }
    };
    let ttl = body.get("ttl_seconds").filter(|ttl| !ttl.is_null());
    let ttl_seconds = ttl.and_then(Value::as_u64).and_then(|ttl| u32::try_from(ttl).ok());
    let rule = match (ttl, ttl_seconds, permanent) {
        (Some(_), None, _) => Some(ListRule::StayNumber),
        (Some(_), Some(_), true) => Some(ListRule::StayTwice),
        (None, _, false) => Some(ListRule::StayMissing),
        (Some(_), Some(_), false) | (None, _, true) => None,
    };
    errors.extend(rule.map(|rule| FieldError::new("ttl_seconds", rule)));
    if errors.is_empty() {
        Ok(MoveInput { address: address.to_owned(), port, ttl_seconds })
    } else {
        Err(Fault::Invalid { errors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(body: &Value) -> Vec<String> {
        match move_of(body) {
            Err(Fault::Invalid { errors }) => errors.into_iter().map(|error| error.field).collect(),
            Ok(_) | Err(_) => vec![],
        }
    }

    #[test]
    fn a_move_says_where_to_and_for_how_long() {
        let to = |rest: Value| {
            let mut body = json!({ "address": "b.example", "port": 51213 });
            body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            body
        };
        let permanent = MoveInput { address: "b.example".into(), port: 51213, ttl_seconds: None };
        assert_eq!(move_of(&to(json!({ "permanent": true }))), Ok(permanent.clone()));
        let ttl = MoveInput { ttl_seconds: Some(60), ..permanent };
        assert_eq!(move_of(&to(json!({ "ttl_seconds": 60, "permanent": false }))), Ok(ttl));
        for bad in [json!({}), json!({ "ttl_seconds": 60, "permanent": true }), json!({ "ttl_seconds": "60" })] {
            assert_eq!(fields(&to(bad)), ["ttl_seconds"]);
        }
        assert_eq!(fields(&json!({ "port": 70_000, "permanent": 1 })), ["address", "port", "permanent", "ttl_seconds"]);
    }
}
