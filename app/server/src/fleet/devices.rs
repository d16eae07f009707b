//! The devices of the installation: list, look up, rename, save the Device Setting page.

use super::{
    device_search::{Found, Part},
    server_lists::{Blank, Content, parse_content},
    standing::{newest, status_of},
    store::{DeviceEdit, DeviceRecord, Sighting},
};
use crate::{
    Service,
    actor::Actor,
    db::AuditEntry,
    names::{device_name_of, parse_device_name},
    paging,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{
    ChoiceRule, Connection, ConnectionSettings, Device, DeviceInfo, DeviceQuery, DeviceSettingInput, DeviceSummary,
    Fault, FieldError, Missing, Page, PushState,
};
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
        let Part { devices, more, total } = self.search_part(&query, after, limit).await?;
        let next_cursor = devices.last().filter(|_| more).map(|last| cursor_of(&last.place()));
        Ok(Page { items: self.summaries_of(&devices).await?, next_cursor, total })
    }

    /// Their rows in the list; one that was removed meanwhile has none.
    async fn summaries_of(&self, page: &[Found]) -> Result<Vec<DeviceSummary>, Fault> {
        if page.is_empty() {
            // PostgreSQL knows no empty lists.
            return Ok(Vec::new());
        }
        let ids: Vec<u32> = page.iter().map(|found| found.id).collect();
        let mut sightings: HashMap<u32, Vec<Sighting>> = HashMap::new();
        for sighting in self.store.list_sightings_of_devices(&ids).await? {
            sightings.entry(sighting.device_id).or_default().push(sighting);
        }
        let pushes = self.store.list_push_states(&ids).await?;
        let mut devices: HashMap<u32, DeviceRecord> =
            self.store.list_devices_of(&ids).await?.into_iter().map(|device| (device.id, device)).collect();
        let summary = |id: u32| {
            let device = devices.remove(&id)?;
            let seen = sightings.remove(&id).unwrap_or_default();
            let connected = self.connection_of(&seen);
            Some(self.summary_of(Row { connected, push: pushes.get(&id).copied(), device, seen }))
        };
        Ok(ids.into_iter().filter_map(summary).collect())
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
    pub(crate) async fn find_summary(&self, id: u32) -> Result<DeviceSummary, Fault> {
        let device = self.store.find_device(id).await?.ok_or(Missing::Device { device: id })?;
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
        let device = self.store.find_device(id).await?.ok_or(Missing::Device { device: id })?;
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

/// What a row of the list is made of.
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
    place().ok_or_else(|| Fault::field("cursor", ChoiceRule::Cursor))
}

#[cfg(test)]
mod tests;
