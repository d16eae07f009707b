//! When the server is full: who has to come back later, and when.
//!
//! What a server can take is a setting, and what it really takes shows: the disk may be slow, or the machine busy with
//! something else. Whoever would wait in vain for longer than a device has patience is better sent away at once.
//!
//! Pure: time is an argument.

use super::directory::SessionId;
use std::collections::VecDeque;
use std::time::Duration;

/// A few who wait long say nothing of the others.
const FEW: usize = 16;
/// What is measured says something after this time.
const MEASURED_AFTER: Duration = Duration::from_secs(1);
/// A server that takes less than this part of what it was thought to take is believed to take that part.
const LEAST_SHARE: u32 = 16;
/// What was longer ago than twice this time counts half.
const MEMORY: Duration = Duration::from_secs(2);

/// For how many devices a server has room that are being admitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// So many at once.
    pub(crate) devices: usize,
    /// As long as the first of them has waited no longer than this.
    pub(crate) wait: Duration,
}

/// Those who are being admitted, in their order, and how fast they are served.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Those who left are dropped when they come to the front.
    order: VecDeque<(Duration, SessionId)>,
    /// Since when somebody waits, or as if.
    since: Duration,
    served: f64,
}

impl Queue {
    pub(super) fn push(&mut self, session: SessionId, now: Duration) {
        if self.order.is_empty() {
            (self.since, self.served) = (now, 0.0);
        }
        self.order.push_back((now, session));
    }

    /// Somebody was served.
    pub(super) fn serve(&mut self, now: Duration) {
        self.served += 1.0;
        let passed = now.saturating_sub(self.since);
        if passed > MEMORY * 2 {
            self.served *= MEMORY.as_secs_f64() / passed.as_secs_f64();
            self.since = now - MEMORY;
        }
    }

    /// Whoever is not there any more does not wait.
    pub(super) fn tidy(&mut self, is_there: impl Fn(SessionId) -> bool) {
        while self.order.front().is_some_and(|(_, session)| !is_there(*session)) {
            self.order.pop_front();
        }
    }

    /// Whether so many who wait are too many.
    pub(super) fn is_full(&self, waiting: usize, room: Room, now: Duration) -> bool {
        let few = FEW.min(room.devices);
        let longest = self.order.front().map_or(Duration::ZERO, |(since, _)| now.saturating_sub(*since));
        let in_time = |per_s: f64| ((per_s * room.wait.as_secs_f64()) as usize).clamp(few, room.devices);
        waiting >= self.served_per_s(now).map_or(room.devices, in_time) || waiting >= few && longest > room.wait
    }

    /// How many a second are served; `None` if that does not show yet.
    pub(super) fn served_per_s(&self, now: Duration) -> Option<f64> {
        let passed = now.saturating_sub(self.since);
        (!self.order.is_empty() && passed >= MEASURED_AFTER).then(|| self.served / passed.as_secs_f64())
    }
}

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

/// What a server can take that was thought to take `capacity_per_s`, by what it does take while somebody waits.
pub(super) fn believable(capacity_per_s: u32, served_per_s: Option<f64>) -> u32 {
    let Some(served) = served_per_s else { return capacity_per_s };
    let least = (capacity_per_s / LEAST_SHARE).max(1);
    // Cut off at both ends.
    (served.round() as u32).clamp(least, capacity_per_s.max(least))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_served_while_somebody_waits_is_measured() {
        let ms = Duration::from_millis;
        let mut queue = Queue::default();
        let start = Duration::from_secs(1000);
        (0..2000).for_each(|session| queue.push(SessionId(session), start));
        assert_eq!(queue.served_per_s(start + ms(900)), None);
        let serve = |queue: &mut Queue, from: u64, every: Duration, begin: Duration| {
            for (nth, session) in (1..).zip(from..from + 200) {
                queue.serve(begin + every * nth);
                queue.tidy(|waiting| waiting.0 > session);
            }
            begin + every * 200
        };
        let now = serve(&mut queue, 0, ms(10), start);
        assert!((queue.served_per_s(now).unwrap() - 100.0).abs() < 2.0);
        let now = serve(&mut queue, 200, ms(50), now);
        let slower = queue.served_per_s(now).unwrap();
        assert!((19.0..30.0).contains(&slower), "{slower}");
        queue.tidy(|_| false);
        assert_eq!(queue.served_per_s(now + ms(5000)), None, "nobody waits");
        assert_eq!(believable(600, Some(slower)), 37);
        assert_eq!([believable(600, Some(900.0)), believable(600, Some(80.4)), believable(600, None)], [600, 80, 600]);
    }

    #[test]
    fn a_queue_that_has_come_to_a_halt_takes_nobody() {
        let room = Room { devices: 100, wait: Duration::from_millis(2500) };
        let (start, moment) = (Duration::from_secs(1000), Duration::from_millis(900));
        let mut queue = Queue::default();
        (0..20).for_each(|session| queue.push(SessionId(session), start));
        assert!(!queue.is_full(20, room, start + moment), "that says nothing yet");
        assert!(queue.is_full(100, room, start + moment));
        assert!(queue.is_full(20, room, start + moment * 2), "nobody was served");
        assert!(!queue.is_full(3, room, start + room.wait * 2), "three are no crowd");
        (0..40).for_each(|_| queue.serve(start + moment));
        assert!(!queue.is_full(20, room, start + moment * 2), "as many again are served in time");
        assert!(queue.is_full(16, room, start + room.wait + moment), "the first has waited too long");
        queue.tidy(|session| session.0 == 19);
        queue.push(SessionId(20), start + room.wait);
        queue.tidy(|session| session.0 == 20);
        assert!(!queue.is_full(16, room, start + room.wait + moment), "the first came later");
    }

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
