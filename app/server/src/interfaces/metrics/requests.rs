//! How long requests take, by route and status.

use crate::Service;
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use std::{sync::Arc, time::Instant};

/// Measures a request until its answer begins.
pub(crate) async fn measure(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    // The pattern, never the path: there are as many patterns as routes.
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let begun = Instant::now();
    let answer = next.run(request).await;
    service.metrics.requested(route, answer.status().as_u16(), begun.elapsed());
    answer
}
