//! The people who sign in.

use super::{AuditEntry, Store, StoreError, audit::insert_audit, begin, sql};

/// An operator on record.
#[derive(Clone, PartialEq, Eq)]
pub struct OperatorRecord {
    /// The name typed at sign-in.
    pub login: String,
    /// The name shown.
    pub name: String,
    /// In PHC format.
    pub password_hash: String,
    /// Nothing else is possible until the password is changed.
    pub must_change_password: bool,
}

impl std::fmt::Debug for OperatorRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatorRecord").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Store {
    /// The operator with that login, in whatever case.
    ///
    /// # Errors
    ///
    /// When the book cannot be read.
    pub async fn find_operator(&self, login: &str) -> Result<Option<OperatorRecord>, StoreError> {
        let row: Option<(String, String, String, bool)> = sql::query_as(
            "select login, name, password_hash, must_change_password from operators where lower(login) = lower($1)",
        )
        .bind(login)
        .fetch_optional(&self.book())
        .await?;
        Ok(row.map(|(login, name, password_hash, must_change_password)| OperatorRecord {
            login,
            name,
            password_hash,
            must_change_password,
        }))
    }

    /// Is there anybody who can sign in?
    ///
    /// # Errors
    ///
    /// When the book cannot be read.
    pub async fn has_operators(&self) -> Result<bool, StoreError> {
        let (count,): (i64,) = sql::query_as("select count(*) from operators").fetch_one(&self.book()).await?;
        Ok(count > 0)
    }

    /// Login and name of each operator, and whether the password must be changed, by login.
    ///
    /// # Errors
    ///
    /// When the book cannot be read.
    pub async fn list_operators(&self) -> Result<Vec<(String, String, bool)>, StoreError> {
        let all = sql::query_as("select login, name, must_change_password from operators order by lower(login)");
        Ok(all.fetch_all(&self.book()).await?)
    }

    /// Puts an operator on record.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] if the login is taken.
    pub async fn insert_operator(&self, operator: &OperatorRecord, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut transaction = begin(&self.book()).await?;
        sql::query(
            "insert into operators (login, name, password_hash, must_change_password, password_changed_at, created_at)
             values ($1, $2, $3, $4, $5, $5)",
        )
        .bind(&operator.login)
        .bind(&operator.name)
        .bind(&operator.password_hash)
        .bind(operator.must_change_password)
        .bind(&audit.at)
        .execute(&mut transaction)
        .await?;
        insert_audit(&mut transaction, audit).await?;
        Ok(transaction.commit().await?)
    }

    /// Replaces an operator's password; `false` if there is no such operator.
    ///
    /// # Errors
    ///
    /// When the book cannot be written.
    pub async fn replace_password(&self, operator: &OperatorRecord, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.book()).await?;
        let done = sql::query(
            "update operators set password_hash = $1, must_change_password = $2, password_changed_at = $3
             where login = $4",
        )
        .bind(&operator.password_hash)
        .bind(operator.must_change_password)
        .bind(&audit.at)
        .bind(&operator.login)
        .execute(&mut transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
