//! Single events: written to either database, read from both as one list.

use crate::db::{
    Database, Store, StoreError, Transaction,
    columns::{count, number},
    sql::{Builder, Value},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rows in one insert; each has nine values, of which a statement may hold some thirty thousand.
const ROWS_AT_ONCE: usize = 500;

/// An event on record. Also what servers tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Who logged it.
    pub device_id: u32,
    /// In which ring: 32 hexadecimal digits.
    pub ring: String,
    /// Its number there.
    pub id: u64,
    /// When, by the device's clock.
    pub at: String,
    /// What, as the vendor numbers it.
    pub code: u32,
    /// Who was at the door, empty if nobody.
    pub user_id: String,
    /// More about it.
    pub detail: String,
    /// When a server got it.
    pub received_at: String,
    /// Which one.
    pub received_by: String,
}

/// A place in the list of events, newest first: time, device, ring, id.
pub type EventMark = (String, u32, String, u64);

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only this device's.
    pub device: Option<u32>,
    /// Only this code.
    pub code: Option<u32>,
    /// Not older.
    pub since: Option<String>,
    /// Only those after this place.
    pub after: Option<EventMark>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    device_id: i64,
    ring: String,
    id: i64,
    at: String,
    code: i64,
    user_id: String,
    detail: String,
    received_at: String,
    received_by: String,
}

impl TryFrom<Row> for EventRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let record = format!("events {}/{}/{}", row.device_id, row.ring, row.id);
        Ok(Self {
            device_id: number(&record, row.device_id)?,
            id: number(&record, row.id)?,
            code: number(&record, row.code)?,
            ring: row.ring,
            at: row.at,
            user_id: row.user_id,
            detail: row.detail,
            received_at: row.received_at,
            received_by: row.received_by,
        })
    }
}

impl EventRow {
    /// Where it stands in the list.
    #[must_use]
    pub fn mark(&self) -> EventMark {
        (self.at.clone(), self.device_id, self.ring.clone(), self.id)
    }
}

impl Store {
    /// Events of the database and, where this server keeps some of its own, of the local database: newest first, at most `limit`.
    pub async fn list_events(&self, filter: &EventFilter, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let mut found: BTreeMap<EventMark, EventRow> = BTreeMap::new();
        for pool in [self.local().clone(), self.database()] {
            for row in list_in(&pool, filter, limit).await? {
                found.insert(row.mark(), row);
            }
        }
        Ok(found.into_values().rev().take(limit).collect())
    }

    /// How many there are. For a moment after a copy has arrived some of this server's own count twice.
    pub async fn count_events(&self, filter: &EventFilter) -> Result<u64, StoreError> {
        let everywhere = EventFilter { after: None, ..filter.clone() };
        let mut total = 0;
        for pool in [self.local().clone(), self.database()] {
            let mut query = Builder::new("select count(*) from events where 1 = 1");
            narrow(&mut query, &everywhere);
            let (counted,): (i64,) = query.build_as().fetch_one(&pool).await?;
            total += counted.unsigned_abs();
        }
        Ok(total)
    }
}

async fn list_in(pool: &Database, filter: &EventFilter, limit: usize) -> Result<Vec<EventRow>, StoreError> {
    let mut query = Builder::new(
        "select device_id, ring, id, at, code, user_id, detail, received_at, received_by from events where 1 = 1",
    );
    narrow(&mut query, filter);
    query.push(" order by at desc, device_id desc, ring desc, id desc limit ").push_bind(count(limit as u64));
    query.build_as::<Row>().fetch_all(pool).await?.into_iter().map(EventRow::try_from).collect()
}

fn narrow(query: &mut Builder, filter: &EventFilter) {
    if let Some(device) = filter.device {
        query.push(" and device_id = ").push_bind(device);
    }
    if let Some(code) = filter.code {
        query.push(" and code = ").push_bind(code);
    }
    if let Some(since) = &filter.since {
        query.push(" and at >= ").push_bind(since.clone());
    }
    if let Some((at, device, ring, id)) = &filter.after {
        query.push(" and (at, device_id, ring, id) < (").push_bind(at.clone());
        query.push(", ").push_bind(*device).push(", ").push_bind(ring.clone());
        query.push(", ").push_bind(count(*id)).push(")");
    }
}

/// Writes events in the caller's transaction; those that are there already stand.
pub(crate) async fn insert_rows(connection: &mut Transaction, rows: &[EventRow]) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut query = Builder::new(
            "insert into events (device_id, ring, id, at, code, user_id, detail, received_at, received_by) values (",
        );
        for (row, nth) in rows.iter().zip(0_usize..) {
            query.push(if nth == 0 { "" } else { "), (" }).push_list(values_of(row));
        }
        query.push(") on conflict (device_id, ring, id) do nothing");
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

fn values_of(row: &EventRow) -> [Value; 9] {
    [
        row.device_id.into(),
        (&row.ring).into(),
        count(row.id).into(),
        (&row.at).into(),
        row.code.into(),
        (&row.user_id).into(),
        (&row.detail).into(),
        (&row.received_at).into(),
        (&row.received_by).into(),
    ]
}
