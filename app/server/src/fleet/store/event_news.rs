//! Events on their way from a standby's local database to the database of the active server.

use super::{
    EventRow,
    event_rows::{Row, insert_rows},
    events::{insert_gap, settle},
};
use crate::db::{
    Store, StoreError, Transaction, begin,
    columns::{count, number},
    sql,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Events that are told at once; a message of them stays far below what servers accept.
const ROWS_AT_ONCE: i64 = 2000;

/// What a standby was given and the active server does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventNews {
    /// Events, ring by ring in their order.
    pub events: Vec<EventRow>,
    /// What was reported as gone.
    pub gaps: Vec<EventGap>,
    /// Rings that were opened in place of others.
    pub rings: Vec<ReplacedRing>,
}

/// Events that a device's ring has overwritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventGap {
    /// Whose.
    pub device_id: u32,
    /// In which ring.
    pub ring: String,
    /// The first that is gone.
    pub first_id: u64,
    /// The last.
    pub last_id: u64,
    /// When the device said so.
    pub reported_at: String,
}

/// A ring that was opened in place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedRing {
    /// Whose.
    pub device_id: u32,
    /// The new ring.
    pub ring: String,
    /// The old one.
    pub replaces: String,
    /// When the device said so.
    pub first_seen: String,
}

impl EventNews {
    /// Nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.gaps.is_empty() && self.rings.is_empty()
    }

    /// There is probably more where this came from.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.events.len() as u64 >= ROWS_AT_ONCE.unsigned_abs()
    }
}

impl Store {
    /// How many events this server was given that the active one does not have.
    pub async fn count_events_to_tell(&self) -> Result<u64, StoreError> {
        let kept: i64 =
            sql::query_scalar("select count(*) from events where forwarded_at is null").fetch_one(self.local()).await?;
        number("events", kept)
    }

    /// What this server was given and the active one does not have, as much as is told at once.
    pub async fn list_event_news(&self) -> Result<EventNews, StoreError> {
        let events = sql::query_as::<Row>(
            "select device_id, ring, id, at, code, user_id, detail, received_at, received_by from events
             where forwarded_at is null order by device_id, ring, id limit $1",
        )
        .bind(ROWS_AT_ONCE)
        .fetch_all(self.local())
        .await?;
        let gaps: Vec<(i64, String, i64, i64, String)> = sql::query_as(
            "select device_id, ring, first_id, last_id, reported_at from event_gaps where forwarded_at is null limit $1",
        )
        .bind(ROWS_AT_ONCE)
        .fetch_all(self.local())
        .await?;
        let rings: Vec<(i64, String, String, String)> = sql::query_as(
            "select device_id, ring, replaces, first_seen from event_rings
             where replaces is not null and forwarded_at is null limit $1",
        )
        .bind(ROWS_AT_ONCE)
        .fetch_all(self.local())
        .await?;
        let gap = |(device_id, ring, first_id, last_id, reported_at): (i64, String, i64, i64, String)| {
            Ok::<_, StoreError>(EventGap {
                device_id: number("event_gaps", device_id)?,
                ring,
                first_id: number("event_gaps", first_id)?,
                last_id: number("event_gaps", last_id)?,
                reported_at,
            })
        };
        let ring = |(device_id, ring, replaces, first_seen): (i64, String, String, String)| {
            Ok::<_, StoreError>(ReplacedRing {
                device_id: number("event_rings", device_id)?,
                ring,
                replaces,
                first_seen,
            })
        };
        Ok(EventNews {
            events: events.into_iter().map(EventRow::try_from).collect::<Result<_, _>>()?,
            gaps: gaps.into_iter().map(gap).collect::<Result<_, _>>()?,
            rings: rings.into_iter().map(ring).collect::<Result<_, _>>()?,
        })
    }

    /// The active server has these.
    pub async fn mark_events_forwarded(&self, news: &EventNews, at: &str) -> Result<(), StoreError> {
        let mut transaction = begin(self.local()).await?;
        for event in &news.events {
            sql::query("update events set forwarded_at = $1 where device_id = $2 and ring = $3 and id = $4")
                .bind(at)
                .bind(event.device_id)
                .bind(&event.ring)
                .bind(count(event.id))
                .execute(&mut transaction)
                .await?;
        }
        for gap in &news.gaps {
            sql::query(
                "update event_gaps set forwarded_at = $1
                 where device_id = $2 and ring = $3 and first_id = $4 and last_id = $5",
            )
            .bind(at)
            .bind(gap.device_id)
            .bind(&gap.ring)
            .bind(count(gap.first_id))
            .bind(count(gap.last_id))
            .execute(&mut transaction)
            .await?;
        }
        for ring in &news.rings {
            sql::query("update event_rings set forwarded_at = $1 where device_id = $2 and ring = $3")
                .bind(at)
                .bind(ring.device_id)
                .bind(&ring.ring)
                .execute(&mut transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Takes into the database what another server was given; what is there already stands.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; nothing was taken in then.
    pub async fn merge_events(&self, news: &EventNews, at: &str) -> Result<(), StoreError> {
        let mut transaction = begin(&self.database()).await?;
        insert_rows(&mut transaction, &news.events).await?;
        let mut newest: BTreeMap<(u32, &str), u64> = BTreeMap::new();
        for event in &news.events {
            let newest = newest.entry((event.device_id, &event.ring)).or_default();
            *newest = (*newest).max(event.id);
        }
        for gap in &news.gaps {
            let ids = (gap.first_id, gap.last_id);
            insert_gap(&mut transaction, gap.device_id, &gap.ring, ids, &gap.reported_at).await?;
            let newest = newest.entry((gap.device_id, &gap.ring)).or_default();
            *newest = (*newest).max(gap.last_id);
        }
        for ((device, ring), newest) in newest {
            settle(&mut transaction, device, ring, newest, None, at).await?;
        }
        for ring in &news.rings {
            let ReplacedRing { device_id, ring, replaces, first_seen } = ring;
            settle(&mut transaction, *device_id, ring, 0, Some(replaces), first_seen).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Deletes from the local database what the active server has and the copy of its database has brought back.
    ///
    /// # Errors
    ///
    /// When a database cannot be read or written.
    pub async fn prune_forwarded_events(&self) -> Result<(), StoreError> {
        let rings: Vec<(i64, String)> =
            sql::query_as("select distinct device_id, ring from events where forwarded_at is not null")
                .fetch_all(self.local())
                .await?;
        if rings.is_empty() {
            return Ok(());
        }
        let copied: Vec<(i64, String, i64)> =
            sql::query_as("select device_id, ring, watermark from event_rings").fetch_all(&self.database()).await?;
        let copied: BTreeMap<(i64, String), i64> =
            copied.into_iter().map(|(device, ring, watermark)| ((device, ring), watermark)).collect();
        let mut transaction = begin(self.local()).await?;
        for key in rings {
            if let Some(watermark) = copied.get(&key) {
                prune_ring(&mut transaction, &key, *watermark).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn prune_ring(
    connection: &mut Transaction,
    (device, ring): &(i64, String),
    watermark: i64,
) -> Result<(), StoreError> {
    sql::query("delete from events where device_id = $1 and ring = $2 and id <= $3 and forwarded_at is not null")
        .bind(device)
        .bind(ring)
        .bind(watermark)
        .execute(&mut *connection)
        .await?;
    // What was deleted is from now on the database's to hold.
    sql::query("update event_rings set base = $3 where device_id = $1 and ring = $2 and base < $3")
        .bind(device)
        .bind(ring)
        .bind(watermark)
        .execute(connection)
        .await?;
    Ok(())
}
