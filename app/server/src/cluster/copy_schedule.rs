//! When the active server takes a snapshot of its database for the other one.

use chrono::{DateTime, Local};
use croner::Cron;
use std::{fmt, str::FromStr, time::Duration};

/// The longest interval; a cron line says anything longer better.
const MAX_INTERVAL: Duration = Duration::from_secs(7 * 24 * 3600);

/// When a snapshot is due.
#[derive(Clone, Debug, Default)]
pub enum Schedule {
    /// Soon after every change.
    #[default]
    Changes,
    /// That long after the one before, if there was a change.
    Every(Duration),
    /// When the cron line says so, by this machine's clock, if there was a change.
    Cron(Box<Cron>),
}

/// Why a schedule is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Neither an interval nor a cron line.
    #[error(
        "{0:?} is no schedule: write \"changes\", an interval like 60s, 15m, 4h or 1d (at most 7d), or a cron line like \
         \"30 2 * * *\" for half past two every night"
    )]
    Unknown(String),
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let unknown = || ScheduleError::Unknown(text.to_owned());
        let text = text.trim();
        if text == "changes" {
            return Ok(Self::Changes);
        }
        if text.contains(char::is_whitespace) || text.starts_with('@') {
            return Cron::from_str(text).map(|cron| Self::Cron(Box::new(cron))).map_err(|_| unknown());
        }
        let unit = text.chars().next_back().ok_or_else(unknown)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => return Err(unknown()),
        };
        let count: u64 = text.get(..text.len() - 1).and_then(|count| count.parse().ok()).ok_or_else(unknown)?;
        let interval = count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(unknown)?;
        if interval.is_zero() || interval > MAX_INTERVAL { Err(unknown()) } else { Ok(Self::Every(interval)) }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changes => f.write_str("changes"),
            Self::Every(interval) => write!(f, "{}s", interval.as_secs()),
            Self::Cron(cron) => write!(f, "{}", cron.pattern),
        }
    }
}

impl Schedule {
    /// How long to wait at `now` for the next snapshot, when the last was taken `since` ago. A clock that is set forth or
    /// back makes one snapshot come early or late, and no more.
    #[must_use]
    pub fn wait(&self, since: Duration, now: DateTime<Local>) -> Duration {
        match self {
            Self::Changes => Duration::ZERO,
            Self::Every(interval) => interval.saturating_sub(since),
            // A line that never comes again has nothing to wait for; it is looked at anew after the longest interval.
            Self::Cron(cron) => cron
                .find_next_occurrence(&now, false)
                .ok()
                .and_then(|next| (next - now).to_std().ok())
                .unwrap_or(MAX_INTERVAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone as _, Timelike as _};

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    #[test]
    fn intervals_and_cron_lines_are_read() {
        for (text, seconds) in [("1s", 1), ("60s", 60), ("15m", 900), ("4h", 14_400), ("7d", 604_800)] {
            let Schedule::Every(interval) = schedule(text) else { panic!("{text}") };
            assert_eq!(interval.as_secs(), seconds, "{text}");
        }
        assert!(matches!(schedule(" changes "), Schedule::Changes));
        assert!(matches!(schedule("30 2 * * *"), Schedule::Cron(_)));
        for text in ["", "s", "0s", "8d", "5", "5x", "-5s", "99999999999999999999d", "61 * * * *", "1 2 3", "é", "5é"]
        {
            assert!(text.parse::<Schedule>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for text in ["changes", "60s", "30 2 * * *"] {
            assert_eq!(schedule(text).to_string(), text);
        }
    }

    #[test]
    fn the_next_snapshot_comes_when_it_is_due() {
        let now = Local.with_ymd_and_hms(2026, 6, 15, 1, 0, 0).single().unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(schedule("changes").wait(second, now), Duration::ZERO);
        assert_eq!(schedule("60s").wait(20 * second, now), 40 * second);
        assert_eq!(schedule("60s").wait(90 * second, now), Duration::ZERO);
        let night = schedule("30 2 * * *");
        assert_eq!(night.wait(Duration::ZERO, now), 90 * 60 * second);
        // At the very moment it was taken the next is a day away.
        let taken = now.with_hour(2).unwrap().with_minute(30).unwrap();
        assert_eq!(night.wait(Duration::ZERO, taken), 24 * 3600 * second);
    }
}
