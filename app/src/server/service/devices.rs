//! The devices of the installation: list, look up, rename, save the Device Setting page.

use super::{
    Actor, Service,
    names::{device_name_of, parse_device_name},
    paging,
    server_lists::{Blank, Content, parse_content},
    standing::{newest, status_of},
};
use crate::{
    model::{
        Connection, ConnectionSettings, Device, DeviceInfo, DeviceQuery, DeviceSettingInput, DeviceSummary, Fault,
        FieldError, Page, PreviewDevice, PushState,
    },
    server::store::{AuditEntry, DeviceEdit, DeviceRecord, Sighting},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use std::collections::HashMap;

impl Service {
    /// A page of devices, by name.
    ///
    /// # Errors
    ///
    /// A bad limit or cursor, or the store fails.
    pub async fn list_devices(&self, query: DeviceQuery) -> Result<Page<DeviceSummary>, Fault> {
        let limit = paging::limit_of(query.limit, paging::USUAL)?;
        let after = query.cursor.as_deref().filter(|c| !c.is_empty()).map(parse_cursor).transpose()?;
        let mut found = self.rows_of(&query).await?;
        found.sort_by_cached_key(Row::place);
        let total = found.len() as u64;
        let start = after.map_or(0, |after| found.partition_point(|row| row.place() <= after));
        let rest = found.len().saturating_sub(start);
        let next_cursor = (rest > limit).then(|| cursor_of(&found[start + limit - 1].place()));
        let items = found.into_iter().skip(start).take(limit).map(|row| self.summary_of(row)).collect();
        Ok(Page { items, next_cursor, total })
    }

    /// All devices that the list finds for this text: first those that are on this server, and within that in its order.
    pub(super) async fn select_devices(&self, q: Option<String>) -> Result<Vec<PreviewDevice>, Fault> {
        let mut found = self.rows_of(&DeviceQuery { q, ..DeviceQuery::default() }).await?;
        let is_here = |row: &Row| row.connected.as_ref().is_some_and(|session| session.server == self.site.server_id);
        found.sort_by_cached_key(|row| (!is_here(row), row.place()));
        let chosen = |row: Row| PreviewDevice {
            id: row.device.id,
            name: row.device.name,
            status: status_of(row.connected.as_ref()),
        };
        Ok(found.into_iter().map(chosen).collect())
    }

    async fn rows_of(&self, query: &DeviceQuery) -> Result<Vec<Row>, Fault> {
        let mut sightings: HashMap<u32, Vec<Sighting>> = HashMap::new();
        for sighting in self.store.list_sightings().await? {
            sightings.entry(sighting.device_id).or_default().push(sighting);
        }
        let pushes = self.store.list_push_states().await?;
        let mut found: Vec<Row> = Vec::new();
        for device in self.store.list_devices().await? {
            let seen = sightings.remove(&device.id).unwrap_or_default();
            let row = Row { connected: self.connection_of(&seen), push: pushes.get(&device.id).copied(), device, seen };
            if row.matches(query) {
                found.push(row);
            }
        }
        Ok(found)
    }

    /// A device with all its settings.
    ///
    /// # Errors
    ///
    /// No such device, or the store fails.
    pub async fn find_device(&self, id: u32) -> Result<Device, Fault> {
        let standing = self.standing_of(id).await?;
        let (status, last_seen) = self.presence_of(&standing);
        Ok(Device {
            id,
            name: standing.device.name.clone(),
            status,
            last_seen,
            info: standing.info().clone(),
            alarm: self.alarm_of(id),
            servers: self.servers_of(&standing),
        })
    }

    /// What is wrong with the device itself.
    fn alarm_of(&self, id: u32) -> Option<String> {
        let Some(at) = self.boots.cloned_at(id) else { return self.certificate_alarm_of(id) };
        Some(format!(
            "Two devices take turns with this Device ID (seen at {at}): one is a copy of the other. Take one of them off the network and enrol it again."
        ))
    }

    /// One row of the device list.
    ///
    /// # Errors
    ///
    /// No such device, or the store fails.
    pub(super) async fn find_summary(&self, id: u32) -> Result<DeviceSummary, Fault> {
        let device = self.store.find_device(id).await?.ok_or_else(|| Fault::NotFound { what: device_name_of(id) })?;
        let seen = self.store.list_sightings_of(id).await?;
        let push = self.store.find_newest_push(id).await?.map(|push| push.state);
        Ok(self.summary_of(Row { connected: self.connection_of(&seen), push, device, seen }))
    }

    /// Gives a device another name.
    ///
    /// # Errors
    ///
    /// Not active, no such device, a bad name, or the store fails.
    pub async fn rename_device(&self, actor: &Actor, id: u32, name: &str) -> Result<Device, Fault> {
        self.require_active().await?;
        let device = self.store.find_device(id).await?.ok_or_else(|| Fault::NotFound { what: device_name_of(id) })?;
        let name = parse_device_name(name)?;
        if name != device.name {
            let audit = vec![self.rename_audit(actor, &device, &name)];
            self.edit_device(actor, DeviceEdit { device: id, name: Some(name), list: None, audit }).await?;
        }
        self.find_device(id).await
    }

    /// Saves the Device Setting page: name and servers together, or neither. What did not change makes nothing.
    ///
    /// # Errors
    ///
    /// Not active, no such device, bad fields, somebody else was first, or the store fails.
    pub async fn save_device_setting(
        &self,
        actor: &Actor,
        id: u32,
        input: DeviceSettingInput,
    ) -> Result<Device, Fault> {
        self.require_active().await?;
        let standing = self.standing_of(id).await?;
        let (name, content) = parse_setting(&standing.wanted.settings, &input)?;
        standing.require_revision(input.revision)?;
        let mut edit = DeviceEdit { device: id, name: None, list: None, audit: Vec::new() };
        let unchanged = super::server_lists::entries_of(&standing.wanted.entries)? == content.entries
            && content.settings.as_ref().is_none_or(|settings| *settings == standing.wanted.settings);
        if !unchanged {
            let (list, audit) = self.new_list(actor, &standing, content).await?;
            edit.list = Some(list);
            edit.audit.push(audit);
        }
        if name != standing.device.name {
            edit.audit.push(self.rename_audit(actor, &standing.device, &name));
            edit.name = Some(name);
        }
        if !edit.audit.is_empty() {
            self.edit_device(actor, edit).await?;
        }
        self.find_device(id).await
    }

    fn rename_audit(&self, actor: &Actor, device: &DeviceRecord, name: &str) -> AuditEntry {
        let (before, after) = (json!({ "name": device.name }), json!({ "name": name }));
        self.audit(actor, "device.rename", device_name_of(device.id), Some(before), Some(after))
    }

    fn summary_of(&self, row: Row) -> DeviceSummary {
        let last_seen = self.last_seen_of(&row.seen);
        let info = row.info().clone();
        DeviceSummary {
            id: row.device.id,
            name: row.device.name,
            device_type: info.device_type_name,
            ip_address: info.ip_config.ip_addr,
            firmware_version: info.firmware_version,
            status: status_of(row.connected.as_ref()),
            connected: row.connected,
            last_seen,
            push: row.push,
        }
    }
}

/// A device of the list before it is cut into pages.
struct Row {
    device: DeviceRecord,
    seen: Vec<Sighting>,
    connected: Option<Connection>,
    push: Option<PushState>,
}

impl Row {
    fn info(&self) -> &DeviceInfo {
        newest(&self.seen).map_or(&self.device.info, |sighting| &sighting.info)
    }

    fn matches(&self, query: &DeviceQuery) -> bool {
        let text = query.q.as_deref().map(str::trim).unwrap_or_default().to_lowercase();
        let on_server = query.server.as_deref().filter(|server| !server.is_empty());
        (text.is_empty()
            || self.device.name.to_lowercase().contains(&text)
            || self.device.id.to_string().contains(&text)
            || self.info().ip_config.ip_addr.to_lowercase().contains(&text))
            && query.status.is_none_or(|status| status == status_of(self.connected.as_ref()))
            && on_server.is_none_or(|server| self.connected.as_ref().is_some_and(|c| c.server == server))
    }

    /// Where it stands in the list, whatever comes and goes around it.
    fn place(&self) -> (String, u32) {
        (self.device.name.to_lowercase(), self.device.id)
    }
}

/// Name and servers as the page sent them; all errors of both together.
fn parse_setting(current: &ConnectionSettings, input: &DeviceSettingInput) -> Result<(String, Content), Fault> {
    let mut errors: Vec<FieldError> = Vec::new();
    let name = match parse_device_name(&input.name) {
        Ok(name) => Some(name),
        Err(Fault::Invalid { errors: bad }) => {
            errors.extend(bad);
            None
        }
        Err(fault) => return Err(fault),
    };
    let content = parse_content(current, &input.entries, Blank::Skipped, Some(&input.settings));
    let content = content.map_err(|bad| errors.extend(bad)).ok();
    match (name, content) {
        (Some(name), Some(content)) => Ok((name, content)),
        _ => Err(Fault::Invalid { errors }),
    }
}

fn cursor_of((name, id): &(String, u32)) -> String {
    URL_SAFE_NO_PAD.encode(format!("{id} {name}"))
}

fn parse_cursor(cursor: &str) -> Result<(String, u32), Fault> {
    let place = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (id, name) = text.split_once(' ')?;
        Some((name.to_owned(), id.parse().ok()?))
    };
    place().ok_or_else(|| Fault::field("cursor", "take the cursor from next_cursor of the page before"))
}

#[cfg(test)]
mod tests;
