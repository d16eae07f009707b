//! Signing in and out, and choosing a password.

use super::{Post, fields::Fields};
use crate::{
    interfaces::{auth, auth::local_path, cookies::Cookies},
    people::SignedIn,
};
use axum::{
    extract::Query,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
};
use model::{AccountRule, paths};
use model::{Fault, SignInInput, Typed};

/// Where to go after signing in.
#[derive(serde::Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

pub(super) async fn sign_in(post: Post, Query(next): Query<Next>, fields: Fields) -> Response {
    let login = fields.text("login");
    let input = SignInInput { login: login.clone(), password: fields.text("password") };
    let peer = auth::peer_of(&post.parts.extensions);
    match post.state.service.sign_in(input, peer.as_deref()).await {
        Ok(signed_in) => keep(&post.state.cookies, &signed_in, local_path(next.next.as_deref())),
        Err(fault) => post.refuse(fault, Typed::SignIn { login }).await,
    }
}

pub(super) async fn sign_out(post: Post) -> Response {
    let Post { state, parts } = &post;
    if let Some(refresh) = state.cookies.refresh(&parts.headers)
        && let Err(fault) = state.service.sign_out(refresh).await
    {
        // The browser forgets its tokens all the same.
        tracing::warn!(%fault, "sign-out was not recorded");
    }
    with_cookies(state.cookies.forget(), paths::SIGN_IN)
}

pub(super) async fn change_password(post: Post, fields: Fields) -> Response {
    match changed_password(&post, &fields).await {
        Ok(signed_in) => keep(&post.state.cookies, &signed_in, paths::DEVICES),
        Err(fault) => post.refuse(fault, Typed::Nothing).await,
    }
}

async fn changed_password(post: &Post, fields: &Fields) -> Result<SignedIn, Fault> {
    let session = auth::any_session_of(&post.parts.extensions)?;
    let new = fields.text("new_password");
    if fields.text("again") != new {
        return Err(Fault::field("again", AccountRule::PasswordAgain));
    }
    post.state.service.change_password(&session.actor, &fields.text("current_password"), &new).await
}

fn keep(cookies: &Cookies, signed_in: &SignedIn, path: &str) -> Response {
    let path = if signed_in.operator.must_change_password { paths::PASSWORD } else { path };
    with_cookies(cookies.keep(signed_in), path)
}

fn with_cookies(cookies: [HeaderValue; 2], path: &str) -> Response {
    let mut response = Redirect::to(path).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
