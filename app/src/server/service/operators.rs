//! Operators and their passwords.

use super::{
    Actor, Service,
    passwords::{check_new, generate_password},
    sign_in::SignedIn,
};
use crate::{
    model::{Fault, SignInInput},
    server::{
        changes::Change,
        store::{AuditEntry, OperatorRecord},
    },
};

/// The login of the operator that is there from the start.
pub const FIRST_LOGIN: &str = "admin";

impl Service {
    /// Makes the first operator if there is none, with the password given or a generated one, which is returned and
    /// must be changed at the first sign-in.
    ///
    /// # Errors
    ///
    /// [`Fault::Invalid`] for a given password that breaks the rules; the store's.
    pub async fn ensure_first_operator(&self, given: Option<&str>) -> Result<Option<String>, Fault> {
        if let Some(given) = given {
            check_new("PORTAL_ADMIN_PASSWORD", given).map_err(|error| Fault::Invalid { errors: vec![error] })?;
        }
        if self.store.has_operators().await? {
            return Ok(None);
        }
        let generated = given.is_none().then(generate_password);
        let password = given.or(generated.as_deref()).unwrap_or_default();
        let operator = OperatorRecord {
            login: FIRST_LOGIN.to_owned(),
            name: "Administrator".to_owned(),
            password_hash: self.doorman.passwords.hash(password).await?,
            must_change_password: generated.is_some(),
        };
        let audit = self.password_audit("system", None, "operator.create", &operator);
        self.store.insert_operator(&operator, &audit).await?;
        self.changed(Change::Book);
        Ok(generated)
    }

    /// Replaces the password of the operator who asks. All their sign-ins end; the answer is a new one.
    ///
    /// # Errors
    ///
    /// [`Fault::NotActive`] on a standby, [`Fault::Invalid`] at `current_password` or `new_password`,
    /// [`Fault::TooManyAttempts`], or the store's.
    pub async fn change_password(&self, actor: &Actor, current: &str, new: &str) -> Result<SignedIn, Fault> {
        let input = SignInInput { login: actor.login.clone(), password: current.to_owned() };
        self.change_password_of(&input, new, actor.peer.as_deref()).await.map_err(|fault| {
            // Who is signed in would take a 401 for the end of the sign-in.
            let wrong = fault == Fault::WrongPassword;
            if wrong { Fault::field("current_password", "This is not your current password.") } else { fault }
        })
    }

    /// Replaces the password of an operator who proves to know the current one. `peer` is where the request comes
    /// from.
    ///
    /// # Errors
    ///
    /// [`Fault::WrongPassword`], and those of [`change_password`](Self::change_password).
    pub async fn change_password_of(
        &self,
        input: &SignInInput,
        new: &str,
        peer: Option<&str>,
    ) -> Result<SignedIn, Fault> {
        self.require_active().await?;
        check_new("new_password", new).map_err(|error| Fault::Invalid { errors: vec![error] })?;
        let mut operator = self.authenticate(input, peer).await?;
        if new == input.password {
            return Err(Fault::field("new_password", "The new password is the same as the current one."));
        }
        operator.password_hash = self.doorman.passwords.hash(new).await?;
        operator.must_change_password = false;
        self.replace_password(&operator, &operator.login, peer, "operator.change_password").await?;
        self.issue(&operator, None).await
    }

    /// Gives an operator a generated password, which is returned and must be changed at the next sign-in.
    ///
    /// # Errors
    ///
    /// [`Fault::NotFound`], [`Fault::NotActive`] on a standby, or the store's.
    pub async fn reset_operator(&self, actor: &Actor, login: &str) -> Result<String, Fault> {
        self.require_active().await?;
        let missing = || Fault::NotFound { what: format!("operator {login}") };
        let mut operator = self.store.find_operator(login).await?.ok_or_else(missing)?;
        let password = generate_password();
        operator.password_hash = self.doorman.passwords.hash(&password).await?;
        operator.must_change_password = true;
        self.replace_password(&operator, &actor.login, actor.peer.as_deref(), "operator.reset_password").await?;
        Ok(password)
    }

    async fn replace_password(
        &self,
        operator: &OperatorRecord,
        by: &str,
        peer: Option<&str>,
        action: &'static str,
    ) -> Result<(), Fault> {
        let audit = self.password_audit(by, peer, action, operator);
        if !self.store.replace_password(operator, &audit).await? {
            return Err(Fault::NotFound { what: format!("operator {}", operator.login) });
        }
        self.store.end_refresh_tokens_of(&operator.login).await?;
        self.changed(Change::Book);
        Ok(())
    }

    fn password_audit(
        &self,
        by: &str,
        peer: Option<&str>,
        action: &'static str,
        operator: &OperatorRecord,
    ) -> AuditEntry {
        AuditEntry {
            at: self.clock.now_text(),
            operator: by.to_owned(),
            peer: peer.map(str::to_owned),
            action,
            subject: format!("operator {}", operator.login),
            before: None,
            after: Some(serde_json::json!({ "must_change_password": operator.must_change_password })),
        }
    }
}
