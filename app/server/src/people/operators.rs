//! Operators and their passwords.

use super::{
    passwords::{check_new, generate_password},
    sign_in::SignedIn,
    store::OperatorRecord,
};
use crate::{
    Service,
    actor::Actor,
    changes::Change,
    db::{AuditEntry, StoreError},
};
use model::{AccountRule, Fault, Missing, Operator, SignInInput, WrongState};

/// The login of the operator that is there from the start.
pub const FIRST_LOGIN: &str = "admin";
/// The longest login, in characters.
const MAX_LOGIN_CHARS: usize = 32;
/// Who the audit trail names where nobody signed in.
const NOBODY: [&str; 2] = ["console", "system"];

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
            password_hash: self.sign_in_guard.passwords.hash(password).await?,
            must_change_password: generated.is_some(),
            serial: String::new(),
        };
        let audit = self.password_audit("system", None, "operator.create", &operator);
        self.store.insert_operator(&operator, &audit).await?;
        self.changed(Change::Database);
        Ok(generated)
    }

    /// Everybody who can sign in, by login.
    pub async fn list_operators(&self) -> Result<Vec<Operator>, Fault> {
        let operators = self.store.list_operators().await?.into_iter();
        let operator = |(login, name, must_change_password)| Operator { login, name, must_change_password };
        Ok(operators.map(operator).collect())
    }

    /// Makes an operator with a generated password, which is returned and must be changed at the first sign-in.
    ///
    /// # Errors
    ///
    /// [`Fault::NotActive`] on a standby, [`Fault::Invalid`] for a login that breaks the rules or is taken, or the store's.
    pub async fn add_operator(&self, actor: &Actor, login: &str) -> Result<String, Fault> {
        self.require_active().await?;
        let login = parse_login(login)?;
        let password = generate_password();
        let operator = OperatorRecord {
            login: login.to_owned(),
            name: login.to_owned(),
            password_hash: self.sign_in_guard.passwords.hash(&password).await?,
            must_change_password: true,
            serial: String::new(),
        };
        let audit = self.password_audit(&actor.login, actor.peer.as_deref(), "operator.create", &operator);
        match self.store.insert_operator(&operator, &audit).await {
            Ok(()) => {}
            Err(StoreError::Exists(_)) => return Err(Fault::field("login", AccountRule::LoginTaken)),
            Err(error) => return Err(error.into()),
        }
        self.changed(Change::Database);
        Ok(password)
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
            if wrong { Fault::field("current_password", AccountRule::CurrentPassword) } else { fault }
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
            return Err(Fault::field("new_password", AccountRule::SamePassword));
        }
        operator.password_hash = self.sign_in_guard.passwords.hash(new).await?;
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
        let missing = || Missing::Operator { login: login.to_owned() };
        let mut operator = self.store.find_operator(login).await?.ok_or_else(missing)?;
        let password = generate_password();
        operator.password_hash = self.sign_in_guard.passwords.hash(&password).await?;
        operator.must_change_password = true;
        self.replace_password(&operator, &actor.login, actor.peer.as_deref(), "operator.reset_password").await?;
        Ok(password)
    }

    /// Removes an operator, on all servers at once. All their sign-ins end.
    ///
    /// # Errors
    ///
    /// [`Fault::NotFound`], [`Fault::NotActive`] on a standby, [`Fault::WrongState`] for the last one, or the store's.
    pub async fn remove_operator(&self, actor: &Actor, login: &str) -> Result<(), Fault> {
        self.require_active().await?;
        let missing = || Missing::Operator { login: login.to_owned() };
        let operator = self.store.find_operator(login).await?.ok_or_else(missing)?;
        let subject = format!("operator {}", operator.login);
        let audit =
            self.audit(actor, "operator.remove", subject, Some(serde_json::json!({ "name": operator.name })), None);
        if !self.store.remove_operator(&operator, &audit).await? {
            return Err(WrongState::LastOperator { login: operator.login }.into());
        }
        tracing::warn!(login = operator.login, by = actor.login, "operator removed");
        self.store.end_refresh_tokens_of(&operator.login).await?;
        self.changed(Change::Database);
        Ok(())
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
            return Err(Missing::Operator { login: operator.login.clone() }.into());
        }
        self.store.end_refresh_tokens_of(&operator.login).await?;
        self.changed(Change::Database);
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

fn parse_login(text: &str) -> Result<&str, Fault> {
    let plain = |c: char| c.is_alphanumeric() || "._-@".contains(c);
    if text.is_empty() || text.chars().count() > MAX_LOGIN_CHARS || !text.chars().all(plain) {
        return Err(Fault::field("login", AccountRule::Login));
    }
    if NOBODY.iter().any(|taken| text.eq_ignore_ascii_case(taken)) {
        return Err(Fault::field("login", AccountRule::LoginReserved));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::PromotionKind,
        fixture::{Room, admin},
    };

    #[tokio::test]
    async fn operators_are_added_once_and_named_as_the_rules_say() {
        let room = Room::active().await;
        let password = room.service.add_operator(&admin(), "eva").await.unwrap();
        let input = SignInInput { login: "EVA".to_owned(), password };
        assert!(room.service.authenticate(&input, None).await.unwrap().must_change_password);
        for bad in ["", "Eva", "a b", "console", "System", &"x".repeat(33)] {
            let refused = room.service.add_operator(&admin(), bad).await;
            assert!(matches!(refused, Err(Fault::Invalid { .. })), "{bad:?}");
        }
        let logins: Vec<String> = room.service.list_operators().await.unwrap().into_iter().map(|o| o.login).collect();
        assert_eq!(logins, ["eva"]);
    }

    #[tokio::test]
    async fn who_was_removed_is_so_on_every_server_whatever_copy_it_has() {
        let room = Room::active().await;
        let password = room.service.add_operator(&admin(), "eva").await.unwrap();
        let alone = room.service.remove_operator(&admin(), "eva").await;
        assert!(
            matches!(&alone, Err(Fault::WrongState(state)) if state.to_string().contains("only operator")),
            "{alone:?}"
        );
        room.service.add_operator(&admin(), "otto").await.unwrap();
        let input = SignInInput { login: "eva".to_owned(), password };
        let signed_in = room.service.sign_in(input.clone(), None).await.unwrap();
        let standby = room.standby().await;
        assert!(standby.service.authenticate(&input, None).await.is_ok());

        room.service.remove_operator(&admin(), "Eva").await.unwrap();
        assert_eq!(room.service.authenticate(&input, None).await, Err(Fault::WrongPassword));
        assert_eq!(room.service.bearer_of(&signed_in.access_token, None).await.err(), Some(Fault::NotSignedIn));
        assert_eq!(room.service.refresh(&signed_in.refresh_token).await.err(), Some(Fault::NotSignedIn));
        let gone = room.service.remove_operator(&admin(), "eva").await;
        assert!(matches!(gone, Err(Fault::NotFound(_))), "{gone:?}");
        standby.service.note_revocations(&room.service.store.list_revocations().await.unwrap()).await.unwrap();
        assert_eq!(
            standby.service.authenticate(&input, None).await,
            Err(Fault::WrongPassword),
            "its copy has them yet"
        );
        let known = standby.service.list_operators().await.unwrap();
        assert!(known.iter().map(|operator| operator.login.as_str()).eq(["otto"]), "{known:?}");
        standby.service.become_active(&admin(), PromotionKind::Takeover, None, None).await.unwrap();
        standby.service.adopt_own_local_database().await.unwrap();
        assert_eq!(standby.service.authenticate(&input, None).await, Err(Fault::WrongPassword));
        standby.service.add_operator(&admin(), "EVA").await.unwrap();

        let password = room.service.add_operator(&admin(), "eva").await.unwrap();
        let again = SignInInput { login: "eva".to_owned(), password };
        assert!(room.service.authenticate(&again, None).await.is_ok(), "somebody else of that login");
    }
}
