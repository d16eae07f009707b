//! Where a device stands: what the database says of it and what the servers saw of it, as one picture.

use super::store::{DeviceRecord, ReportedList, Revision, Sighting};
use crate::Service;
use model::{
    Connection, DeviceInfo, DeviceServers, DeviceStatus, Fault, ListVersion, Missing, ProbeTable, Push, PushState,
};

/// The highest revision that is counted on from: JSON's readers know no higher whole numbers.
pub(crate) const MAX_NUMBER: u64 = 1 << 52;

/// Of a list that may lead nowhere.
const UNPROVEN: &str = "The device is connected to none of these servers, and none has passed its last test. It tries them \
                        from its own network before it uses the list.";

/// How often a device that keeps changing is looked at anew.
const MAX_LOOKS: u32 = 4;

/// A device with its lists and its newest sighting.
pub(crate) struct Standing {
    pub(crate) device: DeviceRecord,
    /// The revision it should hold.
    pub(crate) wanted: Revision,
    pub(crate) push: Option<Push>,
    /// The list it keeps as it said itself, if it ever registered.
    reported: Option<ReportedList>,
    /// That list in the database, or else the newest one the database knows the device to keep.
    pub(crate) kept: Option<Revision>,
    sightings: Vec<Sighting>,
    /// What the device found when it last tried servers.
    probe: Option<ProbeTable>,
}

impl Standing {
    /// Refuses an edit that is based on another revision than the wanted one.
    pub(crate) fn require_revision(&self, base: u64) -> Result<(), Fault> {
        if base == self.device.wanted_revision { Ok(()) } else { Err(self.conflict()) }
    }

    /// Somebody else was first.
    pub(crate) fn conflict(&self) -> Fault {
        Fault::Conflict { revision: self.wanted.number, by: self.wanted.created_by.clone() }
    }

    /// What the device said of itself last.
    pub(crate) fn info(&self) -> &DeviceInfo {
        newest(&self.sightings).map_or(&self.device.info, |sighting| &sighting.info)
    }

    /// The number of the list that the device keeps, as it said itself; 0 if it never did.
    pub(crate) fn reported_number(&self) -> u64 {
        // A device that counts wildly gets no further than numbers that every interface can tell.
        self.reported.as_ref().map_or(0, |reported| reported.number.min(MAX_NUMBER))
    }

    fn committed(&self) -> Option<ListVersion> {
        let version = |revision: &Revision| ListVersion {
            revision: revision.number,
            entries: revision.entries.clone(),
            settings: Some(revision.settings.clone()),
            hash: revision.hash.clone(),
        };
        match (&self.reported, &self.kept) {
            (Some(reported), Some(kept)) if reported.hash == kept.hash => Some(version(kept)),
            // A list the database does not know: its name is all there is to show.
            (Some(reported), _) => Some(ListVersion {
                revision: reported.number,
                entries: Vec::new(),
                settings: None,
                hash: reported.hash.clone(),
            }),
            (None, kept) => kept.as_ref().map(version),
        }
    }
}

impl Service {
    /// Everything about one device, as it was at one moment.
    pub(crate) async fn standing_of(&self, id: u32) -> Result<Standing, Fault> {
        let mut standing = self.look_at(id).await?;
        for _ in 1..MAX_LOOKS {
            // A list that was saved, kept or given up meanwhile must not be shown half.
            let again = self.store.find_device(id).await?.ok_or_else(|| no_such(id))?;
            let seen = (standing.device.wanted_revision, standing.device.committed_revision);
            if seen == (again.wanted_revision, again.committed_revision) {
                break;
            }
            standing = self.look_at(id).await?;
        }
        Ok(standing)
    }

    async fn look_at(&self, id: u32) -> Result<Standing, Fault> {
        let device = self.store.find_device(id).await?.ok_or_else(|| no_such(id))?;
        let wanted = self.store.find_revision(id, device.wanted_revision).await?.ok_or_else(|| {
            tracing::error!(device = id, revision = device.wanted_revision, "the database lacks a wanted revision");
            Fault::Internal
        })?;
        let sightings = self.store.list_sightings_of(id).await?;
        let reported = newest(&sightings)
            // What it said before it was accepted anew is about the list it had before.
            .filter(|sighting| {
                sighting.since >= device.accepted_at || Some(sighting.committed.number) >= device.committed_revision
            })
            .map(|sighting| sighting.committed.clone());
        let mut kept = match &reported {
            Some(reported) => self.store.find_revision_by_hash(id, &reported.hash).await?,
            None => None,
        };
        if let (None, Some(number)) = (&kept, device.committed_revision) {
            kept = self.store.find_revision(id, number).await?;
        }
        let push = match self.store.find_newest_push(id).await? {
            Some(push) => Some(self.with_outcome(id, push).await?),
            None => None,
        };
        let probe = self.store.find_probe(id).await?;
        Ok(Standing { device, wanted, push, reported, kept, sightings, probe })
    }

    /// A standby's copy lags behind what it saw itself.
    async fn with_outcome(&self, device: u32, push: Push) -> Result<Push, Fault> {
        if push.state.is_final() {
            return Ok(push);
        }
        let Some(revision) = self.store.find_revision(device, push.revision).await? else { return Ok(push) };
        let Some(outcome) = self.store.find_outcome(device, &revision.hash).await? else { return Ok(push) };
        Ok(Push {
            state: outcome.state.into(),
            reason: outcome.reason,
            failures: outcome.failures,
            updated_at: outcome.seen_at,
            ..push
        })
    }

    /// A device's servers as every interface shows them.
    pub(crate) fn servers_of(&self, standing: &Standing) -> DeviceServers {
        let connected = self.connection_of(&standing.sightings);
        let mut servers = DeviceServers {
            revision: standing.wanted.number,
            entries: standing.wanted.entries.clone(),
            hash: standing.wanted.hash.clone(),
            committed: standing.committed(),
            settings: standing.wanted.settings.clone(),
            push: standing.push.clone(),
            probe: standing.probe.clone(),
            moved: self.move_of(standing.device.id, connected.as_ref()),
            connected,
        };
        doubt(&mut servers);
        servers
    }

    /// When the device was last heard of, and whether it is here.
    pub(crate) fn presence_of(&self, standing: &Standing) -> (DeviceStatus, Option<String>) {
        let connection = self.connection_of(&standing.sightings);
        (status_of(connection.as_ref()), self.last_seen_of(&standing.sightings))
    }

    /// The session a device holds: the newest one that lives, on a server that answers.
    pub(crate) fn connection_of(&self, sightings: &[Sighting]) -> Option<Connection> {
        let live = sightings.iter().filter(|sighting| self.is_live(sighting)).max_by(|a, b| order(a).cmp(&order(b)))?;
        Some(Connection {
            address: live.address.clone(),
            port: live.port,
            priority: live.priority,
            server: live.server_id.clone(),
            server_name: self.name_of_server(&live.server_id),
            since: live.since.clone(),
        })
    }

    /// When the device was last heard of; now, while it is connected.
    pub(crate) fn last_seen_of(&self, sightings: &[Sighting]) -> Option<String> {
        if sightings.iter().any(|sighting| self.is_live(sighting)) {
            return Some(self.clock.now_text());
        }
        // A server that was lost took its sessions along: they lasted as long as it was heard.
        let left = |sighting: &Sighting| match &sighting.ended_at {
            Some(at) => at.clone(),
            None => self.peers.last_heard_of(&sighting.server_id).unwrap_or_default().max(sighting.since.clone()),
        };
        sightings.iter().map(left).max()
    }

    fn is_live(&self, sighting: &Sighting) -> bool {
        sighting.ended_at.is_none() && self.peers.is_reachable(&sighting.server_id)
    }

    fn name_of_server(&self, server_id: &str) -> String {
        if server_id == self.identity.server_id {
            return self.identity.server_name.clone();
        }
        self.peers.name_of(server_id).unwrap_or_else(|| server_id.to_owned())
    }
}

/// Says of a list that the device has not looked at whether anything is known to be within its reach.
fn doubt(servers: &mut DeviceServers) {
    let proven = servers.entries.iter().any(|entry| servers.proven().any(|(address, port)| entry.is_at(address, port)));
    if let Some(push) = &mut servers.push
        && matches!(push.state, PushState::Pending | PushState::Staged)
        && push.reason.is_none()
        && !proven
    {
        push.reason = Some(UNPROVEN.to_owned());
    }
}

/// The sighting that speaks for the device.
pub(crate) fn newest(sightings: &[Sighting]) -> Option<&Sighting> {
    sightings.iter().max_by(|a, b| order(a).cmp(&order(b)))
}

/// Connected or not, as pages say it.
pub(crate) fn status_of(connection: Option<&Connection>) -> DeviceStatus {
    match connection {
        Some(_) => DeviceStatus::Connected,
        None => DeviceStatus::Disconnected,
    }
}

fn no_such(id: u32) -> Fault {
    Missing::Device { device: id }.into()
}

fn order(sighting: &Sighting) -> (u64, &str) {
    (sighting.connection_sequence, &sighting.since)
}
