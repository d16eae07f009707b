//! How ready the servers are for one another's failure.

use super::{Gauges, registered::Registered, set, sometimes::Sometimes};
use crate::Service;
use model::{CopyFacts, Replication, ReplicationPart, Role};
use prometheus_client::registry::Unit;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

#[derive(Debug)]
pub(super) struct FailoverMetrics {
    quorum: QuorumMetrics,
    copy: CopyMetrics,
    replication: ReplicationMetrics,
    pause: Gauges,
    divergent_changes: Sometimes,
    waiting_devices: Sometimes,
    events_to_tell: Sometimes,
    certificate_left: Sometimes,
    lease_held: Sometimes,
}

#[derive(Debug)]
struct QuorumMetrics {
    wanted: Sometimes,
    in_force: Sometimes,
    refused: Sometimes,
    electors: Sometimes,
    held: Sometimes,
}

#[derive(Debug)]
struct CopyMetrics {
    missing: Sometimes,
    restore_test_passed: Sometimes,
    restore_test_age: Sometimes,
}

#[derive(Debug)]
struct ReplicationMetrics {
    replicas: Sometimes,
    synchronous: Sometimes,
    slot_bytes: Gauges,
    slots_lost: Sometimes,
}

impl FailoverMetrics {
    pub(super) fn new(to: &mut Registered) -> Self {
        Self {
            quorum: QuorumMetrics::new(to),
            copy: CopyMetrics::new(to),
            replication: ReplicationMetrics::new(to),
            pause: to.empty("biostar_pause", None, "reason", "Why a server that was active is read-only; always 1"),
            divergent_changes: to.empty(
                "biostar_divergent_changes",
                None,
                "",
                "Changes that only this server had when it was overtaken, and that nobody has dealt with",
            ),
            waiting_devices: to.empty(
                "biostar_waiting_devices",
                None,
                "",
                "Devices that ask to belong to the installation",
            ),
            events_to_tell: to.empty(
                "biostar_events_to_tell",
                None,
                "",
                "On a standby: events that it has and the active server has not taken over",
            ),
            certificate_left: to.empty(
                "biostar_certificate_left",
                Some(Unit::Seconds),
                "",
                "How long this server's own certificate is still good; below 0 once it has ended",
            ),
            lease_held: to.empty(
                "biostar_lease_held",
                None,
                "",
                "With a shared database file: whether this server holds the lease on it: 1 or 0",
            ),
        }
    }

    /// Asks the service; what it cannot say now is missing.
    pub(super) async fn look(&self, service: &Service) {
        self.quorum.look(service).await;
        self.copy.look(service);
        self.replication.look(service.own_replication());
        self.pause.clear();
        if let Some(pause) = service.roles.now().pause {
            set(&self.pause, "reason", pause.word().to_owned(), 1.0);
        }
        let store = &service.store;
        self.divergent_changes.set(store.count_divergent_changes().await.ok().map(|open| open as f64));
        self.waiting_devices.set(store.list_waiting().await.ok().map(|waiting| waiting.len() as f64));
        let to_tell = if service.role() == Role::Standby { store.count_events_to_tell().await.ok() } else { None };
        self.events_to_tell.set(to_tell.map(|events| events as f64));
        let now = service.clock.now().unix_timestamp() as f64;
        self.certificate_left.set(service.keys.certificate_ends_unix_s().map(|ends| ends as f64 - now));
        self.lease_held.set(service.holds_lease().map(f64::from));
    }
}

impl QuorumMetrics {
    fn new(to: &mut Registered) -> Self {
        Self {
            wanted: to.empty("biostar_quorum_wanted", None, "", "Whether operators want automatic promotion: 1 or 0"),
            in_force: to.empty(
                "biostar_quorum_in_force",
                None,
                "",
                "Whether a standby may take over by itself, as this server knows: 1 or 0",
            ),
            refused: to.empty(
                "biostar_quorum_refused",
                None,
                "",
                "Whether something keeps automatic promotion from being in force although it is wanted: 1 or 0",
            ),
            electors: to.empty("biostar_quorum_electors", None, "", "Devices that count for an automatic promotion"),
            held: to.empty("biostar_quorum_held", None, "", "How many of them answer this server"),
        }
    }

    async fn look(&self, service: &Service) {
        let seen = service.automatic_promotion().await.ok().filter(|seen| seen.possible);
        let seen = seen.as_ref();
        self.wanted.set(seen.map(|seen| f64::from(seen.wanted)));
        self.in_force.set(seen.map(|seen| f64::from(seen.in_force)));
        self.refused.set(seen.map(|seen| f64::from(seen.note.is_some())));
        self.electors.set(seen.map(|seen| seen.electors as f64));
        self.held.set(seen.map(|seen| seen.electors_here as f64));
    }
}

impl CopyMetrics {
    fn new(to: &mut Registered) -> Self {
        Self {
            missing: to.empty(
                "biostar_copy_missing_changes",
                None,
                "",
                "On a standby: changes that the active server was heard to have and the copy lacks",
            ),
            restore_test_passed: to.empty(
                "biostar_restore_test_passed",
                None,
                "",
                "On a standby: whether its copy would have served when a restore of it was last tested: 1 or 0",
            ),
            restore_test_age: to.empty(
                "biostar_restore_test_age",
                Some(Unit::Seconds),
                "",
                "On a standby: how long ago a restore of its copy was last tested",
            ),
        }
    }

    fn look(&self, service: &Service) {
        let copy: Option<CopyFacts> = service.own_copy();
        let newest = service.peers.peers().into_iter().filter_map(|peer| peer.change).max();
        let missing = copy.as_ref().zip(newest).map(|(copy, newest)| newest.saturating_sub(copy.change));
        self.missing.set(missing.map(|changes| changes as f64));
        let restore_test = copy.and_then(|copy| copy.restore_test);
        self.restore_test_passed.set(restore_test.as_ref().map(|restore_test| f64::from(restore_test.flaw.is_none())));
        let at = restore_test.and_then(|restore_test| OffsetDateTime::parse(&restore_test.at, &Rfc3339).ok());
        self.restore_test_age.set(at.map(|at| (service.clock.now() - at).as_seconds_f64().max(0.0)));
    }
}

impl ReplicationMetrics {
    fn new(to: &mut Registered) -> Self {
        Self {
            replicas: to.empty("biostar_replicas", None, "", "On a server with a primary: replicas that follow it"),
            synchronous: to.empty(
                "biostar_replicas_synchronous",
                None,
                "",
                "On a server with a primary: replicas that it waits for",
            ),
            slot_bytes: to.empty(
                "biostar_replication_slot",
                Some(Unit::Bytes),
                "slot",
                "On a server with a primary: log that it keeps for a replica, by slot",
            ),
            slots_lost: to.empty(
                "biostar_replication_slots_lost",
                None,
                "",
                "On a server with a primary: slots whose log is gone, so that their replicas must be made anew",
            ),
        }
    }

    fn look(&self, seen: Option<Replication>) {
        let primary = seen.filter(|seen| seen.part == ReplicationPart::Primary);
        self.slot_bytes.clear();
        for slot in primary.iter().flat_map(|seen| &seen.slots) {
            if let Some(kept) = slot.kept_bytes {
                set(&self.slot_bytes, "slot", slot.name.clone(), kept as f64);
            }
        }
        let primary = primary.as_ref();
        self.replicas.set(primary.map(|seen| seen.replicas.len() as f64));
        self.synchronous
            .set(primary.map(|seen| seen.replicas.iter().filter(|one| one.is_synchronous()).count() as f64));
        self.slots_lost.set(primary.map(|seen| seen.slots.iter().filter(|slot| slot.is_lost()).count() as f64));
    }
}
