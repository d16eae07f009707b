//! Who tried to sign in: to this server, and to others as those told.

use crate::db::{
    Database, Store, StoreError, begin,
    columns::{count, number},
    sql,
    sql::Builder,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An attempt. Number and time together name it among those of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct SignInRow {
    /// Counts on the server that was to be signed in to.
    pub number: i64,
    /// When.
    pub at: String,
    /// As whom.
    pub login: String,
    /// Whether the password was right.
    pub succeeded: bool,
    /// Where the request came from.
    pub peer: Option<String>,
}

/// A place in the list of attempts, newest first: time, server, number.
pub type SignInMark = (String, String, i64);

impl Store {
    /// Notes one attempt.
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
            .execute(self.local())
            .await?;
        Ok(())
    }

    /// Attempts at this server, whose id is `own`, and at others, each with its place: newest first, at most `limit`, only
    /// those after a place.
    pub async fn list_sign_ins(
        &self,
        own: &str,
        after: Option<&SignInMark>,
        limit: usize,
    ) -> Result<Vec<(SignInMark, SignInRow)>, StoreError> {
        let mut found: BTreeMap<SignInMark, SignInRow> = BTreeMap::new();
        let own_rows = "select id as number, at, login, succeeded, peer, ";
        let mut query = Builder::new(own_rows);
        query.push_bind(own).push(" as server_id from sign_ins where 1 = 1");
        if let Some((at, server, number)) = after {
            // The time alone finds its place in the index.
            query.push(" and at <= ").push_bind(at).push(" and (at, ").push_bind(own).push(", id) < (");
            query.push_bind(at).push(", ").push_bind(server).push(", ").push_bind(*number).push(")");
        }
        query.push(" order by at desc, id desc limit ").push_bind(count(limit as u64));
        let mut rows: Vec<Placed> = query.build_as().fetch_all(self.local()).await?;
        let mut query =
            Builder::new("select number, at, login, succeeded, peer, server_id from told_sign_ins where 1 = 1");
        if let Some((at, server, number)) = after {
            query.push(" and (at, server_id, number) < (").push_bind(at);
            query.push(", ").push_bind(server).push(", ").push_bind(*number).push(")");
        }
        query.push(" order by at desc, server_id desc, number desc limit ").push_bind(count(limit as u64));
        rows.append(&mut query.build_as().fetch_all(self.local()).await?);
        for Placed { server_id, row } in rows {
            found.insert((row.at.clone(), server_id, row.number), row);
        }
        Ok(found.into_iter().rev().take(limit).collect())
    }

    /// How many there are.
    pub async fn count_sign_ins(&self) -> Result<u64, StoreError> {
        let kept: i64 =
            sql::query_scalar("select (select count(*) from sign_ins) + (select count(*) from told_sign_ins)")
                .fetch_one(self.local())
                .await?;
        number("sign_ins", kept)
    }

    /// Do both databases answer?
    ///
    /// # Errors
    ///
    /// The first that does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sql::query_scalar::<i64>("select epoch from installation").fetch_optional(&self.database()).await?;
        sql::query_scalar::<i64>("select value from counters").fetch_optional(self.local()).await?;
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct Placed {
    server_id: String,
    #[sqlx(flatten)]
    row: SignInRow,
}

/// Attempts at this server, with a higher number than `since`.
pub(crate) async fn list_own_since(local: &Database, since: u64, limit: usize) -> Result<Vec<SignInRow>, StoreError> {
    let rows = sql::query_as(
        "select id as number, at, login, succeeded, peer from sign_ins where id > $1 order by id limit $2",
    )
    .bind(count(since))
    .bind(count(limit as u64));
    Ok(rows.fetch_all(local).await?)
}

/// Keeps attempts at another server; those that are there already stand.
pub(crate) async fn keep(local: &Database, server: &str, rows: &[SignInRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut transaction = begin(local).await?;
    for row in rows {
        sql::query(
            "insert into told_sign_ins (server_id, number, at, login, succeeded, peer)
             values ($1, $2, $3, $4, $5, $6) on conflict (server_id, number, at) do nothing",
        )
        .bind(server)
        .bind(row.number)
        .bind(&row.at)
        .bind(&row.login)
        .bind(row.succeeded)
        .bind(&row.peer)
        .execute(&mut transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The highest number of another server's that is held.
pub(crate) async fn newest_of(local: &Database, server: &str) -> Result<u64, StoreError> {
    let newest: i64 = sql::query_scalar("select coalesce(max(number), 0) from told_sign_ins where server_id = $1")
        .bind(server)
        .fetch_one(local)
        .await?;
    number("told_sign_ins", newest)
}
