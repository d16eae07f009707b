//! Finding devices: by text, by server, connected or not; in the order of the list. Thousands of devices are looked through
//! for a page of fifty, so nothing is read that is not asked for.

use super::{
    standing::newest,
    store::{Named, Sighting},
};
use crate::Service;
use model::{DeviceQuery, DeviceStatus, Fault, PreviewDevice};
use std::collections::HashMap;

/// A device that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: u32,
    pub(crate) name: String,
    place: String,
}

impl Found {
    /// Where it stands in the list, whatever comes and goes around it.
    pub(crate) fn place(&self) -> (String, u32) {
        (self.place.clone(), self.id)
    }
}

impl From<Named> for Found {
    fn from(Named { id, name, place }: Named) -> Self {
        Self { id, name, place }
    }
}

/// A part of what was found.
pub(crate) struct Part {
    pub(crate) devices: Vec<Found>,
    /// There are others after these.
    pub(crate) more: bool,
    /// How many were found in all.
    pub(crate) total: u64,
}

impl Service {
    /// The devices that a query finds after a place, at most so many, in the order of the list.
    pub(crate) async fn search_part(
        &self,
        query: &DeviceQuery,
        after: Option<(String, u32)>,
        at_most: usize,
    ) -> Result<Part, Fault> {
        let all = query.q.as_deref().is_none_or(|text| text.trim().is_empty())
            && query.server.as_deref().is_none_or(str::is_empty)
            && query.status.is_none();
        let (mut found, total): (Vec<Found>, u64) = if all {
            let (place, id) = after.unwrap_or_default();
            let rows = self.store.list_names_after((&place, id), at_most + 1).await?;
            (rows.into_iter().map(Found::from).collect(), self.store.count_devices().await?)
        } else {
            let mut found = self.search_devices(query).await?;
            let total = found.len() as u64;
            found.sort_by_cached_key(Found::place);
            let start = after.map_or(0, |after| found.partition_point(|found| found.place() <= after));
            (found.split_off(start), total)
        };
        let more = found.len() > at_most;
        found.truncate(at_most);
        Ok(Part { devices: found, more, total })
    }

    /// The devices that a query finds, without its page.
    pub(crate) async fn search_devices(&self, query: &DeviceQuery) -> Result<Vec<Found>, Fault> {
        let text = query.q.as_deref().map(str::trim).unwrap_or_default().to_lowercase();
        let server = query.server.as_deref().filter(|server| !server.is_empty());
        let addresses = if text.is_empty() { HashMap::new() } else { self.reported_addresses().await? };
        let seats = if query.status.is_none() && server.is_none() { HashMap::new() } else { self.seats().await? };
        let matches = |found: &Found| {
            let seat = seats.get(&found.id);
            (text.is_empty()
                || found.name.to_lowercase().contains(&text)
                || found.id.to_string().contains(&text)
                || addresses.get(&found.id).is_some_and(|address| address.to_lowercase().contains(&text)))
                && query.status.is_none_or(|status| status == status_on(seat))
                && server.is_none_or(|server| seat.is_some_and(|seat| seat == server))
        };
        let all = self.store.list_names().await?.into_iter().map(Found::from);
        Ok(all.filter(matches).collect())
    }

    /// All devices that the list finds for this text: first those that are on this server, and within that in its order.
    pub(crate) async fn select_devices(&self, q: Option<String>) -> Result<Vec<PreviewDevice>, Fault> {
        let mut found = self.search_devices(&DeviceQuery { q, ..DeviceQuery::default() }).await?;
        let seats = self.seats().await?;
        let is_here = |found: &Found| seats.get(&found.id) == Some(&self.identity.server_id);
        found.sort_by_cached_key(|found| (!is_here(found), found.place()));
        let chosen =
            |found: Found| PreviewDevice { status: status_on(seats.get(&found.id)), id: found.id, name: found.name };
        Ok(found.into_iter().map(chosen).collect())
    }

    /// The address that each device said it has.
    async fn reported_addresses(&self) -> Result<HashMap<u32, String>, Fault> {
        let mut sightings: HashMap<u32, Vec<Sighting>> = HashMap::new();
        for sighting in self.store.list_sightings().await? {
            sightings.entry(sighting.device_id).or_default().push(sighting);
        }
        let devices = self.store.list_devices().await?.into_iter().map(|device| {
            let seen = sightings.remove(&device.id).unwrap_or_default();
            let info = newest(&seen).map_or(&device.info, |sighting| &sighting.info);
            (device.id, info.ip_config.ip_addr.clone())
        });
        Ok(devices.collect())
    }
}

fn status_on(server: Option<&String>) -> DeviceStatus {
    match server {
        Some(_) => DeviceStatus::Connected,
        None => DeviceStatus::Disconnected,
    }
}
