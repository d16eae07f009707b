//! Plain form posts: what pages do where there is no script.
//!
//! Success answers 303 See Other to the page that shows the outcome. A refusal renders the page again with what was
//! typed and the errors at their fields; the page finds both in the [`FormAnswer`] among the extensions of the request.

mod account;
mod devices;
mod fields;
mod provisioning;
mod rollouts;
mod servers;
mod waiting_devices;

use super::{app_state::AppState, auth};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
    routing::post,
};
use model::paths;
use model::{Fault, FormAnswer, Typed};
use tower::ServiceExt as _;

/// The forms of all pages.
pub(crate) fn routes() -> Router<AppState> {
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
        .route(paths::SETTLE_DIVERGENT_CHANGES, post(servers::settle_divergent_changes))
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
        self.render(FormAnswer::Refused { fault, typed }).await
    }

    /// The page at the address that was posted to, with an answer for its form.
    async fn render(self, answer: FormAnswer) -> Response {
        let Self { state, mut parts } = self;
        parts.method = Method::GET;
        parts.extensions.insert(answer);
        match state.pages.oneshot(Request::from_parts(parts, Body::empty())).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl axum::extract::FromRequestParts<AppState> for Post {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self { state: state.clone(), parts: parts.clone() })
    }
}
