//! `/api/v1/login`, `token/refresh`, `logout`, `operators/me/password`.

use super::body::Json;
use crate::{
    interfaces::{app_state::AppState, auth, problem::Problem},
    people::SignedIn,
};
use axum::{
    extract::State,
    http::{Extensions, HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use model::{Fault, SignInInput};
use serde::{Deserialize, Serialize};

/// What a program gets for its password.
#[derive(Serialize)]
pub(super) struct Tokens {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    refresh_token: String,
}

impl From<SignedIn> for Tokens {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token,
            token_type: "Bearer",
            expires_in: signed_in.expires_in,
            refresh_token: signed_in.refresh_token,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Refresh {
    refresh_token: String,
}

/// With a login for whoever has no token yet, because the password is a generated one.
#[derive(Deserialize)]
pub(super) struct NewPassword {
    login: Option<String>,
    #[serde(alias = "current")]
    current_password: String,
    #[serde(alias = "new")]
    new_password: String,
}

pub(super) async fn login(
    State(state): State<AppState>,
    extensions: Extensions,
    Json(input): Json<SignInInput>,
) -> Result<axum::Json<Tokens>, Problem> {
    let signed_in = state.service.sign_in(input, auth::peer_of(&extensions).as_deref()).await?;
    if signed_in.operator.must_change_password {
        state.service.sign_out(&signed_in.refresh_token).await?;
        return Err(Fault::PasswordChangeRequired.into());
    }
    Ok(axum::Json(signed_in.into()))
}

pub(super) async fn refresh(
    State(state): State<AppState>,
    Json(input): Json<Refresh>,
) -> Result<axum::Json<Tokens>, Problem> {
    Ok(axum::Json(state.service.refresh(&input.refresh_token).await?.into()))
}

/// Ends the sign-in of the refresh token in the body, or of a browser's cookies.
pub(super) async fn logout(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Option<Json<Refresh>>,
) -> Result<Response, Problem> {
    if let Some(Json(input)) = body {
        state.service.sign_out(&input.refresh_token).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    auth::any_session_of(&extensions)?;
    if let Some(refresh_token) = state.cookies.refresh(&headers) {
        state.service.sign_out(refresh_token).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    for cookie in state.cookies.forget() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Answers with new tokens: all those of before are no longer good.
pub(super) async fn change_password(
    State(state): State<AppState>,
    extensions: Extensions,
    Json(input): Json<NewPassword>,
) -> Result<axum::Json<Tokens>, Problem> {
    let signed_in = match input.login {
        Some(login) => {
            let peer = auth::peer_of(&extensions);
            let current = SignInInput { login, password: input.current_password };
            state.service.change_password_of(&current, &input.new_password, peer.as_deref()).await?
        }
        None => {
            let actor = &auth::any_session_of(&extensions)?.actor;
            state.service.change_password(actor, &input.current_password, &input.new_password).await?
        }
    };
    Ok(axum::Json(signed_in.into()))
}
