//! Which devices a rollout is for, and in which order: those on this server come first, so that a wave tells
//! something, and within that as the device list shows them.

use crate::Service;
use model::{ChoiceRule, Fault, FieldError, PreviewDevice, Selector};
use std::collections::BTreeSet;

/// Unknown devices that an answer names; more would help nobody.
const MAX_ERRORS: usize = 20;

impl Service {
    /// The chosen devices; at least one.
    pub(super) async fn select(&self, selector: &Selector) -> Result<Vec<PreviewDevice>, Fault> {
        let query = match selector {
            Selector::Query { query } => Some(query.clone()),
            Selector::All { .. } | Selector::Devices { .. } => None,
        };
        let mut found = self.select_devices(query).await?;
        match selector {
            Selector::All { all: false } => {
                return Err(Fault::field("selector.all", ChoiceRule::All));
            }
            Selector::All { all: true } if found.is_empty() => {
                return Err(Fault::field("selector.all", ChoiceRule::NoDeviceYet));
            }
            Selector::Query { query } if query.trim().is_empty() => {
                return Err(Fault::field("selector.query", ChoiceRule::Query));
            }
            Selector::Query { .. } if found.is_empty() => {
                return Err(Fault::field("selector.query", ChoiceRule::NoMatch));
            }
            Selector::Devices { devices } if devices.is_empty() => {
                return Err(Fault::field("selector.devices", ChoiceRule::NoDeviceChosen));
            }
            Selector::Devices { devices } => {
                let there: BTreeSet<u32> = found.iter().map(|device| device.id).collect();
                require_known(devices, &there)?;
                let chosen: BTreeSet<u32> = devices.iter().copied().collect();
                found.retain(|device| chosen.contains(&device.id));
            }
            Selector::All { .. } | Selector::Query { .. } => {}
        }
        Ok(found)
    }
}

fn require_known(devices: &[u32], there: &BTreeSet<u32>) -> Result<(), Fault> {
    let unknown = devices.iter().enumerate().filter(|(_, id)| !there.contains(id));
    let errors: Vec<FieldError> = unknown
        .take(MAX_ERRORS)
        .map(|(index, id)| {
            FieldError::new(format!("selector.devices[{index}]"), ChoiceRule::NoSuchDevice { device: *id })
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Fault::Invalid { errors }) }
}
