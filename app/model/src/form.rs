//! What a plain form post brings back when there is no script: the refusal and what was typed, or what was made.

use super::{
    AccountRule, DeviceSettingInput, DrillForm, Fault, FieldError, PromotionInput, ProvisioningInput,
    ProvisioningString, RolloutInput,
};
use serde::{Deserialize, Serialize};

/// The answer to a form post, shown on the page that the form stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum FormAnswer {
    /// Nothing was done.
    Refused {
        /// Why.
        fault: Fault,
        /// What to fill the form with again.
        typed: Typed,
    },
    /// A provisioning string, which no later page shows again.
    Made {
        /// The string and what it is good for.
        string: ProvisioningString,
    },
}

impl FormAnswer {
    /// The HTTP status of the page that shows it.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Refused { fault, .. } => fault.status(),
            Self::Made { .. } => 200,
        }
    }
}

/// What was typed into a form; passwords are never given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Typed {
    /// A button, or fields that are not given back.
    Nothing,
    /// The sign-in form.
    SignIn {
        /// The login.
        login: String,
    },
    /// The Device Setting page.
    DeviceSetting {
        /// Its fields.
        input: DeviceSettingInput,
    },
    /// The batch edit.
    Rollout {
        /// Its fields.
        input: RolloutInput,
    },
    /// The promotion of a server.
    Promotion {
        /// Its fields.
        input: PromotionInput,
    },
    /// A failover drill.
    Drill {
        /// Its fields.
        form: DrillForm,
    },
    /// The provisioning form.
    Provisioning {
        /// Its fields.
        form: ProvisioningForm,
    },
}

/// What an operator says to somebody who asks to belong to the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Yes.
    Accept,
    /// No.
    Reject,
}

/// The provisioning form as somebody typed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProvisioningForm {
    /// How many devices may use the string.
    pub uses: String,
    /// Hours until it ends.
    pub hours: String,
    /// `address:port` of servers, separated by spaces, commas or lines.
    pub addresses: String,
}

impl Default for ProvisioningForm {
    fn default() -> Self {
        Self { uses: "1".to_owned(), hours: "24".to_owned(), addresses: String::new() }
    }
}

impl ProvisioningForm {
    /// The numbers and addresses in the text.
    ///
    /// # Errors
    ///
    /// [`Fault::Invalid`] with each field that is no number.
    pub fn read(&self) -> Result<ProvisioningInput, Fault> {
        let mut errors = Vec::new();
        let uses = self.uses.trim().parse::<u32>().ok().filter(|uses| (1..=10_000).contains(uses));
        if uses.is_none() {
            errors.push(FieldError::new("uses", AccountRule::FormUses));
        }
        let hours = self.hours.trim().parse::<u64>().ok().filter(|hours| (1..=720).contains(hours));
        if hours.is_none() {
            errors.push(FieldError::new("expires_in_seconds", AccountRule::FormHours));
        }
        match (uses, hours) {
            (Some(uses), Some(hours)) => {
                let addresses = self.addresses.split([' ', ',', '\n', '\r', '\t']).map(str::trim);
                let addresses = addresses.filter(|address| !address.is_empty()).map(str::to_owned).collect();
                Ok(ProvisioningInput { uses, expires_in_seconds: hours * 3600, addresses })
            }
            (None, _) | (_, None) => Err(Fault::Invalid { errors }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provisioning_form_reads_numbers_and_addresses() {
        let form = ProvisioningForm {
            uses: " 24 ".into(),
            hours: "2".into(),
            addresses: "10.0.0.1:51213,\n b.example:1 ".into(),
        };
        let input = form.read().expect("valid");
        assert_eq!((input.uses, input.expires_in_seconds), (24, 7200));
        assert_eq!(input.addresses, ["10.0.0.1:51213", "b.example:1"]);
    }

    #[test]
    fn provisioning_form_names_each_bad_field() {
        let form = ProvisioningForm { uses: "0".into(), hours: "soon".into(), addresses: String::new() };
        let Err(Fault::Invalid { errors }) = form.read() else { panic!("accepted") };
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["uses", "expires_in_seconds"]);
    }
}
