//! The pages as a router for the server: rendered here, brought to life in the browser.

use crate::app::{App, shell};
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header, request::Parts},
};
use leptos::{
    config::LeptosOptions,
    prelude::{provide_context, use_context},
};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list};
use model::{Admission, FormAnswer};

/// All pages and their server functions. They answer what the extensions of a request hold: an [`Admission`], and a
/// [`FormAnswer`] where a form was posted without script.
pub fn router() -> Router {
    let options = LeptosOptions::builder().output_name("portal").site_pkg_dir("pkg").build();
    let document = {
        let options = options.clone();
        move || shell(options.clone())
    };
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), provide_page_context, document.clone())
        .fallback(leptos_axum::render_app_async_with_context(provide_missing_context, document))
        .with_state(options)
}

/// Gives pages and server functions what they find in their context. Sets the page's security policy.
fn provide_page_context() {
    if let Some(parts) = use_context::<Parts>() {
        if let Some(admission) = parts.extensions.get::<Admission>() {
            provide_context(admission.clone());
        }
        if let Some(answer) = parts.extensions.get::<FormAnswer>() {
            set_status(StatusCode::from_u16(answer.status()).unwrap_or_default());
            provide_context(answer.clone());
        }
    }
    let nonce = leptos::nonce::use_nonce();
    if let (Some(options), Some(policy)) = (use_context::<ResponseOptions>(), policy(nonce.as_deref())) {
        options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// A page that is not there.
fn provide_missing_context() {
    set_status(StatusCode::NOT_FOUND);
    provide_page_context();
}

fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

/// Our own files, and the inline scripts that carry this answer's nonce.
fn policy(nonce: Option<&str>) -> Option<HeaderValue> {
    let nonce = nonce.map(|nonce| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'{nonce} 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}
