//! Passwords: what is acceptable, how they are kept, how one is checked without telling who exists.

use argon2::{
    Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{Salt, SaltString},
};
use model::{AccountRule, Fault, FieldError};
use rand::Rng as _;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;

/// The shortest acceptable password, in characters.
pub const MIN_PASSWORD_CHARACTERS: usize = 10;
/// The longest, in bytes, so that nobody makes us hash a novel.
const MAX_PASSWORD_BYTES: usize = 512;
/// Each hash takes 19 MiB while it is computed.
const HASHES_AT_ONCE: usize = 4;
/// Without the letters and digits that look alike.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Hashes and checks passwords, a few at a time.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// Of a password nobody has; checked for logins nobody has.
    decoy: OnceLock<String>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)), decoy: OnceLock::new() }
    }
}

impl Passwords {
    /// The password as it is kept, in PHC format.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Fault> {
        let password = password.to_owned();
        self.in_turn(move || hash(&password)).await?
    }

    /// Does the password belong to `kept`? Without `kept` it takes as long and is always wrong.
    pub(crate) async fn check(&self, password: &str, kept: Option<String>) -> Result<bool, Fault> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Ok(false);
        }
        let exists = kept.is_some();
        let kept = match kept {
            Some(kept) => kept,
            None => self.decoy().await?,
        };
        let password = password.to_owned();
        let fits = self.in_turn(move || verify(&password, &kept)).await??;
        Ok(fits && exists)
    }

    async fn decoy(&self) -> Result<String, Fault> {
        if let Some(decoy) = self.decoy.get() {
            return Ok(decoy.clone());
        }
        let decoy = self.hash(&generate_password()).await?;
        Ok(self.decoy.get_or_init(|| decoy).clone())
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| Fault::Internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "password hashing ended early");
            Fault::Internal
        })
    }
}

/// Checks a new password; `field` is where an error is shown.
pub(crate) fn check_new(field: &str, password: &str) -> Result<(), FieldError> {
    if password.chars().count() < MIN_PASSWORD_CHARACTERS {
        return Err(FieldError::new(field, AccountRule::ShortPassword { least: MIN_PASSWORD_CHARACTERS }));
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(FieldError::new(field, AccountRule::LongPassword { most: MAX_PASSWORD_BYTES }));
    }
    Ok(())
}

/// A random password that is easy to copy from a screen: 80 bits in four groups.
pub(crate) fn generate_password() -> String {
    let mut random = rand::rng();
    let groups: Vec<String> = (0..4)
        .map(|_| (0..4).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect())
        .collect();
    groups.join("-")
}

fn hash(password: &str) -> Result<String, Fault> {
    let salt: [u8; Salt::RECOMMENDED_LENGTH] = rand::random();
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

fn verify(password: &str, kept: &str) -> Result<bool, Fault> {
    let kept = PasswordHash::new(kept).map_err(failed)?;
    match Argon2::default().verify_password(password.as_bytes(), &kept) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: argon2::password_hash::Error) -> Fault {
    tracing::error!(%error, "password hashing failed");
    Fault::Internal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits_and_nobody_has_none() {
        let passwords = Passwords::default();
        let kept = passwords.hash("correct horse").await.unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert_eq!(passwords.check("correct horse", Some(kept.clone())).await, Ok(true));
        assert_eq!(passwords.check("correct horsf", Some(kept.clone())).await, Ok(false));
        assert_eq!(passwords.check("", Some(kept.clone())).await, Ok(false));
        assert_eq!(passwords.check(&"x".repeat(10_000), Some(kept)).await, Ok(false));
        assert_eq!(passwords.check("correct horse", None).await, Ok(false));
    }

    #[test]
    fn a_new_password_is_neither_short_nor_endless() {
        assert!(check_new("new", "123456789").is_err());
        assert!(check_new("new", "1234567890").is_ok());
        assert!(check_new("new", "пароль-ок!").is_ok(), "characters count, not bytes");
        assert!(check_new("new", &"x".repeat(600)).is_err());
    }

    #[test]
    fn generated_passwords_are_long_enough_and_differ() {
        let one = generate_password();
        assert!(check_new("new", &one).is_ok());
        assert_ne!(one, generate_password());
    }
}
