//! The pages and their forms, for those who may see them; brought to life in the browser by the files under `/pkg`.

use crate::interfaces::{app_state::AppState, auth, forms, operations};
use axum::{
    Router,
    http::{HeaderValue, header},
    middleware::{from_fn, from_fn_with_state},
};
use tower::ServiceBuilder;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

/// The pages, their forms and their server functions.
pub(super) fn routes(state: &AppState) -> Router<AppState> {
    forms::routes()
        .merge(state.pages.clone().with_state(()))
        .layer(from_fn_with_state(state.clone(), operations::admit))
        .layer(from_fn(auth::guard_pages))
}

/// The browser's half as files. Their names stay the same from build to build, so browsers ask each time whether
/// they changed.
pub(super) fn web_files(state: &AppState) -> Router<AppState> {
    let fresh = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let files = ServeDir::new(state.web_root.join("pkg"));
    Router::new().nest_service("/pkg", ServiceBuilder::new().layer(fresh).service(files))
}
