//! Events: taken from devices and from the other server, listed for people.

use super::{
    event_writer::{EventWrites, Upload},
    store::{EventArrival, EventFilter, EventMark, EventNews, EventPlace, EventRow},
};
use crate::{Service, changes::Change, clock::text_of, db::StoreError, names::device_name_of, paging};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gateway::wire::{EventUpload, RingId};
use model::{ChoiceRule, Event, EventQuery, Fault, Page, Role};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

impl Service {
    /// A device hands over events. The watermark of their ring once all up to it is durable; `None` if nothing can be
    /// written now.
    pub async fn store_events(&self, device: u32, upload: Arc<EventUpload>) -> Option<u64> {
        if let EventUpload::NewRing { ring, replaces } = &*upload {
            tracing::warn!(device, %ring, %replaces, "the device was set back and has opened a new ring of events");
        }
        let server_id = self.identity.server_id.clone();
        let arrival = EventArrival { device, upload, at: self.clock.now_text(), server_id };
        let place = self.event_place();
        let writes = || EventWrites { store: self.store.clone(), changes: self.changes.clone() };
        let watermark = self.event_writer.write(Upload { place, arrival }, writes).await?;
        if place != self.event_place() {
            // This server became active while they were written: they are beside the database, until it takes them over.
            self.unadopted.store(true, Ordering::Relaxed);
        }
        Some(watermark)
    }

    /// Up to which id this server holds all events of a device's ring.
    pub(crate) async fn event_watermark(&self, device: u32, ring: RingId) -> Result<u64, Fault> {
        Ok(self.store.event_watermark(self.event_place(), device, ring).await?)
    }

    /// A page of events, newest first by the devices' clocks.
    ///
    /// # Errors
    ///
    /// A bad limit, time or cursor, or the store fails.
    pub async fn list_events(&self, query: EventQuery) -> Result<Page<Event>, Fault> {
        let limit = paging::limit_of(query.limit, paging::USUAL)?;
        let filter = EventFilter {
            device: query.device,
            code: query.code,
            since: query.since.as_deref().filter(|since| !since.is_empty()).map(parse_since).transpose()?,
            after: query.cursor.as_deref().filter(|cursor| !cursor.is_empty()).map(parse_cursor).transpose()?,
        };
        let mut rows = self.store.list_events(&filter, limit + 1).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| cursor_of(&row.mark()));
        let total = self.store.count_events(&filter).await?;
        let devices: BTreeSet<u32> = rows.iter().map(|row| row.device_id).collect();
        let names = self.store.list_device_names(&devices).await?;
        let items = rows.into_iter().map(|row| event_of(row, &names)).collect();
        Ok(Page { items, next_cursor, total })
    }

    /// What a standby has to tell of events; nothing on the active server.
    pub(crate) async fn event_news(&self) -> Result<EventNews, StoreError> {
        match self.event_place() {
            EventPlace::Database => Ok(EventNews::default()),
            EventPlace::Local => self.store.list_event_news().await,
        }
    }

    /// Takes in what a standby was given; says whether this server is the one to do so.
    pub async fn note_events(&self, news: &EventNews) -> Result<bool, Fault> {
        if self.event_place() == EventPlace::Local || news.is_empty() {
            return Ok(false);
        }
        self.store.merge_events(news, &self.clock.now_text()).await?;
        self.changed(Change::Event);
        Ok(true)
    }

    /// Takes the events into the database that this server was given while it was standby; does nothing on a standby.
    pub(crate) async fn adopt_own_events(&self) -> Result<(), Fault> {
        if self.event_place() == EventPlace::Local {
            return Ok(());
        }
        loop {
            let news = self.store.list_event_news().await?;
            if news.is_empty() {
                return Ok(self.store.prune_forwarded_events().await?);
            }
            self.note_events(&news).await?;
            self.store.mark_events_forwarded(&news, &self.clock.now_text()).await?;
        }
    }

    fn event_place(&self) -> EventPlace {
        match self.role() {
            Role::Active => EventPlace::Database,
            Role::Standby | Role::ReadOnly => EventPlace::Local,
        }
    }
}

fn event_of(row: EventRow, names: &BTreeMap<u32, String>) -> Event {
    Event {
        device_name: names.get(&row.device_id).cloned().unwrap_or_else(|| device_name_of(row.device_id)),
        device_id: row.device_id,
        ring: row.ring,
        id: row.id,
        time: row.at,
        code: row.code,
        name: name_of(row.code),
        user_id: row.user_id,
        detail: row.detail,
        received_at: row.received_at,
        server: row.received_by,
    }
}

/// The vendor's names of the events that a BioLite Net logs.
fn name_of(code: u32) -> String {
    let name = match code {
        0x1000 => "1:1 authentication succeeded",
        0x1100 => "1:1 authentication failed",
        0x1300 => "1:N authentication succeeded",
        0x1400 => "1:N authentication failed",
        0x1900 => "Access denied",
        0x3300 => "Network connected",
        0x3400 => "Network disconnected",
        0x3500 => "DHCP connected",
        0x3B00 => "BioStar 2 connected",
        0x3C00 => "BioStar 2 disconnected",
        0x4500 => "Configuration reset",
        0x4502 => "Factory reset",
        0x4503 => "Configuration reset except network",
        other => return format!("Event {other}"),
    };
    name.to_owned()
}

fn parse_since(since: &str) -> Result<String, Fault> {
    let time = OffsetDateTime::parse(since, &Rfc3339);
    time.map(text_of).map_err(|_| Fault::field("since", ChoiceRule::Time))
}

fn cursor_of((at, device, ring, id): &EventMark) -> String {
    URL_SAFE_NO_PAD.encode(format!("{at} {device} {ring} {id}"))
}

fn parse_cursor(cursor: &str) -> Result<EventMark, Fault> {
    let mark = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let mut parts = text.split(' ');
        let mark = (
            parts.next()?.to_owned(),
            parts.next()?.parse().ok()?,
            parts.next()?.to_owned(),
            parts.next()?.parse().ok()?,
        );
        parts.next().is_none().then_some(mark)
    };
    mark().ok_or_else(|| Fault::field("cursor", ChoiceRule::Cursor))
}

#[cfg(test)]
mod tests;
