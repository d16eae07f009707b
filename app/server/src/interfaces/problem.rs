//! Faults as `application/problem+json`.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use model::{Fault, FieldError, Malformed, Missing};
use serde_json::{Map, Value, json};

/// Where the problems are explained, in `docs/problems.md`; the code follows.
const PLACE: &str = "/problems/";
/// What tells variants apart where the code tells it already.
const TAGS: [&str; 4] = ["fault", "of", "reason", "trouble"];

/// What a refused request is answered with.
#[derive(Clone, Debug)]
pub struct Problem(Fault);

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self(malformed.into())
    }
}

impl From<Missing> for Problem {
    fn from(missing: Missing) -> Self {
        Self(missing.into())
    }
}

/// The fault's status as HTTP knows it.
#[must_use]
pub fn status_of(fault: &Fault) -> StatusCode {
    StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl Problem {
    fn body(&self) -> Value {
        let Self(fault) = self;
        let code = fault.code();
        let mut body = parameters_of(fault);
        let own = [
            ("type", json!(format!("{PLACE}{code}"))),
            ("code", json!(code)),
            ("status", json!(fault.status())),
            ("title", json!(title_of(code))),
            ("detail", json!(fault.to_string())),
        ];
        body.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(body)
    }
}

/// The fault's parameters, and nothing else of it.
fn parameters_of(fault: &Fault) -> Map<String, Value> {
    let mut fields = match serde_json::to_value(fault) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    };
    fields.retain(|name, _| !TAGS.contains(&name.as_str()));
    if let Fault::Invalid { errors } = fault {
        let told =
            |error: &FieldError| json!({ "field": error.field, "code": error.rule.code(), "message": error.message() });
        fields.insert("errors".to_owned(), errors.iter().map(told).collect());
    }
    fields
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = status_of(&self.0);
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], self.body().to_string()).into_response();
        if let Fault::TooManyAttempts { retry_after_s } = self.0 {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The code in words, the same for each problem with it: `not-active` is "Not active".
fn title_of(code: &str) -> String {
    let words = code.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Answers for paths that are none.
pub(crate) async fn no_such_resource(uri: Uri) -> Problem {
    Missing::Resource { path: uri.path().to_owned() }.into()
}

/// Answers for methods that a path does not have; the `Allow` header is the router's.
pub(crate) async fn no_such_method() -> Problem {
    Fault::MethodNotAllowed.into()
}

#[cfg(test)]
mod tests;
