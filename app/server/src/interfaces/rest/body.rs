//! JSON bodies, refused with words that help.

use crate::interfaces::problem::Problem;
use axum::{
    body::Bytes,
    extract::{FromRequest, OptionalFromRequest, Request},
    http::{StatusCode, header},
};
use model::{Fault, Malformed, Rule};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A JSON value; what is not JSON is refused as malformed.
pub(super) struct JsonValue(pub(super) Value);

/// A JSON object as `T`; what does not fit is refused at its field.
pub(super) struct Json<T>(pub(super) T);

impl<S: Send + Sync> FromRequest<S> for JsonValue {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" {
            return Err(Malformed::ContentType.into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge,
            _ => Fault::from(Malformed::BodyCutOff),
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Malformed::NotJson { because: error.to_string() }.into())
    }
}

/// No `Content-Type` means no body.
impl<S: Send + Sync> OptionalFromRequest<S> for JsonValue {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        match request.headers().contains_key(header::CONTENT_TYPE) {
            true => <Self as FromRequest<S>>::from_request(request, state).await.map(Some),
            false => Ok(None),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonValue(value) = <JsonValue as FromRequest<S>>::from_request(request, state).await?;
        parse(value).map(Self)
    }
}

/// No `Content-Type` means no body.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        match request.headers().contains_key(header::CONTENT_TYPE) {
            true => <Self as FromRequest<S>>::from_request(request, state).await.map(Some),
            false => Ok(None),
        }
    }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    let fields = value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    let Some(fields) = fields else { return Err(Malformed::NotAnObject.into()) };
    serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        // serde names the field in backquotes only when it is missing; else it is one of those that were sent.
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let field = missing.map(str::to_owned).or_else(|| (fields.len() == 1).then(|| fields[0].clone()));
        Fault::field(field.unwrap_or_default(), Rule::Unreadable { because: text }).into()
    })
}
