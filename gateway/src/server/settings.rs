//! The numbers a session server runs by.

use crate::wire::Entries;
use std::time::Duration;

/// Every wait and limit of the session server; the defaults are the protocol's.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Seconds between a device's pings.
    pub keep_alive_s: u32,
    /// Seconds of silence after which a device gives its session up.
    pub device_silence_limit_s: u32,
    /// Silence after which the server gives a session up; longer than the device's, so that the device acts first.
    pub evict_after: Duration,
    /// How long a new connection may stay silent after its TLS handshake.
    pub first_message_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// TLS handshakes under way at once; further connections wait in the listener's backlog.
    pub handshakes_max: usize,
    /// How long a session must hold before it proves the list it came through.
    pub stability: Duration,
    /// How long a device may try a list before it goes back.
    pub trial_timeout: fn(&Entries) -> Duration,
    /// How long an answer to a push may take; the question is repeated once.
    pub answer_timeout: Duration,
    /// When something that could not be put on record is reported again.
    pub report_retry: Duration,
    /// When the directory is asked again about a device that waits, should a wake-up have been lost.
    pub waiting_recheck: Duration,
    /// Seconds over which devices spread their reconnects after a loss.
    pub reconnect_spread_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_alive_s: 10,
            device_silence_limit_s: 30,
            evict_after: Duration::from_secs(45),
            first_message_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(5),
            handshakes_max: 64,
            stability: Duration::from_secs(20),
            trial_timeout: one_pass_and_stability,
            answer_timeout: Duration::from_secs(10),
            report_retry: Duration::from_secs(5),
            waiting_recheck: Duration::from_secs(30),
            reconnect_spread_s: 2,
        }
    }
}

/// One full pass (two attempts of 10 s on each entry, 1 s apart) and 20 s, at least 60 s.
fn one_pass_and_stability(entries: &Entries) -> Duration {
    let attempts = 2 * u64::try_from(entries.len()).unwrap_or(u64::MAX / 64);
    let full_pass = attempts * 10 + (attempts - 1);
    Duration::from_secs((full_pass + 20).max(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_lasts_a_full_pass_and_the_stability_time() {
        let of =
            |n: i64| one_pass_and_stability(&Entries::parse((1..=n).map(|p| (p, "192.0.2.1", 50_000 + p))).unwrap());
        assert_eq!(of(1), Duration::from_secs(60));
        assert_eq!(of(2), Duration::from_secs(63));
        assert_eq!(of(8), Duration::from_secs(195));
    }
}
