//! How many wrong passwords somebody may try.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

/// So many wrong passwords within [`WINDOW`] and the next try has to wait.
const LIMIT: usize = 5;
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Beyond this many pairs of login and peer the one that is idle longest is forgotten.
const MAX_PAIRS: usize = 10_000;

/// The wrong passwords of late, by login and peer.
#[derive(Debug, Default)]
pub(crate) struct Attempts(HashMap<(String, String), VecDeque<Instant>>);

impl Attempts {
    /// How long this login from this peer has to wait; `None` if it may try now.
    pub(crate) fn wait(&mut self, login: &str, peer: &str, now: Instant) -> Option<Duration> {
        let wrong = self.0.get_mut(&pair(login, peer))?;
        forget_old(wrong, now);
        let first = wrong.front().filter(|_| wrong.len() >= LIMIT)?;
        Some(WINDOW.saturating_sub(now.saturating_duration_since(*first)))
    }

    /// A wrong password was tried, or is about to be looked at.
    pub(crate) fn note(&mut self, login: &str, peer: &str, now: Instant) {
        if self.0.len() >= MAX_PAIRS {
            self.make_room(now);
        }
        let wrong = self.0.entry(pair(login, peer)).or_default();
        forget_old(wrong, now);
        wrong.push_back(now);
    }

    /// The right password was given.
    pub(crate) fn forgive(&mut self, login: &str, peer: &str) {
        self.0.remove(&pair(login, peer));
    }

    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, wrong| {
            forget_old(wrong, now);
            !wrong.is_empty()
        });
        let idle = self.0.iter().min_by_key(|(_, wrong)| wrong.back().copied()).map(|(pair, _)| pair.clone());
        if let Some(idle) = idle.filter(|_| self.0.len() >= MAX_PAIRS) {
            self.0.remove(&idle);
        }
    }
}

fn pair(login: &str, peer: &str) -> (String, String) {
    (login.to_lowercase(), peer.to_owned())
}

fn forget_old(wrong: &mut VecDeque<Instant>, now: Instant) {
    while wrong.front().is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW) {
        wrong.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_try_waits_until_the_first_is_old() {
        let mut attempts = Attempts::default();
        let start = Instant::now();
        for second in 0..5 {
            let now = start + Duration::from_secs(second);
            assert_eq!(attempts.wait("admin", "peer", now), None);
            attempts.note("admin", "peer", now);
        }
        let now = start + Duration::from_secs(10);
        assert_eq!(attempts.wait("Admin", "peer", now), Some(Duration::from_secs(290)));
        assert_eq!(attempts.wait("admin", "another peer", now), None);
        assert_eq!(attempts.wait("somebody", "peer", now), None);
        assert_eq!(attempts.wait("admin", "peer", start + WINDOW), None);
    }

    #[test]
    fn the_right_password_forgives() {
        let mut attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..LIMIT {
            attempts.note("admin", "peer", now);
        }
        assert!(attempts.wait("admin", "peer", now).is_some());
        attempts.forgive("admin", "peer");
        assert_eq!(attempts.wait("admin", "peer", now), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut attempts = Attempts::default();
        let start = Instant::now();
        for login in 0..MAX_PAIRS + 50 {
            attempts.note(&login.to_string(), "peer", start + Duration::from_millis(login as u64));
        }
        assert!(attempts.0.len() <= MAX_PAIRS);
        assert!(!attempts.0.contains_key(&pair("0", "peer")), "the one idle longest went first");
    }
}
