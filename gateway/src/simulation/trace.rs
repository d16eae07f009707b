//! All that happens in a scenario, as one number: two tellings of one seed must come to the same.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

/// Seeds that are told twice.
pub(super) const TWICE: u64 = 20;

/// Nothing unless it is kept, for it costs time.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace(Option<(DefaultHasher, u64)>);

impl Trace {
    pub(super) fn kept() -> Self {
        Self(Some(Default::default()))
    }

    pub(super) fn note(&mut self, now: Duration, what: &impl Debug) {
        if let Some((hasher, count)) = &mut self.0 {
            (now, format!("{what:?}")).hash(hasher);
            *count += 1;
        }
    }

    /// The number, and how much was noted.
    pub(super) fn told(&self) -> (u64, u64) {
        self.0.as_ref().map_or((0, 0), |(hasher, count)| (hasher.finish(), *count))
    }
}
