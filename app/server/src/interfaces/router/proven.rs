//! An answer to a change says whether it is safe, where another server may take over by itself.

use crate::{Service, interfaces::auth::is_safe};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use std::sync::Arc;

/// The header of an answer to a change that is not known to be safe.
pub(crate) const SAVED: HeaderName = HeaderName::from_static("saved");
/// What it says.
pub(crate) const HERE_ALONE: HeaderValue = HeaderValue::from_static("here-alone");

/// Holds the answer back until what the request changed is safe, or a few seconds have passed.
pub(super) async fn prove(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let newest = if is_safe(request.method()) { None } else { service.newest_to_prove().await };
    let mut response = next.run(request).await;
    if let Some(newest) = newest
        && service.is_alone_since(newest).await
    {
        response.headers_mut().insert(SAVED, HERE_ALONE);
    }
    response
}
