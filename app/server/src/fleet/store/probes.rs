//! What devices found when they last tried servers.

use crate::db::{
    Store, StoreError,
    columns::{from_json, number, to_json},
    sql,
};
use model::{ProbeRow, ProbeTable};

impl Store {
    /// Keeps a device's table in place of the one before.
    pub async fn put_probe(&self, device: u32, table: &ProbeTable) -> Result<(), StoreError> {
        sql::query(
            "insert into probes (device_id, at, rows) values ($1, $2, $3)
             on conflict (device_id) do update set at = excluded.at, rows = excluded.rows",
        )
        .bind(device)
        .bind(&table.at)
        .bind(to_json("probes", &table.rows)?)
        .execute(self.local())
        .await?;
        Ok(())
    }

    /// A device's newest table.
    pub async fn find_probe(&self, device: u32) -> Result<Option<ProbeTable>, StoreError> {
        let row: Option<(String, String)> = sql::query_as("select at, rows from probes where device_id = $1")
            .bind(device)
            .fetch_optional(self.local())
            .await?;
        row.map(|(at, rows)| Ok(ProbeTable { at, rows: from_json("probes", &rows)? })).transpose()
    }

    /// The rows of every device's newest table.
    pub async fn list_probe_rows(&self) -> Result<Vec<(u32, Vec<ProbeRow>)>, StoreError> {
        let rows: Vec<(i64, String)> =
            sql::query_as("select device_id, rows from probes").fetch_all(self.local()).await?;
        rows.into_iter().map(|(id, rows)| Ok((number("probes", id)?, from_json("probes", &rows)?))).collect()
    }
}
