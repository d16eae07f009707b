//! Who tried to sign in to this server.

use super::{Store, StoreError, sql};

impl Store {
    /// Notes one attempt.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written.
    pub async fn insert_sign_in(
        &self,
        at: &str,
        login: &str,
        succeeded: bool,
        peer: Option<&str>,
    ) -> Result<(), StoreError> {
        sql::query("insert into sign_ins (at, login, succeeded, peer) values ($1, $2, $3, $4)")
            .bind(at)
            .bind(login)
            .bind(succeeded)
            .bind(peer)
            .execute(self.journal())
            .await?;
        Ok(())
    }

    /// Do both databases answer?
    ///
    /// # Errors
    ///
    /// The first that does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sql::query_scalar::<i64>("select epoch from installation").fetch_optional(&self.book()).await?;
        sql::query_scalar::<i64>("select value from counters").fetch_optional(self.journal()).await?;
        Ok(())
    }
}
