//! How a failover went: another server fell silent, and its devices came to those that answer.

use super::store::Presence;
use crate::{Service, changes::Change};
use model::{Fault, Outage};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A device that comes later was away for another reason.
const LIMIT: Duration = Duration::from_secs(600);
/// So many are shown.
const SHOWN: u32 = 20;

/// The servers that are silent now.
#[derive(Debug, Default)]
pub(crate) struct Outages(Mutex<BTreeMap<String, Watched>>);

#[derive(Debug)]
struct Watched {
    outage: Outage,
    lost: Instant,
    /// Devices that it held and that were not seen elsewhere since.
    awaited: BTreeSet<u32>,
    written: bool,
}

impl Watched {
    fn moved(&mut self, device: u32, after: Duration) {
        if after > LIMIT || !self.awaited.remove(&device) {
            return;
        }
        let (outage, ms) = (&mut self.outage, whole_ms(after));
        outage.moved += 1;
        outage.last_ms = Some(ms.max(outage.last_ms.unwrap_or_default()));
        if outage.moved * 2 >= outage.devices && outage.half_ms.is_none() {
            outage.half_ms = outage.last_ms;
        }
        self.written = false;
    }
}

impl Outages {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device has registered on this server.
    pub(crate) fn note_device(&self, device: u32, server: &str, now: Instant) {
        for (_, watched) in self.lock().iter_mut().filter(|(lost, _)| *lost != server) {
            let after = now.saturating_duration_since(watched.lost);
            watched.moved(device, after);
        }
    }

    /// This server has taken the role over.
    pub(crate) fn note_takeover(&self, now: Instant) {
        for watched in self.lock().values_mut() {
            let after = now.saturating_duration_since(watched.lost);
            watched.outage.active_ms.get_or_insert(whole_ms(after));
            watched.written = false;
        }
    }
}

impl Service {
    /// Another server has fallen silent: from now on it is watched where its devices go. Nothing is new if it is watched already, or
    /// was not heard since this server's start.
    pub(crate) async fn begin_outage(&self, server: &str) -> Result<(), Fault> {
        let now = Instant::now();
        let Some(peer) = self.peers.peers().into_iter().find(|peer| peer.facts.id == server) else { return Ok(()) };
        let (Some(silent), Some(lost_at)) = (peer.silent_for(now), peer.last_heard) else { return Ok(()) };
        if self.outages.lock().contains_key(server) {
            return Ok(());
        }
        let held = held_by(server, &lost_at, self.store.list_presences().await?);
        let watched = Watched {
            outage: Outage {
                server: server.to_owned(),
                server_name: peer.facts.name,
                lost_at: lost_at.clone(),
                heard_at: None,
                active_ms: self.took_over_after(&lost_at).await?,
                devices: held.len() as u64,
                moved: 0,
                half_ms: None,
                last_ms: None,
            },
            lost: now.checked_sub(silent).unwrap_or(now),
            awaited: held.into_iter().map(|(device, _)| device).collect(),
            written: false,
        };
        self.outages.lock().insert(server.to_owned(), watched);
        // A device may have noticed sooner than this server, or come in this moment.
        let mut here: Vec<(Duration, u32)> = held_by(server, &lost_at, self.store.list_presences().await?)
            .into_iter()
            .filter_map(|(device, after)| Some((after?, device)))
            .collect();
        here.sort_unstable();
        if let Some(watched) = self.outages.lock().get_mut(server) {
            here.into_iter().for_each(|(after, device)| watched.moved(device, after));
        }
        Ok(())
    }

    /// That server is heard again.
    pub(crate) async fn end_outage(&self, server: &str) -> Result<(), Fault> {
        let Some(Watched { mut outage, .. }) = self.outages.lock().remove(server) else { return Ok(()) };
        outage.heard_at = Some(self.clock.now_text());
        Ok(self.store.put_outage(&outage).await?)
    }

    /// Puts on record what is new of the servers that are silent. To be called about once a second.
    ///
    /// # Errors
    ///
    /// The store fails; it is tried again.
    pub(crate) async fn write_outages(&self) -> Result<(), Fault> {
        let new: Vec<Outage> = {
            let mut outages = self.outages.lock();
            let unwritten = outages.values_mut().filter(|watched| !watched.written);
            let written = |watched: &mut Watched| {
                watched.written = true;
                watched.outage.clone()
            };
            unwritten.map(written).collect()
        };
        for outage in &new {
            if let Err(error) = self.store.put_outage(outage).await {
                if let Some(watched) = self.outages.lock().get_mut(&outage.server) {
                    watched.written = false;
                }
                return Err(error.into());
            }
        }
        if !new.is_empty() {
            self.changed(Change::Server);
        }
        Ok(())
    }

    /// The newest times in which another server did not answer, as this one saw them; newest first.
    pub async fn list_outages(&self) -> Result<Vec<Outage>, Fault> {
        Ok(self.store.list_outages(SHOWN).await?)
    }

    /// With a shared database the role is taken over before the silence is noticed.
    async fn took_over_after(&self, lost_at: &str) -> Result<Option<u64>, Fault> {
        let newest = self.store.list_epochs().await?.into_iter().next();
        let own = newest.filter(|epoch| epoch.server_id == self.identity.server_id && epoch.kind == "takeover");
        Ok(own.and_then(|epoch| between(lost_at, &epoch.promoted_at)).map(whole_ms))
    }
}

/// The devices that a server held when it was lost, and how long after that each registered elsewhere, if it did.
fn held_by(server: &str, lost_at: &str, presences: Vec<Presence>) -> Vec<(u32, Option<Duration>)> {
    let mut seen: HashMap<u32, Vec<Presence>> = HashMap::new();
    for presence in presences {
        seen.entry(presence.device_id).or_default().push(presence);
    }
    let order =
        |a: &&Presence, b: &&Presence| (a.connection_sequence, &a.since).cmp(&(b.connection_sequence, &b.since));
    let held = |(device, seen): (u32, Vec<Presence>)| {
        let newest = seen.iter().max_by(order)?;
        let there = seen.iter().any(|one| one.server_id == server && one.ended_at.is_none());
        match (newest.server_id == server, between(lost_at, &newest.since)) {
            _ if !there => None,
            (true, _) => Some((device, None)),
            (false, Some(after)) => Some((device, newest.ended_at.is_none().then_some(after))),
            // It had left before.
            (false, None) => None,
        }
    };
    seen.into_iter().filter_map(held).collect()
}

/// From one time to a later one; `None` if it is no later.
fn between(earlier: &str, later: &str) -> Option<Duration> {
    let parsed = |at: &str| OffsetDateTime::parse(at, &Rfc3339).ok();
    Duration::try_from(parsed(later)? - parsed(earlier)?).ok()
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: &str = "2026-11-28T12:00:00.000Z";

    fn presence(server: &str, device_id: u32, sequence: u64, since: &str, ended: bool) -> Presence {
        let ended_at = ended.then(|| "2026-11-28T12:30:00.000Z".to_owned());
        Presence {
            server_id: server.to_owned(),
            device_id,
            since: since.to_owned(),
            ended_at,
            connection_sequence: sequence,
        }
    }

    #[test]
    fn a_device_is_awaited_if_it_was_there_when_the_server_was_lost() {
        let before = "2026-11-28T11:00:00.000Z";
        let after = "2026-11-28T12:00:03.500Z";
        let mut held = held_by(
            "one",
            LOST,
            vec![
                presence("one", 1, 1, before, false),
                // Gone before.
                presence("one", 2, 1, before, true),
                presence("one", 3, 1, before, false),
                presence("two", 3, 2, before, false),
                // Quicker than this server.
                presence("one", 4, 1, before, false),
                presence("two", 4, 2, after, false),
                // Its session elsewhere has ended again.
                presence("one", 5, 1, before, false),
                presence("two", 5, 2, after, true),
                presence("two", 6, 1, before, false),
            ],
        );
        held.sort_unstable();
        assert_eq!(held, [(1, None), (4, Some(Duration::from_millis(3500))), (5, None)]);
    }

    #[test]
    fn an_outage_times_half_and_last_device_and_skips_late_ones() {
        let lost = Instant::now();
        let outages = Outages::default();
        let outage = Outage {
            server: "one".to_owned(),
            server_name: "One".to_owned(),
            lost_at: LOST.to_owned(),
            heard_at: None,
            active_ms: None,
            devices: 3,
            moved: 0,
            half_ms: None,
            last_ms: None,
        };
        let watched = Watched { outage, lost, awaited: [1, 2, 3].into(), written: true };
        outages.lock().insert("one".to_owned(), watched);
        for (device, seconds) in [(1, 2), (9, 3), (1, 4), (2, 5), (3, 601)] {
            outages.note_device(device, "two", lost + Duration::from_secs(seconds));
        }
        outages.note_device(2, "one", lost + Duration::from_secs(6));
        outages.note_takeover(lost + Duration::from_secs(6));
        outages.note_takeover(lost + Duration::from_secs(60));
        let watched = &outages.lock()["one"];
        let Outage { moved, half_ms, last_ms, active_ms, .. } = watched.outage;
        assert_eq!((moved, half_ms, last_ms, active_ms), (2, Some(5000), Some(5000), Some(6000)));
        assert!(!watched.written);
    }
}
