//! All endpoints of one server as one HTTP service, and what every answer carries.

mod headers;
mod pages;
mod proven;

pub(crate) use proven::{HERE_ALONE, SAVED};

use super::{app_state::AppState, auth, metrics, rest};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
};
use std::time::Duration;
use tower_http::{
    classify::ServerErrorsFailureClass, compression::CompressionLayer, timeout::TimeoutLayer, trace::TraceLayer,
};
use tracing::Span;

/// The largest body that anybody has reason to send, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// How long an answer may take to begin: a server that is asked to hand its role over has a minute for it.
const ANSWER_LIMIT: Duration = Duration::from_secs(75);

/// Everything a browser, a program or a load balancer can ask this server.
pub fn portal(state: AppState) -> Router {
    let endpoints = pages::routes(&state)
        .merge(rest::routes())
        .layer(from_fn_with_state(state.clone(), proven::prove))
        .layer(from_fn_with_state(state.clone(), auth::identify))
        .layer(from_fn(auth::refuse_foreign_origin))
        // Without a sign-in there is nobody to find out about.
        .merge(rest::public_routes())
        .merge(pages::web_files(&state));
    let measured = with_limits(endpoints).layer(from_fn_with_state(state.clone(), metrics::measure));
    measured.layer(CompressionLayer::new()).with_state(state)
}

/// What the console's socket serves: the REST API.
pub fn console(state: AppState) -> Router {
    let api = rest::routes()
        .layer(from_fn_with_state(state.clone(), proven::prove))
        .layer(from_fn_with_state(state.clone(), auth::identify));
    with_limits(api.merge(rest::public_routes())).with_state(state)
}

fn with_limits(router: Router<AppState>) -> Router<AppState> {
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_LIMIT))
        .layer(from_fn(headers::secure))
        .layer(TraceLayer::new_for_http().on_failure(log_failure))
}

/// "Not now" is an answer, and whoever gave it has said why; load balancers hear it every second.
fn log_failure(failure: ServerErrorsFailureClass, took: Duration, _: &Span) {
    if !matches!(failure, ServerErrorsFailureClass::StatusCode(StatusCode::SERVICE_UNAVAILABLE)) {
        tracing::error!(%failure, took_ms = took.as_millis(), "a request failed");
    }
}
