//! The people who sign in.

use crate::db::{AuditEntry, Store, StoreError, Transaction, audit::insert_audit, begin, sql};

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
    /// Tells it from an earlier operator of that login; what is revoked when it is removed.
    pub serial: String,
}

impl std::fmt::Debug for OperatorRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatorRecord").field("login", &self.login).finish_non_exhaustive()
    }
}

/// Makes room for another operator of that login, where an older copy had brought back one who was removed.
async fn drop_revoked(transaction: &mut Transaction, login: &str) -> Result<(), StoreError> {
    let known: Option<String> = sql::query_scalar("select created_at from operators where lower(login) = lower($1)")
        .bind(login)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(created_at) = known else { return Ok(()) };
    sql::query(
        "delete from operators where lower(login) = lower($1) and exists (select 1 from revocations where serial = $2)",
    )
    .bind(login)
    .bind(serial_of(login, &created_at))
    .execute(transaction)
    .await?;
    Ok(())
}

fn serial_of(login: &str, created_at: &str) -> String {
    format!("operator {} {created_at}", login.to_lowercase())
}

impl Store {
    /// The operator with that login, in whatever case. One who was removed elsewhere is none, though this copy has them yet.
    pub async fn find_operator(&self, login: &str) -> Result<Option<OperatorRecord>, StoreError> {
        let row: Option<(String, String, String, bool, String)> = sql::query_as(
            "select login, name, password_hash, must_change_password, created_at from operators
             where lower(login) = lower($1)",
        )
        .bind(login)
        .fetch_optional(&self.database())
        .await?;
        let Some((login, name, password_hash, must_change_password, created_at)) = row else { return Ok(None) };
        let serial = serial_of(&login, &created_at);
        let revoked = self.is_revoked(&serial).await?;
        Ok((!revoked).then_some(OperatorRecord { login, name, password_hash, must_change_password, serial }))
    }

    /// Takes an operator out of the database, for good; `false`, with nothing done, if it is the last one or not there.
    pub async fn remove_operator(&self, operator: &OperatorRecord, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
        let removed = sql::query("delete from operators where login = $1 and (select count(*) from operators) > 1")
            .bind(&operator.login)
            .execute(&mut transaction)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        sql::query(
            "insert into revocations (serial, kind, subject, reason, revoked_by, revoked_at)
             values ($1, 'operator', $2, 'the operator was removed', $3, $4) on conflict (serial) do nothing",
        )
        .bind(&operator.serial)
        .bind(&operator.login)
        .bind(&audit.operator)
        .bind(&audit.at)
        .execute(&mut transaction)
        .await?;
        insert_audit(&mut transaction, audit).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Is there anybody who can sign in?
    pub async fn has_operators(&self) -> Result<bool, StoreError> {
        let (count,): (i64,) = sql::query_as("select count(*) from operators").fetch_one(&self.database()).await?;
        Ok(count > 0)
    }

    /// Login and name of each operator, and whether the password must be changed, by login.
    pub async fn list_operators(&self) -> Result<Vec<(String, String, bool)>, StoreError> {
        let all =
            sql::query_as("select login, name, must_change_password, created_at from operators order by lower(login)");
        let all: Vec<(String, String, bool, String)> = all.fetch_all(&self.database()).await?;
        let mut left = Vec::with_capacity(all.len());
        for (login, name, must_change, created_at) in all {
            if !self.is_revoked(&serial_of(&login, &created_at)).await? {
                left.push((login, name, must_change));
            }
        }
        Ok(left)
    }

    /// Puts an operator on record.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] if the login is taken.
    pub async fn insert_operator(&self, operator: &OperatorRecord, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut transaction = begin(&self.database()).await?;
        drop_revoked(&mut transaction, &operator.login).await?;
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
    pub async fn replace_password(&self, operator: &OperatorRecord, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.database()).await?;
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
