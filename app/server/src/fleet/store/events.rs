//! Events as devices hand them over: each taken in once, and answered for up to where none is missing.

use super::{EventRow, event_rows::insert_rows};
use crate::{
    clock::text_of_unix_ms,
    db::{
        Database, Store, StoreError, Transaction, begin,
        columns::{count, number},
        sql,
    },
};
use gateway::wire::{EventUpload, RingId};
use std::sync::Arc;

/// Where a server keeps the events it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventPlace {
    /// The installation's records: on the active server.
    Database,
    /// This server's own records, on top of a copy of the database: on a standby.
    Local,
}

/// What a device handed over.
#[derive(Clone, Debug)]
pub struct EventArrival {
    /// Which device.
    pub device: u32,
    /// What.
    pub upload: Arc<EventUpload>,
    /// When.
    pub at: String,
    /// To which server.
    pub server_id: String,
}

/// How far a ring is held in one database.
#[derive(Clone, Copy, Debug, Default, sqlx::FromRow)]
struct Held {
    watermark: i64,
    newest: i64,
    /// In the local database: what was counted on the database to hold.
    base: i64,
}

impl Store {
    /// Up to which id all events of a ring are held here, or known to be gone.
    pub async fn event_watermark(&self, place: EventPlace, device: u32, ring: RingId) -> Result<u64, StoreError> {
        let ring = ring.to_string();
        let database = watermark_in(&self.database(), device, &ring).await?;
        let watermark = match place {
            EventPlace::Database => database,
            EventPlace::Local => start_of(database, held(self.local(), place, device, &ring).await?).0,
        };
        number("event_rings", watermark)
    }

    /// Takes in what goes on from each ring's watermark, all in one transaction. The watermarks after each upload.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; nothing was taken in then.
    pub async fn store_events(&self, place: EventPlace, arrivals: &[EventArrival]) -> Result<Vec<u64>, StoreError> {
        let pool = match place {
            EventPlace::Database => self.database(),
            EventPlace::Local => self.local().clone(),
        };
        let mut floors = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            floors.push(match place {
                EventPlace::Database => 0,
                EventPlace::Local => {
                    watermark_in(&self.database(), arrival.device, &arrival.upload.ring().to_string()).await?
                }
            });
        }
        let mut transaction = begin(&pool).await?;
        let mut watermarks = Vec::with_capacity(arrivals.len());
        for (arrival, floor) in arrivals.iter().zip(floors) {
            watermarks.push(take(&mut transaction, place, floor, arrival).await?);
        }
        transaction.commit().await?;
        Ok(watermarks)
    }
}

/// Takes one upload in; the ring's watermark after it. `floor` is what the database holds, for the local database.
async fn take(
    connection: &mut Transaction,
    place: EventPlace,
    floor: i64,
    arrival: &EventArrival,
) -> Result<u64, StoreError> {
    let EventArrival { device, upload, at, .. } = arrival;
    let ring = upload.ring().to_string();
    let known = held(&mut *connection, place, *device, &ring).await?;
    let (start, base) = match place {
        EventPlace::Database => (known.map_or(0, |known| known.watermark), 0),
        EventPlace::Local => start_of(floor, known),
    };
    let watermark = number("event_rings", start)?;
    let mut after = Held { watermark: start, newest: known.map_or(start, |known| known.newest), base };
    let mut replaces = None;
    match (&**upload, upload.continues(watermark)) {
        (EventUpload::NewRing { replaces: old, .. }, _) => replaces = Some(old.to_string()),
        (_, None) => return Ok(watermark),
        (EventUpload::Events { .. }, Some(known)) => insert_rows(connection, &rows_of(arrival, known)).await?,
        (EventUpload::Gap { .. }, Some(_)) => {
            let gap = (watermark + 1, upload.last_id());
            insert_gap(connection, *device, &ring, gap, at).await?;
        }
    }
    if replaces.is_none() {
        let last = count(upload.last_id());
        after.watermark = if after.newest > last { extend(connection, *device, &ring, last).await? } else { last };
        after.newest = after.newest.max(last);
    }
    put_ring(connection, *device, &ring, after, replaces.as_deref(), at).await?;
    if place == EventPlace::Local {
        sql::query("update event_rings set base = $1 where device_id = $2 and ring = $3")
            .bind(after.base)
            .bind(device)
            .bind(&ring)
            .execute(connection)
            .await?;
    }
    number("event_rings", after.watermark)
}

/// The events of an upload after the first `known`.
fn rows_of(arrival: &EventArrival, known: u64) -> Vec<EventRow> {
    let EventUpload::Events { ring, first_id, events } = &*arrival.upload else { return Vec::new() };
    let numbered = (*first_id..).zip(events).skip(usize::try_from(known).unwrap_or(usize::MAX));
    numbered
        .map(|(id, event)| EventRow {
            device_id: arrival.device,
            ring: ring.to_string(),
            id,
            at: text_of_unix_ms(event.time_unix_ms),
            code: event.code,
            user_id: event.user_id.clone(),
            detail: event.detail.clone(),
            received_at: arrival.at.clone(),
            received_by: arrival.server_id.clone(),
        })
        .collect()
}

/// Watermark and base of a ring on a standby. Its local database goes on from a database that held `base`; under a database that holds
/// less, what lies between may be missing.
fn start_of(database: i64, local: Option<Held>) -> (i64, i64) {
    match local {
        Some(local) if database >= local.base => (database.max(local.watermark), local.base),
        Some(_) | None => (database, database),
    }
}

async fn watermark_in(pool: &Database, device: u32, ring: &str) -> Result<i64, StoreError> {
    let found = sql::query_scalar("select watermark from event_rings where device_id = $1 and ring = $2")
        .bind(device)
        .bind(ring)
        .fetch_optional(pool)
        .await?;
    Ok(found.unwrap_or(0))
}

async fn held(
    on: impl Into<sql::On<'_>>,
    place: EventPlace,
    device: u32,
    ring: &str,
) -> Result<Option<Held>, StoreError> {
    let query = match place {
        EventPlace::Database => {
            "select watermark, newest, cast(0 as bigint) as base from event_rings where device_id = $1 and ring = $2"
        }
        EventPlace::Local => "select watermark, newest, base from event_rings where device_id = $1 and ring = $2",
    };
    Ok(sql::query_as(query).bind(device).bind(ring).fetch_optional(on).await?)
}

async fn put_ring(
    connection: &mut Transaction,
    device: u32,
    ring: &str,
    held: Held,
    replaces: Option<&str>,
    at: &str,
) -> Result<(), StoreError> {
    sql::query(
        "insert into event_rings (device_id, ring, watermark, newest, replaces, first_seen)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (device_id, ring) do update set watermark = excluded.watermark, newest = excluded.newest,
         replaces = coalesce(event_rings.replaces, excluded.replaces)",
    )
    .bind(device)
    .bind(ring)
    .bind(held.watermark)
    .bind(held.newest)
    .bind(replaces)
    .bind(at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Records that the events from the first id to the last are gone.
pub(crate) async fn insert_gap(
    connection: &mut Transaction,
    device: u32,
    ring: &str,
    (first_id, last_id): (u64, u64),
    at: &str,
) -> Result<(), StoreError> {
    sql::query(
        "insert into event_gaps (device_id, ring, first_id, last_id, reported_at) values ($1, $2, $3, $4, $5)
         on conflict (device_id, ring, first_id, last_id) do nothing",
    )
    .bind(device)
    .bind(ring)
    .bind(count(first_id))
    .bind(count(last_id))
    .bind(at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Events and gaps of a ring came in from elsewhere, up to `newest`: moves its watermark as far as nothing is missing.
pub(crate) async fn settle(
    connection: &mut Transaction,
    device: u32,
    ring: &str,
    newest: u64,
    replaces: Option<&str>,
    at: &str,
) -> Result<(), StoreError> {
    let known = held(&mut *connection, EventPlace::Database, device, ring).await?.unwrap_or_default();
    let watermark = extend(connection, device, ring, known.watermark).await?;
    let after = Held { watermark, newest: known.newest.max(count(newest)), base: 0 };
    put_ring(connection, device, ring, after, replaces, at).await
}

/// How far events and gaps go on after an id without a hole.
async fn extend(connection: &mut Transaction, device: u32, ring: &str, from: i64) -> Result<i64, StoreError> {
    const STEP: i64 = 1000;
    let mut reached = from;
    loop {
        let before = reached;
        let gap: Option<i64> = sql::query_scalar(
            "select max(last_id) from event_gaps
             where device_id = $1 and ring = $2 and first_id <= $3 + 1 and last_id > $3",
        )
        .bind(device)
        .bind(ring)
        .bind(reached)
        .fetch_one(&mut *connection)
        .await?;
        reached = gap.unwrap_or(reached);
        let ids: Vec<i64> = sql::query_scalar(
            "select id from events where device_id = $1 and ring = $2 and id > $3 order by id limit $4",
        )
        .bind(device)
        .bind(ring)
        .bind(reached)
        .bind(STEP)
        .fetch_all(&mut *connection)
        .await?;
        for id in ids {
            if id == reached + 1 {
                reached = id;
            }
        }
        if reached == before {
            return Ok(reached);
        }
    }
}

#[cfg(test)]
mod tests;
