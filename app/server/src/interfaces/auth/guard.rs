//! Sends people who are not signed in to the sign-in page, and back to where they wanted to go.

use super::{PasswordSession, Session};
use axum::{
    extract::Request,
    http::{Method, Uri},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};

const SIGN_IN: &str = "/login";
const SIGN_OUT: &str = "/logout";
const PASSWORD: &str = "/password";
const HOME: &str = "/devices";
const SERVER_FUNCTIONS: &str = "/api/fn/";

/// Lets a page be seen by those who may; answers the others with 303 See Other.
pub async fn guard_pages(request: Request, next: Next) -> Response {
    let signed_in = request.extensions().get::<Session>().is_some();
    let must_change = request.extensions().get::<PasswordSession>().is_some();
    match destination(request.method(), request.uri(), signed_in, must_change) {
        Some(path) => Redirect::to(&path).into_response(),
        None => next.run(request).await,
    }
}

/// Where somebody has to go instead; `None` if they may stay.
fn destination(method: &Method, uri: &Uri, signed_in: bool, must_change: bool) -> Option<String> {
    match uri.path() {
        // Ending and beginning a sign-in is always possible.
        SIGN_OUT => None,
        // The page that calls one is told in its own terms, not sent elsewhere.
        path if path.starts_with(SERVER_FUNCTIONS) => None,
        SIGN_IN if *method == Method::GET && signed_in => Some(next_of(uri)),
        SIGN_IN if *method == Method::GET && must_change => Some(PASSWORD.to_owned()),
        SIGN_IN => None,
        PASSWORD if must_change => None,
        _ if must_change => Some(PASSWORD.to_owned()),
        _ if !signed_in => Some(sign_in_for(method, uri)),
        "/" => Some(HOME.to_owned()),
        _ => None,
    }
}

fn sign_in_for(method: &Method, uri: &Uri) -> String {
    let wanted = uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    // What was to be sent by a form is gone; its page is not.
    if *method != Method::GET || wanted == "/" {
        return SIGN_IN.to_owned();
    }
    let query = encode(wanted);
    format!("{SIGN_IN}?next={query}")
}

fn next_of(uri: &Uri) -> String {
    let next = uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("next=")).map(decode));
    local_path(next.as_deref()).to_owned()
}

/// The path to go to after signing in: `wanted` if it is a path of this portal, else the first page.
#[must_use]
pub fn local_path(wanted: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    wanted.filter(is_local).unwrap_or(HOME)
}

/// Percent-encodes everything but letters, digits and what a path is made of.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let pair: Option<Vec<u8>> = (0..2).map(|_| bytes.next()).collect();
                match pair.and_then(|pair| hex::decode(pair).ok()) {
                    Some(decoded) => out.extend(decoded),
                    None => return String::new(),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(method: Method, uri: &str, signed_in: bool, must_change: bool) -> Option<String> {
        destination(&method, &uri.parse().unwrap(), signed_in, must_change)
    }

    #[test]
    fn nobody_sees_a_page_unknown() {
        assert_eq!(go(Method::GET, "/devices/1?a=b&c", false, false).unwrap(), "/login?next=/devices/1%3Fa%3Db%26c");
        assert_eq!(go(Method::POST, "/devices/1", false, false).unwrap(), "/login");
        assert_eq!(go(Method::GET, "/", false, false).unwrap(), "/login");
        assert_eq!(go(Method::GET, "/login", false, false), None);
        assert_eq!(go(Method::POST, "/login", false, false), None);
        assert_eq!(go(Method::GET, "/password", false, false).unwrap(), "/login?next=/password");
    }

    #[test]
    fn a_generated_password_leads_to_the_password_page_alone() {
        assert_eq!(go(Method::GET, "/devices", false, true).unwrap(), "/password");
        assert_eq!(go(Method::GET, "/login", false, true).unwrap(), "/password");
        assert_eq!(go(Method::GET, "/password", false, true), None);
        assert_eq!(go(Method::POST, "/password", false, true), None);
        assert_eq!(go(Method::POST, "/logout", false, true), None);
    }

    #[test]
    fn who_is_signed_in_goes_where_they_wanted() {
        assert_eq!(go(Method::GET, "/", true, false).unwrap(), "/devices");
        assert_eq!(go(Method::GET, "/devices/7", true, false), None);
        assert_eq!(go(Method::GET, "/login?next=/devices/7%3Fa%3Db", true, false).unwrap(), "/devices/7?a=b");
        assert_eq!(go(Method::GET, "/login?next=//evil.example", true, false).unwrap(), "/devices");
    }

    #[test]
    fn only_paths_of_this_portal_are_followed() {
        for bad in ["", "devices", "//host", "/\\host", "https://host/", "/a\r\nb", "/ä", "/a b"] {
            assert_eq!(local_path(Some(bad)), "/devices", "{bad:?}");
        }
        assert_eq!(local_path(None), "/devices");
        assert_eq!(local_path(Some("/devices/1?x=%20")), "/devices/1?x=%20");
    }
}
