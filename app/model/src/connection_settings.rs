//! How a device behaves towards its servers: pushed with its list.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether a device goes back to a better server by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failback {
    /// Once the better server has been there for the hold-down.
    #[default]
    Auto,
    /// Not while its session holds.
    Sticky,
    /// Only when an operator moves it.
    Manual,
    /// As `auto`, at one time of the day.
    Window,
}

impl Failback {
    /// Each with its name and what it means, for people.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Auto, "auto", "Automatic: once the better server has been reachable for the hold-down time"),
        (Self::Sticky, "sticky", "Sticky: stays until its connection is lost"),
        (Self::Manual, "manual", "Manual: only when an operator moves it"),
        (Self::Window, "window", "Automatic, but only at a certain time of the day"),
    ];

    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(failback, ..)| *failback == self).map_or("auto", |(_, name, _)| name)
    }
}

/// A part of every day, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayWindow {
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`; may be on the next day.
    pub to: String,
}

/// A device's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionSettings {
    /// Whether it goes back to a better server by itself.
    pub failback: Failback,
    /// When; only with `window`.
    pub window: Option<DayWindow>,
    /// For how long a better server must have answered.
    pub hold_down_seconds: u32,
    /// Between two probes of a better server.
    pub probe_interval_seconds: u32,
    /// Devices go back within a random share of this.
    pub failback_spread_seconds: u32,
    /// For name, TCP and TLS of an attempt.
    pub connect_limit_seconds: u32,
    /// For the answer to a registration.
    pub registration_limit_seconds: u32,
    /// On each entry in one pass over the list.
    pub attempts_per_entry: u32,
    /// The longest wait after a pass that failed.
    pub backoff_max_seconds: u32,
    /// Without a connection for so long, the former list is tried too.
    pub previous_list_after_seconds: u32,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            failback: Failback::Auto,
            window: None,
            hold_down_seconds: 300,
            probe_interval_seconds: 60,
            failback_spread_seconds: 120,
            connect_limit_seconds: 5,
            registration_limit_seconds: 5,
            attempts_per_entry: 2,
            backoff_max_seconds: 60,
            previous_list_after_seconds: 900,
        }
    }
}

/// A number among the settings, as the page shows it.
pub struct NumberSetting {
    /// Its place in a request: `settings.` and its name in JSON.
    pub field: &'static str,
    /// For people.
    pub label: &'static str,
    /// What it does, and its range.
    pub hint: &'static str,
    /// Its value.
    pub value: fn(&ConnectionSettings) -> u32,
}

impl NumberSetting {
    const fn new(
        field: &'static str,
        label: &'static str,
        hint: &'static str,
        value: fn(&ConnectionSettings) -> u32,
    ) -> Self {
        Self { field, label, hint, value }
    }

    /// As in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.field.trim_start_matches("settings.")
    }

    /// Every number, in the page's order.
    pub const ALL: [Self; 8] = [
        Self::new(
            "settings.hold_down_seconds",
            "Hold-down (s)",
            "A better server must have answered for so long: 10 to 3600",
            |s| s.hold_down_seconds,
        ),
        Self::new(
            "settings.probe_interval_seconds",
            "Probe interval (s)",
            "How often a better server is asked: 5 to 3600",
            |s| s.probe_interval_seconds,
        ),
        Self::new(
            "settings.failback_spread_seconds",
            "Return spread (s)",
            "Devices return spread over this time: 0 to 3600",
            |s| s.failback_spread_seconds,
        ),
        Self::new(
            "settings.connect_limit_seconds",
            "Connection limit (s)",
            "For name, TCP and TLS of an attempt: 1 to 30",
            |s| s.connect_limit_seconds,
        ),
        Self::new(
            "settings.registration_limit_seconds",
            "Registration limit (s)",
            "For the server's answer: 1 to 30",
            |s| s.registration_limit_seconds,
        ),
        Self::new("settings.attempts_per_entry", "Attempts per server", "In one pass over the list: 1 to 5", |s| {
            s.attempts_per_entry
        }),
        Self::new(
            "settings.backoff_max_seconds",
            "Longest pause (s)",
            "Between two passes when all servers fail: 2 to 60",
            |s| s.backoff_max_seconds,
        ),
        Self::new(
            "settings.previous_list_after_seconds",
            "Former list after (s)",
            "Without a connection for so long, the former list is tried too: 60 to 86400",
            |s| s.previous_list_after_seconds,
        ),
    ];
}

/// Settings as somebody typed them, by name; what is missing stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SettingsInput(pub BTreeMap<String, String>);

impl SettingsInput {
    /// As typed; empty if it was not.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Somebody types.
    pub fn set(&mut self, name: &str, text: String) {
        self.0.insert(name.to_owned(), text);
    }
}

impl From<&ConnectionSettings> for SettingsInput {
    fn from(settings: &ConnectionSettings) -> Self {
        let mut input = Self::default();
        input.set("failback", settings.failback.name().to_owned());
        let (from, to) = settings.window.as_ref().map_or(("", ""), |window| (window.from.as_str(), window.to.as_str()));
        input.set("window_from", from.to_owned());
        input.set("window_to", to.to_owned());
        for number in NumberSetting::ALL {
            input.set(number.name(), (number.value)(settings).to_string());
        }
        input
    }
}
