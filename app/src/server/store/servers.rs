//! The installation's servers, as the book has them.

use super::{Store, StoreError, sql};

/// A server on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) struct ServerRow {
    pub(in crate::server) id: String,
    pub(in crate::server) name: String,
    /// 1 is the server that made the installation.
    pub(in crate::server) number: i64,
}

/// A new server's part of the book.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct NewServer<'a> {
    pub(in crate::server) id: &'a str,
    pub(in crate::server) name: &'a str,
    /// Hexadecimal.
    pub(in crate::server) certificate_serial: &'a str,
}

impl Store {
    /// Puts the server that made the installation on record, unless it is.
    pub(in crate::server) async fn insert_first_server(
        &self,
        first: NewServer<'_>,
        now: &str,
    ) -> Result<(), StoreError> {
        sql::query(
            "insert into servers (id, name, number, certificate_serial, joined_at)
             values ($1, $2, 1, $3, $4) on conflict do nothing",
        )
        .bind(first.id)
        .bind(first.name)
        .bind(first.certificate_serial)
        .bind(now)
        .execute(&self.book())
        .await?;
        Ok(())
    }

    /// In the order in which they joined.
    pub(in crate::server) async fn servers(&self) -> Result<Vec<ServerRow>, StoreError> {
        let rows: Vec<(String, String, i64)> =
            sql::query_as("select id, name, number from servers order by number").fetch_all(&self.book()).await?;
        Ok(rows.into_iter().map(|(id, name, number)| ServerRow { id, name, number }).collect())
    }

    /// The newest change of `server_id`'s sightings that is known here; 0 if none is.
    pub(in crate::server) async fn newest_sighting_version(&self, server_id: &str) -> Result<u64, StoreError> {
        let newest: Option<i64> = sql::query_scalar("select max(version) from sightings where server_id = $1")
            .bind(server_id)
            .fetch_one(self.journal())
            .await?;
        Ok(newest.unwrap_or_default().unsigned_abs())
    }
}
