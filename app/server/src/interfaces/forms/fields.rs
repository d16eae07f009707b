//! The fields of a posted form.

use axum::{
    Form,
    extract::{FromRequest, Request},
};
use model::{DeviceSettingInput, EntryInput, Fault, Malformed, MoveInput, RolloutInput, Selector, SettingsInput};
use std::collections::HashMap;

/// The most rows anybody could mean; the rules say how many are allowed.
const MAX_ROWS: usize = 32;

/// Names and values; of two values with one name the first counts.
#[derive(Default)]
pub(super) struct Fields(HashMap<String, String>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = axum::extract::rejection::FormRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, state).await?;
        Ok(pairs.into_iter().collect())
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut fields = HashMap::new();
        for (name, value) in pairs {
            fields.entry(name).or_insert(value);
        }
        Self(fields)
    }
}

impl Fields {
    /// What was typed; nothing if the form did not have the field.
    pub(super) fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// The fields of the Device Setting page.
    ///
    /// # Errors
    ///
    /// [`Fault::RevisionRequired`] if the form does not say what it is based on.
    pub(super) fn device_setting(&self) -> Result<DeviceSettingInput, Fault> {
        let entries = self.entries();
        let revision = self.text("revision").parse().map_err(|_| Fault::RevisionRequired)?;
        Ok(DeviceSettingInput { name: self.text("name"), revision, entries, settings: self.settings() })
    }

    /// Where a device is to go, as the move form says it.
    pub(super) fn move_input(&self) -> MoveInput {
        let to = self.text("to");
        let (port, address) = to.split_once(' ').unwrap_or_default();
        MoveInput {
            address: address.to_owned(),
            port: port.parse().unwrap_or_default(),
            ttl_seconds: self.text("ttl_seconds").parse().ok(),
        }
    }

    /// The fields of the Connection fieldset; what the form does not have stays as it is.
    fn settings(&self) -> SettingsInput {
        let typed =
            self.0.iter().filter_map(|(name, text)| Some((name.strip_prefix("settings.")?.to_owned(), text.clone())));
        SettingsInput(typed.collect())
    }

    /// The fields of the batch edit.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] if the form does not say for which devices.
    pub(super) fn rollout(&self) -> Result<RolloutInput, Fault> {
        let devices = self.text("devices");
        let selector = if self.0.contains_key("all") {
            Selector::All { all: true }
        } else if self.0.contains_key("query") {
            Selector::Query { query: self.text("query") }
        } else {
            let ids = devices.split(',').filter(|id| !id.trim().is_empty()).map(|id| id.trim().parse());
            Selector::Devices { devices: ids.collect::<Result<_, _>>().map_err(|_| Malformed::FormWithoutDevices)? }
        };
        Ok(RolloutInput { selector, entries: self.entries() })
    }

    fn entries(&self) -> Vec<EntryInput> {
        let rows = (0..MAX_ROWS).rev().find(|index| self.0.contains_key(&format!("entries[{index}].address")));
        (0..rows.map_or(0, |last| last + 1)).map(|index| self.entry(index)).collect()
    }

    fn entry(&self, index: usize) -> EntryInput {
        let text = |field: &str| self.text(&format!("entries[{index}].{field}"));
        EntryInput { priority: text("priority"), address: text("address"), port: text("port") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn rows_keep_their_places() {
        let input = fields(&[
            ("name", "Door"),
            ("revision", "4"),
            ("entries[0].priority", ""),
            ("entries[0].address", ""),
            ("entries[0].port", "51213"),
            ("entries[1].priority", "2"),
            ("entries[1].address", "b.example"),
            ("entries[1].port", "x"),
        ]);
        let input = input.device_setting().unwrap();
        assert_eq!((input.name.as_str(), input.revision, input.entries.len()), ("Door", 4, 2));
        assert!(input.entries[0].is_blank());
        assert_eq!((input.entries[1].address.as_str(), input.entries[1].port.as_str()), ("b.example", "x"));
    }

    #[test]
    fn a_batch_edit_says_which_devices() {
        let selector = |pairs: &[(&str, &str)]| fields(pairs).rollout().map(|input| input.selector);
        assert_eq!(selector(&[("all", "true")]), Ok(Selector::All { all: true }));
        assert_eq!(selector(&[("query", "door")]), Ok(Selector::Query { query: "door".to_owned() }));
        assert_eq!(selector(&[("devices", "7, 8,")]), Ok(Selector::Devices { devices: vec![7, 8] }));
        assert!(matches!(selector(&[("devices", "7;8")]), Err(Fault::Malformed(_))));
    }

    #[test]
    fn a_form_without_its_base_is_refused() {
        for revision in ["", "-1", "one"] {
            assert_eq!(fields(&[("revision", revision)]).device_setting(), Err(Fault::RevisionRequired));
        }
    }
}
