//! Faults as `application/problem+json`.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use model::Fault;
use serde_json::{Map, Value, json};

/// What a refused request is answered with.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    kind: String,
    detail: String,
    retry_after_s: Option<u64>,
    /// The fault's own fields.
    fields: Map<String, Value>,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let fields = match serde_json::to_value(&fault) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        };
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or("internal").to_owned();
        let retry_after_s =
            if let Fault::TooManyAttempts { retry_after_s } = &fault { Some(*retry_after_s) } else { None };
        Self { status: status_of(&fault), kind, detail: fault.to_string(), retry_after_s, fields }
    }
}

/// The fault's status as HTTP knows it.
#[must_use]
pub fn status_of(fault: &Fault) -> StatusCode {
    StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl Problem {
    fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self { status, kind: kind.to_owned(), detail: detail.into(), retry_after_s: None, fields: Map::new() }
    }

    /// Another site's page made a browser send this.
    #[must_use]
    pub fn foreign_origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "foreign-origin", "This request was caused by a page of another site.")
    }

    /// The body is larger than any that makes sense.
    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is larger than 64 KiB.")
    }

    /// Explains more than the fault does by itself.
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    fn body(mut self) -> Value {
        self.fields.insert("type".to_owned(), json!(self.kind));
        self.fields.insert("title".to_owned(), json!(title_of(&self.kind)));
        self.fields.insert("status".to_owned(), json!(self.status.as_u16()));
        self.fields.insert("detail".to_owned(), json!(self.detail));
        Value::Object(self.fields)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after_s) = (self.status, self.retry_after_s);
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], self.body().to_string()).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The kind in words, the same for each problem of its kind: `not-active` is "Not active".
fn title_of(kind: &str) -> String {
    let words = kind.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Answers for paths that are none.
pub(crate) async fn no_such_resource(uri: Uri) -> Problem {
    Fault::NotFound { what: format!("resource {}", uri.path()) }.into()
}

/// Answers for methods that a path does not have; the `Allow` header is the router's.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This resource does not have that method.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::FieldError;

    #[test]
    fn a_problem_tells_kind_words_and_the_faults_own_fields() {
        let problem = Problem::from(Fault::Conflict { revision: 7, by: "eva".to_owned() });
        assert_eq!(problem.status, StatusCode::PRECONDITION_FAILED);
        let body = problem.body();
        assert_eq!(body["type"], "conflict");
        assert_eq!(body["title"], "Conflict");
        assert_eq!(body["status"], 412);
        assert_eq!(body["revision"], 7);

        let errors = vec![FieldError::new("entries[0].port", "a port")];
        let body = Problem::from(Fault::Invalid { errors }).body();
        assert_eq!(body["errors"][0]["field"], "entries[0].port");

        let body = Problem::from(Fault::NotActive { active: "BioStar Server #1".to_owned() }).body();
        assert_eq!((&body["type"], &body["title"]), (&json!("not-active"), &json!("Not active")));
    }

    #[test]
    fn who_tries_too_often_is_told_when_to_come_back() {
        let response = Problem::from(Fault::TooManyAttempts { retry_after_s: 42 }).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "42");
    }
}
