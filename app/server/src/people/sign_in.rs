//! Signing in, staying signed in, signing out.

use super::{
    attempts::Attempts,
    passwords::Passwords,
    store::{OperatorRecord, Presented, RefreshToken},
    tokens,
    tokens::{ACCESS_LIFE, Claims},
};
use crate::{Service, actor::Actor, clock::text_of};
use model::{Fault, Operator, SignInInput, StorageTrouble};
use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// How long a sign-in lasts without being used.
pub const REFRESH_LIFE: time::Duration = time::Duration::days(7);
/// Two requests that a browser sends at once carry the same refresh token; the second must not look like theft.
const BROWSER_GRACE: time::Duration = time::Duration::seconds(10);
/// Longer logins are nobody's; only so much of one is noted.
const MAX_LOGIN_CHARACTERS: usize = 64;

/// A sign-in.
#[derive(Clone)]
pub struct SignedIn {
    /// Good for `expires_in`, on every server of the installation.
    pub access_token: String,
    /// Good once, on this server, for [`REFRESH_LIFE`].
    pub refresh_token: String,
    /// Seconds.
    pub expires_in: u64,
    /// Who signed in. With `must_change_password` the tokens are good for changing the password alone.
    pub operator: Operator,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("operator", &self.operator).finish_non_exhaustive()
    }
}

/// Who an access token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// As who changes are recorded.
    pub actor: Actor,
    /// Who it is. With `must_change_password` nothing but changing the password is allowed.
    pub operator: Operator,
    /// When the token ends.
    pub expires_at: OffsetDateTime,
}

/// What the room needs to know who is who.
#[derive(Default)]
pub(crate) struct SignInGuard {
    pub(crate) passwords: Passwords,
    attempts: Mutex<Attempts>,
}

impl SignInGuard {
    pub(crate) fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Signs an operator in. `peer` is where the request comes from.
    ///
    /// # Errors
    ///
    /// [`Fault::WrongPassword`], [`Fault::TooManyAttempts`], or the store's.
    pub async fn sign_in(&self, input: SignInInput, peer: Option<&str>) -> Result<SignedIn, Fault> {
        let operator = self.authenticate(&input, peer).await?;
        self.issue(&operator, None).await
    }

    /// Checks login and password, and nothing more.
    pub(crate) async fn authenticate(&self, input: &SignInInput, peer: Option<&str>) -> Result<OperatorRecord, Fault> {
        if self.store.is_blank() {
            return Err(StorageTrouble::NoRecords.into());
        }
        let login: String = input.login.trim().chars().take(MAX_LOGIN_CHARACTERS).collect();
        let place = peer.unwrap_or_default();
        // Counted before it is looked at, so that tries at the same time cannot slip through.
        if let Some(wait) = self.admit_attempt(&login, place) {
            let retry_after_s = wait.as_secs() + 1;
            tracing::warn!(login, peer = place, "too many wrong passwords");
            return Err(Fault::TooManyAttempts { retry_after_s });
        }
        let operator = self.store.find_operator(&login).await?;
        let kept = operator.as_ref().map(|operator| operator.password_hash.clone());
        let fits = self.sign_in_guard.passwords.check(&input.password, kept).await?;
        let operator = operator.filter(|_| fits);
        self.store.insert_sign_in(&self.clock.now_text(), &login, operator.is_some(), peer).await?;
        match operator {
            Some(operator) => {
                self.sign_in_guard.attempts().forgive(&login, place);
                Ok(operator)
            }
            None => {
                tracing::warn!(login, peer = place, "wrong login or password");
                Err(Fault::WrongPassword)
            }
        }
    }

    fn admit_attempt(&self, login: &str, place: &str) -> Option<Duration> {
        let mut attempts = self.sign_in_guard.attempts();
        let now = Instant::now();
        let wait = attempts.wait(login, place, now);
        if wait.is_none() {
            attempts.note(login, place, now);
        }
        wait
    }

    /// New tokens; `family` continues an earlier sign-in.
    pub(crate) async fn issue(&self, operator: &OperatorRecord, family: Option<String>) -> Result<SignedIn, Fault> {
        let now = self.clock.now();
        let credential = credential_of(operator);
        let claims = Claims {
            iss: self.identity.installation_id.clone(),
            sub: operator.login.clone(),
            iat: now.unix_timestamp(),
            exp: (now + ACCESS_LIFE).unix_timestamp(),
            cred: credential.clone(),
            must_change: operator.must_change_password,
        };
        let access_token = tokens::sign(self.keys.token_secret(), &claims).map_err(|error| {
            tracing::error!(%error, "an access token could not be signed");
            Fault::Internal
        })?;
        let refresh_token = hex::encode(rand::random::<[u8; 32]>());
        let record = RefreshToken {
            hash: hash_of(&refresh_token),
            family: family.unwrap_or_else(|| hex::encode(rand::random::<[u8; 16]>())),
            operator: operator.login.clone(),
            credential,
            issued_at: text_of(now),
            expires_at: text_of(now + REFRESH_LIFE),
        };
        self.store.insert_refresh_token(&record).await?;
        let expires_in = ACCESS_LIFE.whole_seconds().unsigned_abs();
        Ok(SignedIn { access_token, refresh_token, expires_in, operator: model_of(operator) })
    }

    /// Exchanges a refresh token for new tokens. A token that was used before ends its whole sign-in.
    ///
    /// # Errors
    ///
    /// [`Fault::NotSignedIn`], or the store's.
    pub async fn refresh(&self, refresh_token: &str) -> Result<SignedIn, Fault> {
        self.exchange(refresh_token, time::Duration::ZERO).await
    }

    /// As [`refresh`](Self::refresh) for a browser, whose requests at one moment all carry the same token.
    ///
    /// # Errors
    ///
    /// [`Fault::NotSignedIn`], or the store's.
    pub async fn renew(&self, refresh_token: &str) -> Result<SignedIn, Fault> {
        self.exchange(refresh_token, BROWSER_GRACE).await
    }

    async fn exchange(&self, refresh_token: &str, grace: time::Duration) -> Result<SignedIn, Fault> {
        let now = self.clock.now();
        let hash = hash_of(refresh_token);
        let token = match self.store.present_refresh_token(&hash, &text_of(now), &text_of(now - grace)).await? {
            Presented::Good(token) | Presented::JustUsed(token) => token,
            Presented::Reused(token) => {
                tracing::warn!(login = token.operator, "a refresh token was used twice; its sign-in is ended");
                return Err(Fault::NotSignedIn);
            }
            Presented::Unknown => return Err(Fault::NotSignedIn),
        };
        match self.store.find_operator(&token.operator).await? {
            Some(operator) if credential_of(&operator) == token.credential => {
                self.issue(&operator, Some(token.family)).await
            }
            Some(_) | None => {
                self.store.end_refresh_family(&hash).await?;
                Err(Fault::NotSignedIn)
            }
        }
    }

    /// Ends the sign-in that a refresh token belongs to; one that is no more is fine.
    pub async fn sign_out(&self, refresh_token: &str) -> Result<(), Fault> {
        Ok(self.store.end_refresh_family(&hash_of(refresh_token)).await?)
    }

    /// Who an access token speaks for. `peer` is where the request comes from.
    ///
    /// # Errors
    ///
    /// [`Fault::NotSignedIn`] for a token that is not genuine, expired, of another installation, from before a change
    /// of the password, or of an operator who is no more; or the store's.
    pub async fn bearer_of(&self, access_token: &str, peer: Option<&str>) -> Result<Bearer, Fault> {
        let secret = self.keys.token_secret();
        let claims = tokens::verify(secret, &self.identity.installation_id, access_token, self.clock.now())
            .ok_or(Fault::NotSignedIn)?;
        let operator = self.store.find_operator(&claims.sub).await?.ok_or(Fault::NotSignedIn)?;
        if credential_of(&operator) != claims.cred {
            return Err(Fault::NotSignedIn);
        }
        let expires_at = OffsetDateTime::from_unix_timestamp(claims.exp).map_err(|_| Fault::NotSignedIn)?;
        let actor = Actor { login: operator.login.clone(), peer: peer.map(str::to_owned) };
        Ok(Bearer { actor, operator: model_of(&operator), expires_at })
    }
}

fn model_of(operator: &OperatorRecord) -> Operator {
    Operator {
        login: operator.login.clone(),
        name: operator.name.clone(),
        must_change_password: operator.must_change_password,
    }
}

/// Names an operator's password without saying anything about it.
fn credential_of(operator: &OperatorRecord) -> String {
    hash_of(&operator.password_hash)[..16].to_owned()
}

fn hash_of(text: &str) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}
