//! The two cookies of a signed-in browser.

use crate::{
    identity::Identity,
    people::{REFRESH_LIFE, SignedIn},
};
use axum::http::{HeaderMap, HeaderValue, header};

/// Names and writes the cookies of one server: two portals on one host share a browser's cookie jar.
#[derive(Clone, Debug)]
pub struct Cookies {
    access: String,
    refresh: String,
    secure: bool,
}

impl Cookies {
    /// The cookies of `identity`; `secure` when it is reached by HTTPS.
    #[must_use]
    pub fn new(identity: &Identity, secure: bool) -> Self {
        let id: String = identity.server_id.chars().take(8).collect();
        Self { access: format!("portal_{id}_access"), refresh: format!("portal_{id}_refresh"), secure }
    }

    /// The access token that the browser sent.
    #[must_use]
    pub fn access<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        find(headers, &self.access)
    }

    /// The refresh token that the browser sent.
    #[must_use]
    pub fn refresh<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        find(headers, &self.refresh)
    }

    /// Headers (`Set-Cookie`) that keep a sign-in in the browser.
    #[must_use]
    pub fn keep(&self, signed_in: &SignedIn) -> [HeaderValue; 2] {
        let refresh_life = REFRESH_LIFE.whole_seconds().unsigned_abs();
        [
            self.cookie(&self.access, &signed_in.access_token, signed_in.expires_in),
            self.cookie(&self.refresh, &signed_in.refresh_token, refresh_life),
        ]
    }

    /// Headers (`Set-Cookie`) that end a sign-in in the browser.
    #[must_use]
    pub fn forget(&self) -> [HeaderValue; 2] {
        [self.cookie(&self.access, "", 0), self.cookie(&self.refresh, "", 0)]
    }

    fn cookie(&self, name: &str, value: &str, max_age_s: u64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
        // Names and values are hexadecimal or base64url.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Operator;

    fn cookies(secure: bool) -> Cookies {
        let identity = Identity {
            installation_id: "site".to_owned(),
            server_id: "0123456789abcdef".to_owned(),
            server_name: "BioStar Server #1".to_owned(),
        };
        Cookies::new(&identity, secure)
    }

    #[test]
    fn cookies_name_their_server_and_shut_out_scripts_and_sites() {
        let operator = Operator { login: "a".to_owned(), name: "A".to_owned(), must_change_password: false };
        let signed_in =
            SignedIn { access_token: "aaa".to_owned(), refresh_token: "rrr".to_owned(), expires_in: 900, operator };
        let [access, refresh] = cookies(false).keep(&signed_in);
        assert_eq!(access, "portal_01234567_access=aaa; Path=/; Max-Age=900; HttpOnly; SameSite=Strict");
        assert_eq!(refresh, "portal_01234567_refresh=rrr; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict");
        assert!(cookies(true).keep(&signed_in).iter().all(|c| c.to_str().unwrap().ends_with("; Secure")));
    }

    #[test]
    fn the_right_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("portal_89abcdef_access=x; portal_01234567_access=y"));
        headers.append(header::COOKIE, HeaderValue::from_static("portal_01234567_refresh="));
        assert_eq!(cookies(false).access(&headers), Some("y"));
        assert_eq!(cookies(false).refresh(&headers), None, "an empty one is none");
    }
}
