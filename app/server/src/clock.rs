//! Where the time of day enters, truncated to what every database keeps.

use std::sync::Arc;
use time::{
    OffsetDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A source of the time of day; tests bring their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> OffsetDateTime + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(OffsetDateTime::now_utc))
    }

    /// A clock of the caller's.
    pub fn of(now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// UTC now, to the millisecond.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        let now = (self.0)();
        now.replace_millisecond(now.millisecond()).unwrap_or(now)
    }

    /// UTC now as stored and shown: RFC 3339 with milliseconds.
    #[must_use]
    pub fn now_text(&self) -> String {
        text_of(self.now())
    }

    /// Whole seconds since a time as it is stored; 0 for one that is to come, or cannot be read.
    #[must_use]
    pub fn seconds_since(&self, at: &str) -> u64 {
        let at = OffsetDateTime::parse(at, &Rfc3339).ok();
        at.and_then(|at| u64::try_from((self.now() - at).whole_seconds()).ok()).unwrap_or(0)
    }
}

/// Milliseconds since 1970 UTC as stored and shown; a time after the year 9999 as its end.
#[must_use]
pub fn text_of_unix_ms(unix_ms: u64) -> String {
    const END_MS: u64 = 253_402_300_799_999;
    let nanoseconds = i128::from(unix_ms.min(END_MS)) * 1_000_000;
    text_of(OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

/// A time as stored and shown: RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn text_of(time: OffsetDateTime) -> String {
    // The format has only components that every date has.
    time.to_offset(time::UtcOffset::UTC).format(FORMAT).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_still_has_a_time_that_sorts() {
        assert_eq!(text_of_unix_ms(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text_of_unix_ms(1_790_000_000_123), "2026-09-21T14:13:20.123Z");
        assert_eq!(text_of_unix_ms(u64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
