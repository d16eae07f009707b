//! Where the time of day enters, truncated to what every database keeps.

use std::sync::Arc;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

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
}

/// A time as stored and shown: RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn text_of(time: OffsetDateTime) -> String {
    // The format has only components that every date has.
    time.to_offset(time::UtcOffset::UTC).format(FORMAT).unwrap_or_default()
}
