//! A device's settings: what travels with its server list and is not an entry.

use std::{fmt, ops::RangeInclusive};

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// How a device behaves towards its servers. Pushed with the list and covered by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceSettings {
    /// Whether it goes back to a better server by itself.
    pub failback: Failback,
    /// Seconds for which a better server must have answered before the device goes back to it.
    pub hold_down_s: u32,
    /// Seconds between two probes of a better server.
    pub probe_interval_s: u32,
    /// Seconds over which devices spread their return.
    pub failback_spread_s: u32,
    /// Seconds that name, TCP and TLS of an attempt may take.
    pub connect_limit_s: u32,
    /// Seconds that the answer to a hello may take.
    pub registration_limit_s: u32,
    /// Attempts on each entry in one pass over the list.
    pub attempts_per_entry: u32,
    /// The longest wait after a pass that failed, in seconds.
    pub backoff_max_s: u32,
    /// Seconds without a session after which the previous list's entries are tried too.
    pub previous_list_after_s: u32,
}

/// Whether a device goes back to a better server by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Failback {
    /// Once the better server has been there for the hold-down.
    #[default]
    Auto,
    /// Not while its session holds; after a loss it begins at the top of its list.
    Sticky,
    /// Only when an operator moves it; after a loss it begins where it was.
    Manual,
    /// As [`Auto`](Self::Auto), but only at this time of the day.
    Window(DayWindow),
}

/// A part of every day, UTC; it may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DayWindow {
    from: u16,
    to: u16,
}

/// A setting that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value}, not {} to {}", .range.start(), .range.end())]
pub struct SettingError {
    /// The setting, as in `bln.proto`.
    pub name: &'static str,
    /// What was asked for.
    pub value: u32,
    /// What there may be.
    pub range: RangeInclusive<u32>,
}

impl Default for DeviceSettings {
    fn default() -> Self {
        Self {
            failback: Failback::Auto,
            hold_down_s: 300,
            probe_interval_s: 60,
            failback_spread_s: 120,
            connect_limit_s: 5,
            registration_limit_s: 5,
            attempts_per_entry: 2,
            backoff_max_s: 60,
            previous_list_after_s: 900,
        }
    }
}

impl DeviceSettings {
    /// Every number with its name and what it may be, in the order of the canonical form.
    #[must_use]
    pub fn numbers(&self) -> [(&'static str, u32, RangeInclusive<u32>); 8] {
        [
            ("hold_down_seconds", self.hold_down_s, 10..=3600),
            ("probe_interval_seconds", self.probe_interval_s, 5..=3600),
            ("failback_spread_seconds", self.failback_spread_s, 0..=3600),
            ("connect_limit_seconds", self.connect_limit_s, 1..=30),
            ("registration_limit_seconds", self.registration_limit_s, 1..=30),
            ("attempts_per_entry", self.attempts_per_entry, 1..=5),
            ("backoff_max_seconds", self.backoff_max_s, 2..=60),
            ("previous_list_after_seconds", self.previous_list_after_s, 60..=86_400),
        ]
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    ///
    /// The settings that are not.
    pub fn check(&self) -> Result<(), Vec<SettingError>> {
        let wrong = self.numbers().into_iter().filter(|(_, value, range)| !range.contains(value));
        let errors: Vec<_> = wrong.map(|(name, value, range)| SettingError { name, value, range }).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// The canonical form: a line for each setting that has not its default.
impl fmt::Display for DeviceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failback {
            Failback::Auto => {}
            Failback::Sticky => f.write_str("set failback sticky\n")?,
            Failback::Manual => f.write_str("set failback manual\n")?,
            Failback::Window(window) => writeln!(f, "set failback window {} {}", window.from, window.to)?,
        }
        for ((name, value, _), (_, default, _)) in self.numbers().into_iter().zip(Self::default().numbers()) {
            if value != default {
                writeln!(f, "set {name} {value}")?;
            }
        }
        Ok(())
    }
}

impl DayWindow {
    /// From one minute of the day to another, which is no longer in it; `None` if there is no such minute or the window
    /// is empty.
    #[must_use]
    pub fn new(from: u32, to: u32) -> Option<Self> {
        let minute = |value| u16::try_from(value).ok().filter(|minute| *minute < DAY_MINUTES);
        let (from, to) = (minute(from)?, minute(to)?);
        (from != to).then_some(Self { from, to })
    }

    /// Its first minute.
    #[must_use]
    pub fn from(&self) -> u16 {
        self.from
    }

    /// The minute in which it is over.
    #[must_use]
    pub fn to(&self) -> u16 {
        self.to
    }

    /// Milliseconds until it is open, 0 while it is; and for how many milliseconds it then stays open.
    #[must_use]
    pub fn next_ms(&self, unix_ms: u64) -> (u64, u64) {
        let day = u64::from(DAY_MINUTES) * 60_000;
        let of_day = |minute: u16| u64::from(minute) * 60_000;
        let now = unix_ms % day;
        let length = (of_day(self.to) + day - of_day(self.from)) % day;
        let since_opened = (now + day - of_day(self.from)) % day;
        if since_opened < length { (0, length - since_opened) } else { (day - since_opened, length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn defaults_leave_no_trace_in_the_canonical_form() {
        assert_eq!(DeviceSettings::default().to_string(), "");
        let settings = DeviceSettings {
            failback: Failback::Window(DayWindow::new(60, 300).unwrap()),
            attempts_per_entry: 3,
            ..DeviceSettings::default()
        };
        assert_eq!(settings.to_string(), "set failback window 60 300\nset attempts_per_entry 3\n");
    }

    #[test]
    fn every_default_is_in_its_range_and_what_is_not_is_named() {
        assert_eq!(DeviceSettings::default().check(), Ok(()));
        let settings = DeviceSettings { attempts_per_entry: 0, backoff_max_s: 61, ..DeviceSettings::default() };
        let texts: Vec<_> = settings.check().unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["attempts_per_entry is 0, not 1 to 5", "backoff_max_seconds is 61, not 2 to 60"]);
    }

    #[test]
    fn a_window_may_go_over_midnight() {
        let (hour, day) = (3_600_000, 24 * 3_600_000);
        let night = DayWindow::new(23 * 60, 2 * 60).unwrap();
        assert_eq!(night.next_ms(5 * day + 22 * hour), (hour, 3 * hour));
        assert_eq!(night.next_ms(5 * day + 23 * hour), (0, 3 * hour));
        assert_eq!(night.next_ms(5 * day + hour), (0, hour));
        assert_eq!(night.next_ms(5 * day + 2 * hour), (21 * hour, 3 * hour));
        assert_eq!((DayWindow::new(5, 5), DayWindow::new(0, 1440)), (None, None));
    }

    proptest! {
        #[test]
        fn the_window_is_open_when_it_says(from in 0..1440_u32, to in 0..1440_u32, at in 0..u64::from(u32::MAX) * 1000) {
            prop_assume!(from != to);
            let window = DayWindow::new(from, to).unwrap();
            let (wait, open) = window.next_ms(at);
            let minute = |ms: u64| (ms / 60_000 % 1440) as u32;
            let inside = |minute| if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
            prop_assert!(inside(minute(at + wait)) && inside(minute(at + wait + open - 1)));
            prop_assert_eq!(wait == 0, inside(minute(at)));
        }
    }
}
