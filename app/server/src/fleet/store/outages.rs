//! Times in which another server did not answer.

use crate::db::{
    Store, StoreError,
    columns::{from_json, to_json},
    sql,
};
use model::Outage;

impl Store {
    /// Puts an outage on record as it stands now.
    pub async fn put_outage(&self, outage: &Outage) -> Result<(), StoreError> {
        sql::query(
            "insert into outages (server_id, lost_at, report) values ($1, $2, $3)
             on conflict (server_id, lost_at) do update set report = excluded.report",
        )
        .bind(&outage.server)
        .bind(&outage.lost_at)
        .bind(to_json("outages", outage)?)
        .execute(self.local())
        .await?;
        Ok(())
    }

    /// The newest outages, newest first.
    pub async fn list_outages(&self, limit: u32) -> Result<Vec<Outage>, StoreError> {
        let rows: Vec<(String,)> =
            sql::query_as("select report from outages order by lost_at desc, server_id limit $1")
                .bind(limit)
                .fetch_all(self.local())
                .await?;
        rows.iter().map(|(report,)| from_json("outages", report)).collect()
    }
}
