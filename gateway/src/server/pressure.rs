//! When the server is full: who has to come back later, and when.
//!
//! Pure: time is an argument.

use std::time::Duration;

/// Gives moments to come back to those who cannot be served now: each its own, as many a second as the server can take.
///
/// Had they all the same moment, the crowd would only move.
#[derive(Debug, Default)]
pub(super) struct Turnstile {
    /// Until when every moment is given away.
    taken_until: Duration,
}

impl Turnstile {
    /// How long the next one has to wait, at most `longest`.
    pub(super) fn next(&mut self, now: Duration, capacity_per_s: u32, longest: Duration) -> Duration {
        let one = Duration::from_secs(1) / capacity_per_s.max(1);
        self.taken_until = (self.taken_until.max(now) + one).min(now + longest);
        self.taken_until - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONGEST: Duration = Duration::from_secs(60);

    #[test]
    fn a_crowd_is_spread_at_the_rate_that_can_be_served() {
        let mut turnstile = Turnstile::default();
        let now = Duration::from_secs(1000);
        let waits: Vec<_> = (0..500).map(|_| turnstile.next(now, 100, LONGEST)).collect();
        assert_eq!(waits[0], Duration::from_millis(10));
        assert_eq!(waits[499], Duration::from_secs(5));
        // Once the crowd has passed nobody waits for it any more.
        assert_eq!(turnstile.next(now + Duration::from_secs(9), 100, LONGEST), Duration::from_millis(10));
    }

    proptest! {
        #[test]
        fn nobody_waits_too_long_or_not_at_all(steps in prop::collection::vec((0u64..2000, 0u32..500), 1..200)) {
            let (mut turnstile, mut now) = (Turnstile::default(), Duration::ZERO);
            for (ms, capacity_per_s) in steps {
                now += Duration::from_millis(ms);
                let wait = turnstile.next(now, capacity_per_s, LONGEST);
                prop_assert!(wait > Duration::ZERO && wait <= LONGEST, "{wait:?}");
            }
        }
    }
}
