//! Who a request comes from: bearer token, cookies of a browser, or the console.
//!
//! Handlers never look at tokens. They take a [`Session`] from the request's extensions, which is there only for an
//! operator who may do everything; one who must change the password first has a [`PasswordSession`] instead.

mod guard;
mod identify;
mod origin;

pub(crate) use guard::encode;
pub use guard::{guard_pages, local_path};
pub use identify::{identify, refuse_foreign_origin};
pub(crate) use origin::is_safe;

use crate::{actor::Actor, people::Bearer};
use axum::http::Extensions;
use model::{Fault, Operator};
use std::net::IpAddr;
use time::OffsetDateTime;

/// An operator who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// As who changes are recorded.
    pub actor: Actor,
    /// Who it is.
    pub operator: Operator,
    /// When the access token ends; `None` on the console.
    pub expires_at: Option<OffsetDateTime>,
}

/// An operator who is signed in and can do nothing but change the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordSession(pub Session);

/// Where a request comes from; `None` on the console's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub Option<IpAddr>);

/// Marks what came over the console's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console;

impl From<Bearer> for Session {
    fn from(bearer: Bearer) -> Self {
        Self { actor: bearer.actor, operator: bearer.operator, expires_at: Some(bearer.expires_at) }
    }
}

/// The session of a request that needs one.
///
/// # Errors
///
/// [`Fault::NotSignedIn`], or [`Fault::PasswordChangeRequired`].
pub fn session_of(extensions: &Extensions) -> Result<&Session, Fault> {
    match extensions.get::<Session>() {
        Some(session) => Ok(session),
        None if extensions.get::<PasswordSession>().is_some() => Err(Fault::PasswordChangeRequired),
        None => Err(Fault::NotSignedIn),
    }
}

/// Who is signed in, also if only for changing the password.
///
/// # Errors
///
/// [`Fault::NotSignedIn`].
pub fn any_session_of(extensions: &Extensions) -> Result<&Session, Fault> {
    extensions
        .get::<Session>()
        .or_else(|| extensions.get::<PasswordSession>().map(|session| &session.0))
        .ok_or(Fault::NotSignedIn)
}

/// Where the request comes from, as services note it.
#[must_use]
pub fn peer_of(extensions: &Extensions) -> Option<String> {
    extensions.get::<Peer>().and_then(|peer| peer.0).map(|ip| ip.to_canonical().to_string())
}
