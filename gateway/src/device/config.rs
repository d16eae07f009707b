//! The numbers a device runs by.

use crate::wire::{DeviceSettings, Failback};
use std::time::Duration;

/// Every wait, limit and count of the device; the defaults are the protocol's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long name, TCP and TLS of an attempt may take.
    pub connect_limit: Duration,
    /// How long the answer to a hello may take.
    pub registration_limit: Duration,
    /// How long a whole attempt may take.
    pub attempt_limit: Duration,
    /// How long the one attempt on the entry just lost may take.
    pub lost_entry_limit: Duration,
    /// Attempts on each entry in one pass over the list; at least 1.
    pub attempts_per_entry: u32,
    /// Between two attempts of a pass.
    pub attempt_pause: Duration,
    /// After a loss the device waits a random share of this, until a server advertises another value.
    pub spread: Duration,
    /// The longest advertised spread that is believed.
    pub spread_max: Duration,
    /// The full wait after the first pass that failed; it doubles with each further pass.
    pub backoff_first: Duration,
    /// The longest wait after a pass.
    pub backoff_max: Duration,
    /// A session of this length resets the backoff.
    pub stable_after: Duration,
    /// For so long an entry that refused the device comes last.
    pub penalty: Duration,
    /// After so many busy answers in a row it is the next entry's turn.
    pub busy_in_a_row: u32,
    /// The longest wait that a busy server may ask for.
    pub busy_max: Duration,
    /// Between two pings, unless the server says otherwise.
    pub keep_alive: Duration,
    /// Silence after which a session is lost, unless the server says otherwise.
    pub silence_limit: Duration,
    /// The longest silence limit that a server may ask for.
    pub silence_max: Duration,
    /// After so long without a session the previous list's entries are tried too, last.
    pub previous_list_after: Duration,
    /// The longest trial that is agreed to.
    pub trial_max: Duration,
    /// The wait before a server that lost events, or a ring that cannot be read, is tried again.
    pub event_pause: Duration,
    /// Events that the ring keeps; at least 1.
    pub ring_capacity: u64,
    /// Whether it goes back to a better server by itself.
    pub failback: Failback,
    /// Between two probes of a better server; a fifth more or less.
    pub probe_interval: Duration,
    /// On a server that is not active: until the active one is looked for again, if it was not found. It doubles each
    /// time, up to `probe_interval`.
    pub look_again: Duration,
    /// Successes in a row before the device goes back.
    pub probe_successes: u32,
    /// For so long a better server must have answered every probe.
    pub hold_down: Duration,
    /// The hold-down doubles up to this, each time that going back did not last.
    pub hold_down_max: Duration,
    /// A return that lasted for so long was a good one.
    pub steady_after: Duration,
    /// Devices go back within a random share of this.
    pub failback_spread: Duration,
    /// How long the attempt on the server that the device moves to may take.
    pub move_limit: Duration,
    /// A device whose certificate is to be renewed asks within a random share of this.
    pub renewal_spread: Duration,
    /// It asks again after so long, if the session lasts.
    pub renewal_retry: Duration,
    /// How long a name may take to resolve.
    pub name_limit: Duration,
    /// How long the last good answer for a name serves while it does not resolve.
    pub name_memory: Duration,
    /// While it is connected a device asks for the names of its list about so often, to have an answer when it needs one.
    pub name_refresh: Duration,
    /// When a name has several addresses, the next is tried this much later, while the earlier ones go on.
    pub race_delay: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_limit: Duration::from_secs(5),
            registration_limit: Duration::from_secs(5),
            attempt_limit: Duration::from_secs(10),
            lost_entry_limit: Duration::from_secs(5),
            attempts_per_entry: 2,
            attempt_pause: Duration::from_secs(1),
            spread: Duration::from_secs(2),
            spread_max: Duration::from_secs(600),
            backoff_first: Duration::from_secs(2),
            backoff_max: Duration::from_secs(60),
            stable_after: Duration::from_secs(60),
            penalty: Duration::from_secs(300),
            busy_in_a_row: 3,
            busy_max: Duration::from_secs(60),
            keep_alive: Duration::from_secs(10),
            silence_limit: Duration::from_secs(30),
            silence_max: Duration::from_secs(300),
            previous_list_after: Duration::from_secs(900),
            trial_max: Duration::from_secs(3600),
            event_pause: Duration::from_secs(1),
            ring_capacity: 50_000,
            failback: Failback::Auto,
            probe_interval: Duration::from_secs(60),
            look_again: Duration::from_secs(4),
            probe_successes: 3,
            hold_down: Duration::from_secs(300),
            hold_down_max: Duration::from_secs(3600),
            steady_after: Duration::from_secs(600),
            failback_spread: Duration::from_secs(120),
            move_limit: Duration::from_secs(10),
            renewal_spread: Duration::from_secs(60),
            renewal_retry: Duration::from_secs(3600),
            name_limit: Duration::from_secs(3),
            name_memory: Duration::from_secs(24 * 3600),
            name_refresh: Duration::from_secs(3600),
            race_delay: Duration::from_millis(250),
        }
    }
}

impl Config {
    /// These numbers, with what a list's settings say instead.
    #[must_use]
    pub fn with(&self, settings: &DeviceSettings) -> Self {
        let default = DeviceSettings::default();
        let said = |value: u32, default: u32, own: Duration| {
            if value == default { own } else { Duration::from_secs(value.into()) }
        };
        let connect_limit = said(settings.connect_limit_s, default.connect_limit_s, self.connect_limit);
        let registration_limit =
            said(settings.registration_limit_s, default.registration_limit_s, self.registration_limit);
        let own_limits = (connect_limit, registration_limit) == (self.connect_limit, self.registration_limit);
        let attempts = settings.attempts_per_entry;
        Self {
            failback: if settings.failback == default.failback { self.failback } else { settings.failback },
            hold_down: said(settings.hold_down_s, default.hold_down_s, self.hold_down),
            probe_interval: said(settings.probe_interval_s, default.probe_interval_s, self.probe_interval),
            failback_spread: said(settings.failback_spread_s, default.failback_spread_s, self.failback_spread),
            connect_limit,
            registration_limit,
            attempt_limit: if own_limits { self.attempt_limit } else { connect_limit + registration_limit },
            attempts_per_entry: if attempts == default.attempts_per_entry { self.attempts_per_entry } else { attempts },
            backoff_max: said(settings.backoff_max_s, default.backoff_max_s, self.backoff_max),
            previous_list_after: said(
                settings.previous_list_after_s,
                default.previous_list_after_s,
                self.previous_list_after,
            ),
            ..self.clone()
        }
    }
}
