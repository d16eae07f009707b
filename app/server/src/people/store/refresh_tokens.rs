//! Refresh tokens of this server, by their hashes.

use crate::db::{Store, StoreError, begin, sql};

/// A refresh token on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// SHA-256 of the token, hexadecimal.
    pub hash: String,
    /// All tokens descended from one sign-in.
    pub family: String,
    /// The operator's login.
    pub operator: String,
    /// Names the password that was signed in with.
    pub credential: String,
    /// When it was made.
    pub issued_at: String,
    /// When it ends.
    pub expires_at: String,
}

/// What a presented refresh token turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Good, and used up by this.
    Good(RefreshToken),
    /// Used up, but so lately that two requests of one browser explain it.
    JustUsed(RefreshToken),
    /// Used a second time: its whole family is ended.
    Reused(RefreshToken),
    /// Unknown, ended or expired.
    Unknown,
}

#[derive(sqlx::FromRow)]
struct Row {
    hash: String,
    family: String,
    operator: String,
    credential: String,
    issued_at: String,
    expires_at: String,
    used_at: Option<String>,
}

impl Store {
    /// Puts a new token on record, and forgets those that expired before it was made.
    pub async fn insert_refresh_token(&self, token: &RefreshToken) -> Result<(), StoreError> {
        let mut transaction = begin(self.local()).await?;
        sql::query("delete from refresh_tokens where expires_at <= $1")
            .bind(&token.issued_at)
            .execute(&mut transaction)
            .await?;
        sql::query(
            "insert into refresh_tokens (hash, family, operator, credential, issued_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&token.hash)
        .bind(&token.family)
        .bind(&token.operator)
        .bind(&token.credential)
        .bind(&token.issued_at)
        .bind(&token.expires_at)
        .execute(&mut transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Uses a token up at `now`; one that was used before `grace_from` ends its family.
    pub async fn present_refresh_token(
        &self,
        hash: &str,
        now: &str,
        grace_from: &str,
    ) -> Result<Presented, StoreError> {
        let mut transaction = begin(self.local()).await?;
        let row: Option<Row> = sql::query_as(
            "select hash, family, operator, credential, issued_at, expires_at, used_at
             from refresh_tokens where hash = $1 and expires_at > $2",
        )
        .bind(hash)
        .bind(now)
        .fetch_optional(&mut transaction)
        .await?;
        let Some(row) = row else { return Ok(Presented::Unknown) };
        let used_at = row.used_at;
        let token = RefreshToken {
            hash: row.hash,
            family: row.family,
            operator: row.operator,
            credential: row.credential,
            issued_at: row.issued_at,
            expires_at: row.expires_at,
        };
        let presented = match used_at {
            None => {
                sql::query("update refresh_tokens set used_at = $1 where hash = $2")
                    .bind(now)
                    .bind(hash)
                    .execute(&mut transaction)
                    .await?;
                Presented::Good(token)
            }
            Some(used_at) if used_at.as_str() > grace_from => Presented::JustUsed(token),
            Some(_) => {
                sql::query("delete from refresh_tokens where family = $1")
                    .bind(&token.family)
                    .execute(&mut transaction)
                    .await?;
                Presented::Reused(token)
            }
        };
        transaction.commit().await?;
        Ok(presented)
    }

    /// Ends the sign-in that a token belongs to; an unknown token is none.
    pub async fn end_refresh_family(&self, hash: &str) -> Result<(), StoreError> {
        sql::query("delete from refresh_tokens where family in (select family from refresh_tokens where hash = $1)")
            .bind(hash)
            .execute(self.local())
            .await?;
        Ok(())
    }

    /// Ends all sign-ins of an operator on this server.
    pub async fn end_refresh_tokens_of(&self, operator: &str) -> Result<(), StoreError> {
        sql::query("delete from refresh_tokens where operator = $1").bind(operator).execute(self.local()).await?;
        Ok(())
    }
}
