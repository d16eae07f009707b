//! Finds out who a request comes from, and renews a browser's sign-in without a word.

use super::{
    Console, PasswordSession, Peer, Session,
    origin::{Origin, is_safe, origin_of},
    peer_of,
};
use crate::{
    actor::Actor,
    interfaces::{app_state::AppState, problem::Problem},
    people::SignedIn,
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use model::{Fault, Operator};

/// Refuses what a foreign page makes a browser send, signed in or not.
pub async fn refuse_foreign_origin(request: Request, next: Next) -> Response {
    let bearer = bearer_token(request.headers()).is_some();
    if !is_safe(request.method()) && !bearer && origin_of(request.headers()) == Origin::Foreign {
        return Problem::from(Fault::ForeignOrigin).into_response();
    }
    next.run(request).await
}

/// Puts the request's [`Session`] or [`PasswordSession`] into its extensions, if there is one.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<Console>().is_some() {
        request.extensions_mut().insert(console_session());
        return next.run(request).await;
    }
    if request.extensions().get::<Peer>().is_none() {
        request.extensions_mut().insert(Peer(None));
    }
    let peer = peer_of(request.extensions());
    let found = find_session(&state, request.method(), request.headers(), peer);
    let (session, renewed) = match found.await {
        Ok(found) => found,
        Err(fault) => return Problem::from(fault).into_response(),
    };
    match session {
        Some(session) if session.operator.must_change_password => {
            request.extensions_mut().insert(PasswordSession(session));
        }
        Some(session) => {
            request.extensions_mut().insert(session);
        }
        None => {}
    }
    let mut response = next.run(request).await;
    // A handler that signs in or out has the last word on the cookies.
    if let Some(renewed) = renewed.filter(|_| !response.headers().contains_key(header::SET_COOKIE)) {
        for cookie in state.cookies.keep(&renewed) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// The session, and new cookies for it if those that came were too old.
async fn find_session(
    state: &AppState,
    method: &Method,
    headers: &HeaderMap,
    peer: Option<String>,
) -> Result<(Option<Session>, Option<SignedIn>), Fault> {
    let peer = peer.as_deref();
    if let Some(token) = bearer_token(headers) {
        return Ok((session_by(state, token, peer).await?, None));
    }
    // Cookies come by themselves, so what they may change must come from one of our pages.
    if !is_safe(method) && origin_of(headers) != Origin::Ours {
        return Ok((None, None));
    }
    if let Some(access) = state.cookies.access(headers)
        && let Some(session) = session_by(state, access, peer).await?
    {
        return Ok((Some(session), None));
    }
    let Some(refresh) = state.cookies.refresh(headers) else { return Ok((None, None)) };
    match state.service.renew(refresh).await {
        Ok(signed_in) => Ok((session_by(state, &signed_in.access_token, peer).await?, Some(signed_in))),
        Err(Fault::NotSignedIn) => Ok((None, None)),
        Err(fault) => Err(fault),
    }
}

async fn session_by(state: &AppState, access_token: &str, peer: Option<&str>) -> Result<Option<Session>, Fault> {
    match state.service.bearer_of(access_token, peer).await {
        Ok(bearer) => Ok(Some(bearer.into())),
        Err(Fault::NotSignedIn) => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn console_session() -> Session {
    Session {
        actor: Actor { login: "console".to_owned(), peer: None },
        operator: Operator { login: "console".to_owned(), name: "Console".to_owned(), must_change_password: false },
        expires_at: None,
    }
}
