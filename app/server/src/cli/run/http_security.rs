//! One way to speak to browsers, of those that options, environment and configuration file ask for together.

use crate::config::{HttpSecurity, HttpTls};
use std::path::PathBuf;

/// Why what was asked for does not fit together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(in crate::cli) enum HttpSecurityError {
    /// Half a pair.
    #[error("{given} needs {missing}: a certificate and its key go together")]
    Half {
        /// The option that is there.
        given: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// Two ways at once.
    #[error(
        "{0} and {1} exclude each other: leave one out; it may also come from the environment or the configuration file"
    )]
    Both(&'static str, &'static str),
}

/// The way that was asked for, if one was.
///
/// # Errors
///
/// Two were, or half a one.
pub(super) fn choose(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    own: bool,
    plain: bool,
) -> Result<Option<HttpSecurity>, HttpSecurityError> {
    let given = match (cert, key) {
        (Some(certificate), Some(key)) => Some(HttpSecurity::Given(HttpTls { certificate, key })),
        (None, None) => None,
        (Some(_), None) => return Err(HttpSecurityError::Half { given: "http-cert", missing: "http-key" }),
        (None, Some(_)) => return Err(HttpSecurityError::Half { given: "http-key", missing: "http-cert" }),
    };
    let ways = [
        (given, "http-cert"),
        (own.then_some(HttpSecurity::Own), "https"),
        (plain.then_some(HttpSecurity::Plain), "allow-plain-http"),
    ];
    let mut ways = ways.into_iter().filter_map(|(way, name)| Some((way?, name)));
    match (ways.next(), ways.next()) {
        (Some((_, one)), Some((_, other))) => Err(HttpSecurityError::Both(one, other)),
        (way, _) => Ok(way.map(|(way, _)| way)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_to_speak_to_browsers_is_chosen() {
        let pem = |name: &str| Some(PathBuf::from(name));
        assert_eq!(choose(None, None, false, false), Ok(None));
        assert_eq!(choose(None, None, true, false), Ok(Some(HttpSecurity::Own)));
        assert_eq!(choose(None, None, false, true), Ok(Some(HttpSecurity::Plain)));
        let tls = HttpTls { certificate: "a".into(), key: "b".into() };
        assert_eq!(choose(pem("a"), pem("b"), false, false), Ok(Some(HttpSecurity::Given(tls))));
        let half = HttpSecurityError::Half { given: "http-key", missing: "http-cert" };
        assert_eq!(choose(None, pem("b"), true, false), Err(half));
        let both = HttpSecurityError::Both("https", "allow-plain-http");
        assert_eq!(choose(None, None, true, true), Err(both));
        assert_eq!(
            choose(pem("a"), pem("b"), false, true),
            Err(HttpSecurityError::Both("http-cert", "allow-plain-http"))
        );
    }
}
