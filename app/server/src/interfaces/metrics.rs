//! What is measured, for Prometheus. Names and units are its conventions; no label ever names a device.

mod failover;
mod listener;
mod peers;
mod process;
mod registered;
mod requests;
mod sometimes;

pub(crate) use listener::serve;
pub use registered::Described;
pub(crate) use requests::measure;

use crate::Service;
use failover::FailoverMetrics;
use gateway::{
    server::{Progress, Tally},
    wire::EventUpload,
};
use model::{DeviceQuery, Role};
use peers::PeerMetrics;
use process::ProcessMetrics;
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Unit,
};
use registered::Registered;
use sometimes::Sometimes;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Names and values; the values are of few kinds.
type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Counters = Family<Labels, Counter>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Everything that is measured of one server.
#[derive(Debug)]
pub struct Metrics {
    registered: Registered,
    devices: Sometimes,
    devices_connected: Gauge,
    sessions_opened: Counter,
    session_losses: Counters,
    handshakes: Counters,
    push_transitions: Counters,
    events_stored: Counter,
    event_store: Histogram,
    http_request: Histograms,
    peers: PeerMetrics,
    role: Gauges,
    epoch: Gauge,
    copy_age: Sometimes,
    copy_size: Sometimes,
    replication_lag: Sometimes,
    copy_duration: Histogram,
    copy_failures: Counter,
    failover: FailoverMetrics,
    process: ProcessMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut to = Registered::default();
        let build: Gauges = to.empty("biostar_build_info", None, "version", "Which program this is; always 1");
        set(&build, "version", env!("CARGO_PKG_VERSION").to_owned(), 1.0);
        Self {
            devices: to.empty("biostar_devices", None, "", "Devices that belong to the installation"),
            devices_connected: to.empty("biostar_devices_connected", None, "", "Devices that are registered at this server now"),
            sessions_opened: to.empty("biostar_sessions_opened", None, "", "Registrations of devices at this server"),
            session_losses: to.empty("biostar_session_losses", None, "reason", "Sessions of devices that ended at this server, by why"),
            handshakes: to.empty(
                "biostar_handshakes",
                None,
                "outcome",
                "Connections to the device port: TLS in full, resumed, failed, or devices turned away because too many came at once",
            ),
            push_transitions: to.empty(
                "biostar_push_transitions",
                None,
                "state",
                "What devices reported here of the lists pushed to them: staged, probed, trial, committed, rolled_back",
            ),
            events_stored: to.empty("biostar_events_stored", None, "", "Events that devices brought and that are durable here"),
            event_store: to.add(
                "biostar_event_store",
                Some(Unit::Seconds),
                "",
                "From a device's upload of events until it is durable",
                Histogram::new(exponential_buckets(0.001, 2.5, 10)),
            ),
            http_request: to.add(
                "biostar_http_request",
                Some(Unit::Seconds),
                "route, status",
                "From a request until its answer begins, by route (other: none of them) and status code",
                Histograms::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 3.0, 9))),
            ),
            peers: PeerMetrics::new(&mut to),
            role: to.empty("biostar_role", None, "role", "1 for the role that this server has, 0 for the others"),
            epoch: to.empty("biostar_epoch", None, "", "How many times the active role has moved, as this server knows it"),
            copy_age: to.empty(
                "biostar_copy_age",
                Some(Unit::Seconds),
                "",
                "On a standby: how long ago its copy of the database was taken; it is taken after each change, and not without one",
            ),
            copy_size: to.empty("biostar_copy_size", Some(Unit::Bytes), "", "On a standby: the size of its copy of the database"),
            replication_lag: to.empty(
                "biostar_replication_lag",
                Some(Unit::Bytes),
                "",
                "On a standby with a replica: log that the active server's database has and its own lacks",
            ),
            copy_duration: to.add(
                "biostar_copy_duration",
                Some(Unit::Seconds),
                "",
                "On a standby: from the offer of a copy until it is in use",
                Histogram::new(exponential_buckets(0.01, 3.0, 9)),
            ),
            copy_failures: to.empty("biostar_copy_failures", None, "", "On a standby: copies that were not put to use"),
            failover: FailoverMetrics::new(&mut to),
            process: ProcessMetrics::new(&mut to),
            registered: to,
        }
    }
}

impl Metrics {
    /// Every metric, in the order in which it is told.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        self.registered.described()
    }

    /// A device was registered.
    pub fn session_opened(&self) {
        self.sessions_opened.inc();
    }

    /// A device's session ended; `reason` is one of a few.
    pub fn session_lost(&self, reason: &'static str) {
        self.session_losses.get_or_create(&vec![("reason", reason.replace(' ', "_"))]).inc();
    }

    /// A device reported what became of a list.
    pub fn progressed(&self, progress: &Progress) {
        let state = match progress {
            Progress::Staged(_) => "staged",
            Progress::Probed(..) => "probed",
            Progress::Trial(_) => "trial",
            Progress::Committed(_) => "committed",
            Progress::Unproven(..) | Progress::StageRefused(..) | Progress::RolledBack(_) => "rolled_back",
        };
        self.push_transitions.get_or_create(&vec![("state", state.to_owned())]).inc();
    }

    /// A device's upload was taken in, or could not be, after so long.
    pub fn uploaded(&self, upload: &EventUpload, stored: bool, took: Duration) {
        self.event_store.observe(took.as_secs_f64());
        if let (EventUpload::Events { events, .. }, true) = (upload, stored) {
            self.events_stored.inc_by(events.len() as u64);
        }
    }

    /// A copy was put to use, or not, after so long.
    pub fn copied(&self, used: bool, took: Duration) {
        if used {
            self.copy_duration.observe(took.as_secs_f64());
        } else {
            self.copy_failures.inc();
        }
    }

    fn requested(&self, route: String, status: u16, took: Duration) {
        let labels = vec![("route", route), ("status", status.to_string())];
        self.http_request.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// All of it as it is now, in OpenMetrics' text format. What the store cannot say now is missing.
    pub(crate) async fn tell(&self, service: &Service) -> String {
        if let Some(gateway) = service.gateway.get() {
            self.devices_connected.set(i64::try_from(gateway.connected()).unwrap_or(i64::MAX));
            self.tally(gateway.tally());
        }
        self.peers.look(service).await;
        let one = DeviceQuery { limit: Some(1), ..DeviceQuery::default() };
        self.devices.set(service.list_devices(one).await.ok().map(|page| page.total as f64));
        let now = service.roles.now();
        self.epoch.set(i64::try_from(now.epoch.number).unwrap_or(i64::MAX));
        for (role, name) in [(Role::Active, "active"), (Role::Standby, "standby"), (Role::ReadOnly, "read_only")] {
            set(&self.role, "role", name.to_owned(), f64::from(now.role == role));
        }
        let copy = service.store.copy();
        self.copy_size.set(copy.as_ref().map(|copy| copy.size as f64));
        let taken = copy.and_then(|copy| OffsetDateTime::parse(&copy.taken_at, &Rfc3339).ok());
        self.copy_age.set(taken.map(|taken| (service.clock.now() - taken).as_seconds_f64().max(0.0)));
        let lag = service.own_replication().and_then(|seen| seen.lag_bytes);
        self.replication_lag.set(lag.map(|bytes| bytes as f64));
        self.failover.look(service).await;
        self.process.look();
        self.registered.text()
    }

    fn tally(&self, tally: Tally) {
        let Tally { full, resumed, failed, turned_away } = tally;
        for (outcome, count) in [("full", full), ("resumed", resumed), ("failed", failed), ("turned_away", turned_away)]
        {
            let counter = self.handshakes.get_or_create(&vec![("outcome", outcome.to_owned())]);
            counter.inner().store(count, Ordering::Relaxed);
        }
    }
}

fn set(gauges: &Gauges, label: &'static str, value: String, number: f64) {
    gauges.get_or_create(&vec![(label, value)]).set(number);
}

#[cfg(test)]
mod tests;
