//! The listener that Prometheus reads from; nothing else answers there.

use crate::{Service, interfaces::serving};
use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};
use std::{io, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Tells what is measured at `/metrics` until `stop`. A server serves also when this port was not to be had.
pub(crate) async fn serve(listener: io::Result<TcpListener>, service: Arc<Service>, stop: CancellationToken) {
    match listener {
        Ok(listener) => {
            let router = Router::new().route("/metrics", get(tell)).with_state(service);
            serving::serve_tcp(listener, None, router, stop).await;
        }
        Err(error) => tracing::warn!(%error, "nothing can be measured: the port of --metrics is not to be had"),
    }
}

async fn tell(State(service): State<Arc<Service>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], service.metrics.tell(&service).await)
}
