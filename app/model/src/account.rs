//! Operators, and what devices and people present to be let in.

use serde::{Deserialize, Serialize};

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The name typed at sign-in.
    pub login: String,
    /// The name shown.
    pub name: String,
    /// Nothing else is possible until the password is changed.
    pub must_change_password: bool,
}

/// What the sign-in form sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInInput {
    /// The operator's login.
    pub login: String,
    /// The operator's password.
    pub password: String,
}

/// A provisioning string on record. The string itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningString {
    /// Its public part.
    pub id: String,
    /// The whole string, only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub string: Option<String>,
    /// `address:port` of each server it names.
    pub addresses: Vec<String>,
    /// How many devices may use it.
    pub uses: u32,
    /// How many have.
    pub used: u32,
    /// When it ends.
    pub expires_at: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: String,
}

/// What the provisioning form sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningInput {
    /// How many devices may use it, 1 to 10,000.
    pub uses: u32,
    /// Seconds until it ends, 60 to 2,592,000; a day if not given.
    #[serde(default = "a_day")]
    pub expires_in_seconds: u64,
    /// `address:port` of the servers a new device starts with; this server's own if empty.
    #[serde(default)]
    pub addresses: Vec<String>,
}

fn a_day() -> u64 {
    86_400
}
