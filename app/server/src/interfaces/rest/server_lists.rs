//! `/api/v1/devices/{id}/servers`: the wanted list, edited with If-Match.

use super::{By, body::JsonValue, device_id};
use crate::{
    fleet::ListInput,
    interfaces::{app_state::AppState, problem::Problem},
};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use model::{DeviceServers, EntryInput, Fault, FieldError, ListRule, Malformed, SettingsInput};
use serde_json::Value;

pub(super) async fn find(State(state): State<AppState>, _: By, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(answer(StatusCode::OK, state.service.find_servers(device_id(&id)?).await?))
}

pub(super) async fn replace(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonValue(body): JsonValue,
) -> Result<Response, Problem> {
    let id = device_id(&id)?;
    let base = base_revision(&headers)?;
    let input = ListInput { entries: entries_of(&body)?, settings: settings_of(&body)? };
    Ok(answer(StatusCode::ACCEPTED, state.service.replace_servers(&actor, id, base, input).await?))
}

pub(super) async fn cancel_push(
    State(state): State<AppState>,
    By(actor): By,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(answer(StatusCode::OK, state.service.cancel_push(&actor, device_id(&id)?).await?))
}

pub(super) fn answer(status: StatusCode, servers: DeviceServers) -> Response {
    (status, [(header::ETAG, format!("\"{}\"", servers.revision))], Json(servers)).into_response()
}

/// The revision in `If-Match`, written as the ETag was.
pub(super) fn base_revision(headers: &HeaderMap) -> Result<u64, Fault> {
    let text = headers.get(header::IF_MATCH).ok_or(Fault::RevisionRequired)?.to_str().unwrap_or_default();
    let revision = text.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    revision.and_then(|revision| revision.parse().ok()).ok_or(Fault::Malformed(Malformed::IfMatch))
}

/// The entries as somebody might have typed them, so that one set of rules serves page and API.
pub(super) fn entries_of(body: &Value) -> Result<Vec<EntryInput>, Fault> {
    let Some(entries) = body.get("entries").and_then(Value::as_array) else {
        return Err(Fault::field("entries", ListRule::Entries));
    };
    let mut errors = Vec::new();
    let inputs = entries.iter().enumerate().map(|(index, entry)| entry_of(index, entry, &mut errors)).collect();
    if errors.is_empty() { Ok(inputs) } else { Err(Fault::Invalid { errors }) }
}

/// The settings as somebody might have typed them; `None` leaves them as they are.
fn settings_of(body: &Value) -> Result<Option<SettingsInput>, Fault> {
    let settings = match body.get("settings") {
        None | Some(Value::Null) => return Ok(None),
        Some(settings) => settings.as_object(),
    };
    let Some(settings) = settings else {
        return Err(Fault::field("settings", ListRule::Settings));
    };
    let mut input = SettingsInput::default();
    for (name, value) in settings {
        match (name.as_str(), value) {
            ("window", Value::Null) => {}
            ("window", Value::Object(window)) => {
                for (end, name) in [("from", "window_from"), ("to", "window_to")] {
                    let text = window.get(end).and_then(Value::as_str).unwrap_or_default();
                    input.set(name, text.to_owned());
                }
            }
            ("window", _) => {
                return Err(Fault::field("settings.window", ListRule::Window));
            }
            (name, Value::String(text)) => input.set(name, text.clone()),
            (name, other) => input.set(name, other.to_string()),
        }
    }
    Ok(Some(input))
}

fn entry_of(index: usize, entry: &Value, errors: &mut Vec<FieldError>) -> EntryInput {
    let Some(entry) = entry.as_object() else {
        errors.push(FieldError::new(format!("entries[{index}]"), ListRule::Entry));
        return EntryInput::default();
    };
    let mut field = |name: &str, rule: ListRule, read: fn(&Value) -> Option<String>| {
        entry.get(name).and_then(read).unwrap_or_else(|| {
            errors.push(FieldError::new(format!("entries[{index}].{name}"), rule));
            String::new()
        })
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let number = |value: &Value| value.as_i64().map(|number| number.to_string());
    EntryInput {
        priority: field("priority", ListRule::Priority, number),
        address: field("address", ListRule::AddressText, text),
        port: field("port", ListRule::Port, number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(body: &Value) -> Vec<String> {
        match entries_of(body) {
            Err(Fault::Invalid { errors }) => errors.into_iter().map(|error| error.field).collect(),
            Ok(_) | Err(_) => vec![],
        }
    }

    #[test]
    fn wrong_types_are_refused_at_their_fields() {
        assert_eq!(fields(&json!([])), ["entries"]);
        assert_eq!(fields(&json!({ "entries": {} })), ["entries"]);
        assert_eq!(fields(&json!({ "entries": ["127.0.0.1"] })), ["entries[0]"]);
        let body = json!({ "entries": [
            { "address": "a", "port": 1, "priority": 1 },
            { "address": 7, "port": "51213", "priority": 1.5 },
            {},
        ]});
        let expected = ["priority", "address", "port"];
        let expected: Vec<_> =
            [1, 2].iter().flat_map(|i| expected.map(|name| format!("entries[{i}].{name}"))).collect();
        assert_eq!(fields(&body), expected);
    }

    #[test]
    fn if_match_is_an_etag() {
        let base =
            |text: &'static str| base_revision(&HeaderMap::from_iter([(header::IF_MATCH, text.parse().unwrap())]));
        assert_eq!(base_revision(&HeaderMap::new()), Err(Fault::RevisionRequired));
        assert_eq!(base("\"7\""), Ok(7));
        for bad in ["7", "*", "\"seven\"", "W/\"7\"", "\"", ""] {
            assert!(matches!(base(bad), Err(Fault::Malformed(_))), "{bad}");
        }
    }
}
