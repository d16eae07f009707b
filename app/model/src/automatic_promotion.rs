//! Whether a standby takes over by itself.

use serde::{Deserialize, Serialize};

/// What a change is that another server may not know of when it takes over.
pub const SAVED_ALONE: &str = "saved here alone: no other server and not enough devices have confirmed it yet";

/// How automatic promotion stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomaticPromotion {
    /// It can be switched on at all.
    pub possible: bool,
    /// Operators want it.
    pub wanted: bool,
    /// A standby may take over by itself now.
    pub in_force: bool,
    /// How many devices count.
    pub electors: u64,
    /// How many of them this server holds.
    pub electors_here: u64,
    /// How many devices belong to the installation.
    pub devices: u64,
    /// How long an answer counts.
    pub hold_seconds: u64,
    /// How long the active server has to be silent.
    pub window_seconds: u64,
    /// Why it is not as operators want it.
    pub note: Option<String>,
}

impl AutomaticPromotion {
    /// For people, in a word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.possible, self.wanted, self.in_force) {
            (false, ..) => "Not used here",
            (true, true, true) => "On",
            (true, true, false) => "On, not in force",
            (true, false, true) => "Being switched off",
            (true, false, false) => "Off",
        }
    }
}

/// An operator's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomaticPromotionInput {
    /// On, or off.
    pub enabled: bool,
}
