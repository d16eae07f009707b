//! Plain form posts: what pages do where there is no script.
//!
//! Success answers 303 See Other to the page that shows the outcome. A refusal renders the page again with what was
//! typed and the errors at their fields; the page takes both from the [`FormAnswer`] in its context.

mod account;
mod devices;
mod fields;
mod provisioning;
mod rollouts;
mod servers;
mod waiting_devices;

use super::{
    auth,
    rest::status_of,
    router::{AppState, provide_page_context},
};
use crate::{
    app::shell,
    model::{Fault, FormAnswer, Typed},
    paths,
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
    routing::post,
};
use leptos::prelude::{provide_context, use_context};
use leptos_axum::ResponseOptions;

/// The forms of all pages.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(paths::SIGN_IN, post(account::sign_in))
        .route(paths::SIGN_OUT, post(account::sign_out))
        .route(paths::PASSWORD, post(account::change_password))
        .route("/devices/{id}", post(devices::save))
        .route("/devices/{id}/cancel-push", post(devices::cancel_push))
        .route("/devices/{id}/probe", post(devices::probe))
        .route("/devices/{id}/move", post(devices::move_device))
        .route("/devices/{id}/remove", post(devices::remove))
        .route("/devices/{id}/restore/{number}", post(devices::restore))
        .route(paths::NEW_ROLLOUT, post(rollouts::create))
        .route("/rollouts/{id}/{verb}", post(rollouts::act))
        .route("/waiting-devices/{id}/accept", post(waiting_devices::accept))
        .route("/waiting-devices/{id}/reject", post(waiting_devices::reject))
        .route("/servers/{id}/drain", post(servers::drain))
        .route("/servers/{id}/end-drain", post(servers::end_drain))
        .route("/servers/{id}/promote", post(servers::promote))
        .route(paths::AUTOMATIC_PROMOTION, post(servers::set_automatic_promotion))
        .route("/servers/{id}/copy", post(servers::copy))
        .route("/servers/{id}/remove", post(servers::remove))
        .route("/servers/{id}/drill", post(servers::begin_drill))
        .route("/drills/{id}/stop", post(servers::stop_drill))
        .route("/servers/{id}/rejoin", post(servers::rejoin))
        .route(paths::SETTLE_LONE_WRITES, post(servers::settle_lone_writes))
        .route("/servers/newcomers/{id}/confirm", post(servers::confirm_newcomer))
        .route("/servers/newcomers/{id}/reject", post(servers::reject_newcomer))
        .route(paths::PROVISIONING, post(provisioning::create))
}

/// What a form post comes with.
struct Post {
    state: AppState,
    parts: Parts,
}

impl Post {
    /// As whom the operator acts.
    fn session(&self) -> Result<&auth::Session, Fault> {
        auth::session_of(&self.parts.extensions)
    }

    /// Answers with `path` if it went well, with the form's page if not.
    async fn finish<T>(self, outcome: Result<T, Fault>, typed: Typed, path: &str) -> Response {
        match outcome {
            Ok(_) => Redirect::to(path).into_response(),
            Err(fault) => self.refuse(fault, typed).await,
        }
    }

    /// The form's page with the refusal.
    async fn refuse(self, fault: Fault, typed: Typed) -> Response {
        let status = status_of(&fault);
        self.render(status, FormAnswer::Refused { fault, typed }).await
    }

    /// The page at the address that was posted to, with an answer for its form.
    async fn render(self, status: StatusCode, answer: FormAnswer) -> Response {
        let Self { state, parts } = self;
        let service = state.service;
        let context = move || {
            provide_page_context(&service);
            provide_context(answer.clone());
            if let Some(response) = use_context::<ResponseOptions>() {
                response.set_status(status);
            }
        };
        let options = state.leptos_options;
        let render = leptos_axum::render_app_async_with_context(context, move || shell(options.clone()));
        render(Request::from_parts(parts, Body::empty())).await
    }
}

impl axum::extract::FromRequestParts<AppState> for Post {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self { state: state.clone(), parts: parts.clone() })
    }
}
