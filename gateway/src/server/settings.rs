//! The numbers a session server runs by.

use super::pressure::Room;
use crate::wire::ServerList;
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
    /// New sessions a second that this server can take, storms included.
    pub capacity_per_s: u32,
    /// How long a device waits for TCP and TLS, and then for its registration.
    pub device_patience: Duration,
    /// How long a session must hold before it proves the list it came through.
    pub stability: Duration,
    /// How long a device may try a list before it goes back.
    pub trial_timeout: fn(&ServerList) -> Duration,
    /// How long a device may take to try every entry of a list; the question is repeated once.
    pub probe_timeout: Duration,
    /// How long an answer to a push may take; the question is repeated once.
    pub answer_timeout: Duration,
    /// When something that could not be put on record is reported again.
    pub report_retry: Duration,
    /// When the directory is asked again about a device that waits, should a wake-up have been lost.
    pub waiting_recheck: Duration,
    /// Seconds over which devices spread their reconnects after a loss, at least; the more are connected, the more.
    pub reconnect_spread_s: u32,
}

impl Settings {
    /// How many connections may wait to be accepted, and how many devices for their admission: what can be served
    /// within half the time that a device waits. Whoever waited longer would be served for nothing.
    #[must_use]
    pub fn backlog(&self) -> u32 {
        let half_ms = self.device_patience.as_millis() / 2;
        let served = u128::from(self.capacity_per_s) * half_ms / 1000;
        u32::try_from(served).unwrap_or(u32::MAX).max(16)
    }

    /// How many devices are let ask to be admitted.
    pub(crate) fn room(&self) -> Room {
        Room { devices: self.backlog() as usize, wait: self.device_patience / 2 }
    }

    /// Waves that never ask more of another server like this one than half of what it can take.
    #[must_use]
    pub fn waves(&self) -> Waves {
        let pause = Duration::from_secs(4);
        Waves { size: (self.capacity_per_s.max(1) * 2) as usize, pause }
    }

    /// Seconds over which so many devices come back without ever filling the server: twice what it needs for them.
    #[must_use]
    pub fn spread_of(&self, devices: usize) -> u32 {
        let needed = (2 * devices).div_ceil(self.capacity_per_s.max(1) as usize);
        u32::try_from(needed)
            .unwrap_or(u32::MAX)
            .clamp(self.reconnect_spread_s, SPREAD_MAX_S.max(self.reconnect_spread_s))
    }
}

/// How devices are sent away: so many at once, then a pause in which they find another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waves {
    /// Devices told at the same time.
    pub size: usize,
    /// Until the next are told; each wave spreads its reconnects over it.
    pub pause: Duration,
}

/// No device stays away for longer.
const SPREAD_MAX_S: u32 = 120;
/// TLS handshakes at once on one core: enough to keep it busy, few enough that each ends soon.
const HANDSHAKES_PER_CORE: usize = 32;

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_alive_s: 10,
            device_silence_limit_s: 30,
            evict_after: Duration::from_secs(45),
            first_message_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(5),
            handshakes_max: HANDSHAKES_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from),
            capacity_per_s: 250,
            device_patience: Duration::from_secs(5),
            stability: Duration::from_secs(20),
            trial_timeout: one_pass_and_stability,
            probe_timeout: Duration::from_secs(15),
            answer_timeout: Duration::from_secs(10),
            report_retry: Duration::from_secs(5),
            waiting_recheck: Duration::from_secs(30),
            reconnect_spread_s: 2,
        }
    }
}

/// One full pass (with default settings two attempts of 10 s on each entry, 1 s apart) and 20 s, at least 60 s.
fn one_pass_and_stability(list: &ServerList) -> Duration {
    let settings = list.settings();
    let each = u64::from(settings.connect_limit_s) + u64::from(settings.registration_limit_s);
    let entries = u64::try_from(list.entries().len()).unwrap_or(u64::MAX / 1024);
    let attempts = u64::from(settings.attempts_per_entry) * entries;
    let full_pass = attempts * each + (attempts - 1);
    Duration::from_secs((full_pass + 20).max(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DeviceSettings, Entries};

    #[test]
    fn queues_are_as_long_as_half_a_devices_patience() {
        let of = |capacity_per_s, device_patience| Settings { capacity_per_s, device_patience, ..Settings::default() };
        assert_eq!(of(250, Duration::from_secs(5)).backlog(), 625);
        assert_eq!(of(1500, Duration::from_secs(2)).backlog(), 1500);
        assert_eq!(of(1, Duration::from_secs(1)).backlog(), 16);
    }

    #[test]
    fn the_spread_grows_with_the_devices() {
        let settings = Settings { capacity_per_s: 250, reconnect_spread_s: 2, ..Settings::default() };
        let spreads = [0, 250, 251, 1000, 10_000, 1_000_000].map(|devices| settings.spread_of(devices));
        assert_eq!(spreads, [2, 2, 3, 8, 80, 120]);
    }

    #[test]
    fn a_trial_lasts_a_full_pass_and_the_stability_time() {
        let list = |n: i64| {
            let entries = Entries::parse((1..=n).map(|p| (p, "192.0.2.1", 50_000 + p))).unwrap();
            ServerList::new(1, 1, None, entries)
        };
        let of = |n| one_pass_and_stability(&list(n));
        assert_eq!(of(1), Duration::from_secs(60));
        assert_eq!(of(2), Duration::from_secs(63));
        assert_eq!(of(8), Duration::from_secs(195));
        let patient = DeviceSettings { connect_limit_s: 30, registration_limit_s: 30, ..DeviceSettings::default() };
        assert_eq!(one_pass_and_stability(&list(2).with_settings(patient)), Duration::from_secs(263));
    }
}
