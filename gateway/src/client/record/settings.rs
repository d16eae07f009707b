//! A list's settings as they stand on disk; what is missing has its default.

use crate::wire::{DayWindow, DeviceSettings, Failback};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SettingsRecord {
    failback: FailbackRecord,
    hold_down_seconds: u32,
    probe_interval_seconds: u32,
    failback_spread_seconds: u32,
    connect_limit_seconds: u32,
    registration_limit_seconds: u32,
    attempts_per_entry: u32,
    backoff_max_seconds: u32,
    previous_list_after_seconds: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailbackRecord {
    Auto,
    Sticky,
    Manual,
    Window { from_minute: u32, to_minute: u32 },
}

impl Default for SettingsRecord {
    fn default() -> Self {
        (&DeviceSettings::default()).into()
    }
}

impl From<&DeviceSettings> for SettingsRecord {
    fn from(settings: &DeviceSettings) -> Self {
        Self {
            failback: match settings.failback {
                Failback::Auto => FailbackRecord::Auto,
                Failback::Sticky => FailbackRecord::Sticky,
                Failback::Manual => FailbackRecord::Manual,
                Failback::Window(window) => {
                    FailbackRecord::Window { from_minute: window.from().into(), to_minute: window.to().into() }
                }
            },
            hold_down_seconds: settings.hold_down_s,
            probe_interval_seconds: settings.probe_interval_s,
            failback_spread_seconds: settings.failback_spread_s,
            connect_limit_seconds: settings.connect_limit_s,
            registration_limit_seconds: settings.registration_limit_s,
            attempts_per_entry: settings.attempts_per_entry,
            backoff_max_seconds: settings.backoff_max_s,
            previous_list_after_seconds: settings.previous_list_after_s,
        }
    }
}

impl SettingsRecord {
    pub(super) fn parse(&self) -> Result<DeviceSettings, String> {
        let settings = DeviceSettings {
            failback: match self.failback {
                FailbackRecord::Auto => Failback::Auto,
                FailbackRecord::Sticky => Failback::Sticky,
                FailbackRecord::Manual => Failback::Manual,
                FailbackRecord::Window { from_minute, to_minute } => {
                    Failback::Window(DayWindow::new(from_minute, to_minute).ok_or("the failback window is no time")?)
                }
            },
            hold_down_s: self.hold_down_seconds,
            probe_interval_s: self.probe_interval_seconds,
            failback_spread_s: self.failback_spread_seconds,
            connect_limit_s: self.connect_limit_seconds,
            registration_limit_s: self.registration_limit_seconds,
            attempts_per_entry: self.attempts_per_entry,
            backoff_max_s: self.backoff_max_seconds,
            previous_list_after_s: self.previous_list_after_seconds,
        };
        let named = |errors: Vec<crate::wire::SettingError>| {
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        settings.check().map_err(named)?;
        Ok(settings)
    }
}
