//! Failover drills and their reports.

use crate::db::{
    AuditEntry, Store, StoreError,
    audit::insert_audit,
    begin,
    columns::{from_json, number, to_json},
    sql,
};
use model::Drill;

impl Store {
    /// Puts a drill on record as it stands now, with what is to be known of it for good.
    pub async fn put_drill(&self, drill: &Drill, audit: Option<&AuditEntry>) -> Result<(), StoreError> {
        let mut transaction = begin(&self.database()).await?;
        sql::query(
            "insert into drills (id, begun_at, report) values ($1, $2, $3)
             on conflict (id) do update set report = excluded.report",
        )
        .bind(&drill.id)
        .bind(&drill.begun_at)
        .bind(to_json("drills", drill)?)
        .execute(&mut transaction)
        .await?;
        if let Some(audit) = audit {
            insert_audit(&mut transaction, audit).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The newest drills, newest first.
    pub async fn list_drills(&self, limit: u32) -> Result<Vec<Drill>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as("select report from drills order by begun_at desc, id limit $1")
            .bind(limit)
            .fetch_all(&self.database())
            .await?;
        rows.iter().map(|(report,)| from_json("drills", report)).collect()
    }

    /// A drill.
    pub async fn find_drill(&self, id: &str) -> Result<Option<Drill>, StoreError> {
        let report: Option<String> = sql::query_scalar("select report from drills where id = $1")
            .bind(id)
            .fetch_optional(&self.database())
            .await?;
        report.map(|report| from_json("drills", &report)).transpose()
    }

    /// How many events of a device came in since a time, and how many are reported as lost since then.
    pub async fn count_events_since(&self, device: u32, since: &str) -> Result<(u64, u64), StoreError> {
        let (came, lost): (i64, i64) = sql::query_as(
            "select (select count(*) from events where device_id = $1 and received_at >= $2),
                    cast((select coalesce(sum(last_id - first_id + 1), 0) from event_gaps
                          where device_id = $1 and reported_at >= $2) as bigint)",
        )
        .bind(device)
        .bind(since)
        .fetch_one(&self.database())
        .await?;
        Ok((number("events", came)?, number("event_gaps", lost)?))
    }
}
