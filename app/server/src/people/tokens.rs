//! Access tokens: JWTs that every server of the installation signs and believes alike.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// How long an access token is good.
pub(crate) const ACCESS_LIFE: Duration = Duration::minutes(15);
/// The clocks of two servers may differ by this much.
const CLOCK_SKEW: Duration = Duration::seconds(60);

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The installation.
    pub(crate) iss: String,
    /// The operator's login.
    pub(crate) sub: String,
    /// Unix seconds.
    pub(crate) iat: i64,
    /// Unix seconds.
    pub(crate) exp: i64,
    /// Names the password that was signed in with; a new one ends the token.
    pub(crate) cred: String,
    /// Good for changing the password alone.
    pub(crate) must_change: bool,
}

/// A new token for `sub`, from `now` on.
pub(crate) fn sign(secret: &[u8], claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret))
}

/// What a token of this installation says, if it is genuine and good at `now`.
pub(crate) fn verify(secret: &[u8], installation_id: &str, token: &str, now: OffsetDateTime) -> Option<Claims> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[installation_id]);
    rules.set_required_spec_claims(&["exp", "iss", "sub"]);
    // Dates are checked below, against the clock that the caller trusts.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(secret), &rules).ok()?.claims;
    let now = now.unix_timestamp();
    (now < claims.exp && claims.iat <= now + CLOCK_SKEW.whole_seconds()).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(now: OffsetDateTime) -> Claims {
        Claims {
            iss: "site".to_owned(),
            sub: "admin".to_owned(),
            iat: now.unix_timestamp(),
            exp: (now + ACCESS_LIFE).unix_timestamp(),
            cred: "c".to_owned(),
            must_change: false,
        }
    }

    #[test]
    fn a_token_is_good_for_its_life_in_its_installation_alone() {
        let now = OffsetDateTime::now_utc();
        let token = sign(b"secret", &claims(now)).unwrap();
        assert_eq!(verify(b"secret", "site", &token, now), Some(claims(now)));
        assert_eq!(verify(b"secret", "site", &token, now + ACCESS_LIFE), None, "expired");
        assert_eq!(verify(b"secret", "site", &token, now - Duration::minutes(2)), None, "from the future");
        assert_eq!(verify(b"secret", "elsewhere", &token, now), None);
        assert_eq!(verify(b"another", "site", &token, now), None);
        assert_eq!(verify(b"secret", "site", &token[..token.len() - 2], now), None);
        assert_eq!(verify(b"secret", "site", "", now), None);
    }

    #[test]
    fn an_unsigned_token_is_none() {
        // {"alg":"none","typ":"JWT"}
        let signed = sign(b"secret", &claims(OffsetDateTime::now_utc())).unwrap();
        let payload = signed.split('.').nth(1).unwrap();
        let token = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
        assert_eq!(verify(b"secret", "site", &token, OffsetDateTime::now_utc()), None);
    }
}
