//! The pages: rendered here, brought to life in the browser by the files under `/pkg`.

use super::{AppState, headers};
use crate::{
    app::{App, shell},
    server::{
        auth::{self, PasswordSession, Session},
        forms,
        service::Service,
    },
};
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header, request::Parts},
    middleware::from_fn,
};
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list};
use std::{path::Path, sync::Arc};
use tower::ServiceBuilder;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

/// The pages, their forms and their server functions.
pub(super) fn routes(state: &AppState) -> Router<AppState> {
    let (service, options) = (state.service.clone(), state.leptos_options.clone());
    let context = move || provide_page_context(&service);
    let document = move || shell(options.clone());
    Router::new()
        .leptos_routes_with_context(state, generate_route_list(App), context.clone(), document.clone())
        .merge(forms::routes())
        .fallback(leptos_axum::render_app_async_with_context(move || missing(&context), document))
        .layer(from_fn(auth::guard_pages))
}

/// A page that is not there.
fn missing(context: impl Fn()) {
    context();
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
}

/// The browser's half as files. Their names stay the same from build to build, so browsers ask each time whether
/// they changed.
pub(super) fn site_files(state: &AppState) -> Router<AppState> {
    let folder = Path::new(&*state.leptos_options.site_root).join(&*state.leptos_options.site_pkg_dir);
    let fresh = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Router::new().nest_service("/pkg", ServiceBuilder::new().layer(fresh).service(ServeDir::new(folder)))
}

/// Gives pages and server functions what they ask for by `use_context`: `Arc<Service>`, and the [`Session`] or
/// [`PasswordSession`] of the request. Sets the page's security policy. Call it wherever a page is rendered.
pub fn provide_page_context(service: &Arc<Service>) {
    provide_context(service.clone());
    if let Some(parts) = use_context::<Parts>() {
        if let Some(session) = parts.extensions.get::<Session>() {
            provide_context(session.clone());
        }
        if let Some(session) = parts.extensions.get::<PasswordSession>() {
            provide_context(session.clone());
        }
    }
    let nonce = leptos::nonce::use_nonce();
    if let (Some(options), Some(policy)) = (use_context::<ResponseOptions>(), headers::page_policy(nonce.as_deref())) {
        options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
