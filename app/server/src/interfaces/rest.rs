//! The REST API: one file per resource. Handlers translate; the rules are in cluster, people and fleet.

mod account;
mod authority;
mod automatic;
mod body;
mod devices;
mod drills;
mod events;
mod health;
mod operators;
mod orders;
mod provisioning;
mod revisions;
mod rollouts;
mod server_lists;
mod servers;
mod sign_ins;
mod waiting_devices;

use super::{app_state::AppState, auth, problem::Problem, stream};
use crate::actor::Actor;
use axum::{
    Router,
    extract::FromRequestParts,
    http::request::Parts,
    routing::{delete, get, post, put},
};

/// `/api/v1`, for programs, browsers and the console.
pub fn routes() -> Router<AppState> {
    let api = Router::new()
        .route("/login", post(account::login))
        .route("/token/refresh", post(account::refresh))
        .route("/logout", post(account::logout))
        .route("/operators", get(operators::list).post(operators::add))
        .route("/operators/me/password", put(account::change_password))
        .route("/operators/{login}", delete(operators::remove))
        .route("/operators/{login}/password-reset", post(operators::reset_password))
        .route("/devices", get(devices::list))
        .route("/devices/{id}", get(devices::find).patch(devices::rename).delete(devices::remove))
        .route("/devices/{id}/servers", get(server_lists::find).put(server_lists::replace))
        .route("/devices/{id}/servers/probe", post(orders::probe))
        .route("/devices/{id}/move", post(orders::move_device))
        .route("/devices/{id}/servers/push", delete(server_lists::cancel_push))
        .route("/devices/{id}/servers/revisions", get(revisions::list))
        .route("/devices/{id}/servers/revisions/{number}/restore", post(revisions::restore))
        .route("/rollouts", get(rollouts::list).post(rollouts::create))
        .route("/rollouts/{id}", get(rollouts::find))
        .route("/rollouts/{id}/devices", get(rollouts::list_devices))
        .route("/rollouts/{id}/pause", post(rollouts::pause))
        .route("/rollouts/{id}/resume", post(rollouts::resume))
        .route("/rollouts/{id}/abort", post(rollouts::abort))
        .route("/rollouts/{id}/rollback", post(rollouts::roll_back))
        .route("/waiting-devices", get(waiting_devices::list))
        .route("/waiting-devices/{id}/accept", post(waiting_devices::accept))
        .route("/waiting-devices/{id}/reject", post(waiting_devices::reject))
        .route("/provisioning", get(provisioning::list).post(provisioning::create))
        .route("/events", get(events::list))
        .route("/sign-ins", get(sign_ins::list))
        .route("/drills", get(drills::list).post(drills::begin))
        .route("/drills/{id}", get(drills::find))
        .route("/drills/{id}/stop", post(drills::stop))
        .route("/automatic-promotion", get(automatic::find).put(automatic::set))
        .route("/servers", get(servers::list))
        .route("/servers/{id}", delete(servers::remove))
        .route("/servers/{id}/drain", post(servers::drain).delete(servers::end_drain))
        .route("/servers/{id}/promotion", get(servers::evidence))
        .route("/servers/{id}/promote", post(servers::promote))
        .route("/servers/{id}/copy", post(servers::copy))
        .route("/servers/{id}/rejoin", post(servers::rejoin))
        .route("/servers/{id}/quiesce", post(servers::quiesce).delete(servers::resume_writes))
        .route("/servers/epochs", get(servers::list_epochs))
        .route("/servers/outages", get(servers::list_outages))
        .route("/servers/divergent-changes", get(servers::list_divergent_changes))
        .route("/servers/divergent-changes/settle", post(servers::settle_divergent_changes))
        .route("/servers/newcomers", get(servers::list_newcomers))
        .route("/servers/newcomers/{fingerprint}/confirm", post(servers::confirm_newcomer))
        .route("/servers/newcomers/{fingerprint}/reject", post(servers::reject_newcomer))
        .route("/join-strings", post(servers::create_join_string))
        .route("/stream", get(stream::changes))
        .fallback(super::problem::no_such_resource)
        .method_not_allowed_fallback(super::problem::no_such_method);
    Router::new().nest("/api/v1", api)
}

/// What is told without signing in: `/health`, for load balancers and cluster managers, and the authority's certificate.
pub fn public_routes() -> Router<AppState> {
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/health/active", get(health::active))
        .route("/authority.pem", get(authority::certificate))
}

/// Who asks; refuses those who are not signed in or must change their password.
#[derive(Clone, Debug)]
struct By(Actor);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(auth::session_of(&parts.extensions)?.actor.clone()))
    }
}

/// A Device ID in a path; another text is a device that is not there.
fn device_id(text: &str) -> Result<u32, Problem> {
    text.parse().map_err(|_| model::Missing::DeviceText { text: text.to_owned() }.into())
}
