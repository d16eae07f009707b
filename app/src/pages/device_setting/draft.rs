//! What an operator is about to save, and what it is based on.

use crate::components::server_table::rows::EntryRows;
use model::{ConnectionSettings, Device, DeviceSettingInput, ServerEntry, SettingsInput};

/// The form of the Device Setting page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The name as typed.
    pub name: String,
    /// The Server table as typed.
    pub rows: EntryRows,
    /// The settings as typed.
    pub settings: SettingsInput,
    base_name: String,
    base_entries: Vec<ServerEntry>,
    base_settings: ConnectionSettings,
    base_revision: u64,
}

impl Draft {
    /// A form that says what is saved.
    #[must_use]
    pub fn of(device: &Device) -> Self {
        Self {
            name: device.name.clone(),
            rows: EntryRows::of(&device.servers.entries),
            settings: SettingsInput::from(&device.servers.settings),
            base_name: device.name.clone(),
            base_entries: device.servers.entries.clone(),
            base_settings: device.servers.settings.clone(),
            base_revision: device.servers.revision,
        }
    }

    /// A form that was refused, with what was typed into it. Whoever applies it again has seen what is saved now.
    #[must_use]
    pub fn typed(input: DeviceSettingInput, device: &Device) -> Self {
        let mut draft = Self::of(device);
        draft.settings.0.extend(input.settings.0);
        Self { name: input.name, rows: EntryRows::typed(input.entries), ..draft }
    }

    /// Would saving change anything?
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.name_is_changed() || self.list_is_changed()
    }

    /// The revision that the form is based on.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.base_revision
    }

    /// What to send.
    #[must_use]
    pub fn input(&self) -> DeviceSettingInput {
        DeviceSettingInput {
            name: self.name.clone(),
            revision: self.base_revision,
            entries: self.rows.all().to_vec(),
            settings: self.settings.clone(),
        }
    }

    /// Takes over what somebody else saved, except where something was typed.
    pub fn follow(&mut self, newest: &Device) {
        if !self.name_is_changed() {
            self.name.clone_from(&newest.name);
        }
        self.base_name.clone_from(&newest.name);
        if !self.list_is_changed() && newest.servers.revision != self.base_revision {
            self.rows = EntryRows::of(&newest.servers.entries);
            self.settings = SettingsInput::from(&newest.servers.settings);
            self.base_on(newest);
        }
    }

    /// After a conflict was told: keeps what was typed, now based on what the other saved.
    pub fn base_on(&mut self, newest: &Device) {
        self.base_entries.clone_from(&newest.servers.entries);
        self.base_settings.clone_from(&newest.servers.settings);
        self.base_revision = newest.servers.revision;
    }

    fn name_is_changed(&self) -> bool {
        self.name.trim() != self.base_name
    }

    /// Entries and settings are one revision.
    fn list_is_changed(&self) -> bool {
        !self.rows.say(&self.base_entries) || self.settings != SettingsInput::from(&self.base_settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ConnectionSettings, DeviceInfo, DeviceServers, DeviceStatus, IpConfig, SerialConfig};

    fn device(name: &str, revision: u64, addresses: &[&str]) -> Device {
        let entries = addresses.iter().zip(1..);
        let entries =
            entries.map(|(a, priority)| ServerEntry { address: (*a).into(), port: 51213, priority }).collect();
        Device {
            id: 7,
            name: name.into(),
            status: DeviceStatus::Connected,
            last_seen: None,
            info: DeviceInfo {
                device_type: 3,
                device_type_name: String::new(),
                product_name: String::new(),
                firmware_version: String::new(),
                kernel_version: String::new(),
                hardware_version: String::new(),
                ip_config: IpConfig::default(),
                serial_config: SerialConfig::default(),
            },
            alarm: None,
            servers: DeviceServers {
                revision,
                entries,
                settings: ConnectionSettings::default(),
                hash: String::new(),
                committed: None,
                push: None,
                probe: None,
                moved: None,
                connected: None,
            },
        }
    }

    #[test]
    fn a_form_nobody_touched_follows() {
        let mut draft = Draft::of(&device("a", 1, &["x"]));
        draft.follow(&device("b", 2, &["x", "y"]));
        assert_eq!(draft, Draft::of(&device("b", 2, &["x", "y"])));
        assert!(!draft.is_changed());
    }

    #[test]
    fn what_was_typed_stays_and_its_base_too() {
        let mut draft = Draft::of(&device("a", 1, &["x"]));
        draft.rows.edit(0, |row| row.address = "mine".into());
        draft.follow(&device("b", 2, &["theirs"]));
        assert_eq!((draft.name.as_str(), draft.rows.row(0).address.as_str()), ("b", "mine"));
        assert_eq!(draft.input().revision, 1);
        assert!(draft.is_changed());
    }

    #[test]
    fn after_a_conflict_the_same_input_can_be_applied_again() {
        let mut draft = Draft::of(&device("a", 1, &["x"]));
        draft.rows.edit(0, |row| row.address = "mine".into());
        draft.base_on(&device("a", 2, &["theirs"]));
        assert_eq!((draft.rows.row(0).address.as_str(), draft.input().revision), ("mine", 2));
        assert!(draft.is_changed());
    }

    #[test]
    fn a_typed_name_stays_while_the_list_follows() {
        let mut draft = Draft::of(&device("a", 1, &["x"]));
        draft.name = "new".into();
        draft.follow(&device("a", 2, &["y"]));
        assert_eq!((draft.name.as_str(), draft.revision()), ("new", 2));
        assert_eq!(draft.rows.row(0).address, "y");
    }
}
