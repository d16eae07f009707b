//! Whether a browser sent a request because of one of our own pages.

use axum::http::{HeaderMap, Method, header};

/// What a browser says about where a request was caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// One of our pages, or the person at the browser.
    Ours,
    /// Somebody else's page.
    Foreign,
    /// It says nothing: no browser of this decade.
    Silent,
}

/// Does the method promise to change nothing?
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Reads `Sec-Fetch-Identity`, or `Origin` against `Host` where a browser sends only that (plain HTTP).
pub(super) fn origin_of(headers: &HeaderMap) -> Origin {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some("same-origin" | "none"), _) => Origin::Ours,
        (Some(_), _) => Origin::Foreign,
        (None, None) => Origin::Silent,
        (None, Some(origin)) => match (origin.split_once("://"), text(header::HOST.as_str())) {
            (Some((_, place)), Some(host)) if place.eq_ignore_ascii_case(host) => Origin::Ours,
            _ => Origin::Foreign,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(pairs: &[(&'static str, &'static str)]) -> Origin {
        origin_of(&pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect())
    }

    #[test]
    fn only_our_own_pages_are_ours() {
        let host = ("host", "127.0.0.1:3000");
        assert_eq!(origin(&[host, ("sec-fetch-site", "same-origin")]), Origin::Ours);
        assert_eq!(origin(&[host, ("sec-fetch-site", "none")]), Origin::Ours);
        assert_eq!(origin(&[host, ("sec-fetch-site", "same-site")]), Origin::Foreign, "another portal on this host");
        assert_eq!(origin(&[host, ("sec-fetch-site", "cross-site")]), Origin::Foreign);
        assert_eq!(origin(&[host, ("origin", "http://127.0.0.1:3000")]), Origin::Ours);
        assert_eq!(origin(&[host, ("origin", "http://127.0.0.1:3100")]), Origin::Foreign);
        assert_eq!(origin(&[host, ("origin", "null")]), Origin::Foreign);
        assert_eq!(origin(&[("origin", "http://127.0.0.1:3000")]), Origin::Foreign, "no host");
        assert_eq!(origin(&[host]), Origin::Silent);
    }
}
