//! Whether a server that was active before it was started still is: the other server says so, or half of the devices that
//! come back without knowing better.

use super::{peers_file::knows_others, role_changes::unwritten, roles::Pause, starts::Starts};
use crate::Service;
use gateway::wire::{DeviceId, Reason};
use model::{Fault, Role};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Who has to be heard before a server that was active resumes.
#[derive(Debug, Default)]
pub(crate) struct Confirmations(Mutex<StartupConfirmation>);

#[derive(Debug, Default)]
struct StartupConfirmation {
    /// The devices that know of no later epoch or start.
    devices: BTreeSet<u32>,
    alone: Option<Alone>,
}

/// Nobody but devices could know.
#[derive(Debug)]
struct Alone {
    /// The devices that were connected last.
    last: BTreeSet<u32>,
    /// How long this server waits for half of them.
    limit: Duration,
    /// Since when.
    since: Instant,
}

impl Confirmations {
    fn lock(&self) -> MutexGuard<'_, StartupConfirmation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are with this one, and of how many; `None` stands for all devices.
    fn note(&self, device: u32) -> (u64, Option<u64>) {
        let mut startup_confirmation = self.lock();
        startup_confirmation.devices.insert(device);
        match &startup_confirmation.alone {
            Some(Alone { last, .. }) => {
                (last.intersection(&startup_confirmation.devices).count() as u64, Some(last.len() as u64))
            }
            None => (startup_confirmation.devices.len() as u64, None),
        }
    }

    fn are_overdue(&self) -> bool {
        self.lock().alone.as_ref().is_some_and(|alone| alone.since.elapsed() >= alone.limit)
    }

    /// How long a server waits that has no other one to ask.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.lock().alone.as_ref().map(|alone| alone.limit)
    }
}

impl Service {
    /// Holds the role of an active server back until [`resume_active`](Self::resume_active). A server that knows no other one
    /// waits for half of the devices that it had last, `alone_for` at most: it may be an old image of itself.
    pub(crate) async fn hold_role_back(&self, knows_others: bool, alone_for: Duration) -> Result<(), Fault> {
        if self.is_starting() {
            self.confirmations.lock().devices.clear();
            return Ok(());
        }
        *self.confirmations.lock() = StartupConfirmation::default();
        if self.shares_its_database() || self.roles.role() != Role::Active || self.store.count_devices().await? == 0 {
            return Ok(());
        }
        if knows_others || self.store.servers().await?.len() > 1 {
            tracing::info!(
                "this server was active: it waits for the other server or half of its devices to say it still is"
            );
        } else {
            let last = self.store.list_last_connected(&self.identity.server_id).await?;
            if last.is_empty() || alone_for.is_zero() {
                return Ok(());
            }
            let (devices, seconds) = (last.len(), alone_for.as_secs());
            tracing::info!(
                devices,
                seconds,
                "this server was active: it waits for half of the devices that it had last, so that an old image of it \
                 is noticed"
            );
            self.confirmations.lock().alone = Some(Alone { last, limit: alone_for, since: Instant::now() });
        }
        self.roles.hold_back(Pause::Starting);
        Ok(())
    }

    /// The machine goes on from an image that holds its memory. What this server remembers may be of an earlier time, and a second
    /// machine may go on from the same image: this is another start of it, and the sessions of the first one are not its own.
    pub(crate) async fn go_on_from_image(&self, alone_for: Duration) -> Result<(), Fault> {
        let start = Starts::next(self.store.folder()).map_err(|error| unwritten(&error))?;
        tracing::warn!(
            start = start.now().number,
            "this machine goes on from an image with its memory: the server begins anew"
        );
        if let Some(quorum) = self.quorum.get() {
            quorum.begin_anew(start.now());
        }
        *self.start.lock().unwrap_or_else(PoisonError::into_inner) = start;
        self.hold_role_back(knows_others(self.store.folder()), alone_for).await?;
        for presence in self.store.list_presences().await? {
            let here = presence.server_id == self.identity.server_id && presence.ended_at.is_none();
            if let Some(gateway) = self.gateway.get().filter(|_| here) {
                gateway.close(DeviceId(presence.device_id), Reason::ShuttingDown, "this server begins anew");
            }
        }
        self.role_changed();
        Ok(())
    }

    /// A server without another one does not wait for ever. To be called about once a second.
    pub(crate) async fn resume_if_overdue(&self) -> Result<(), Fault> {
        if self.is_starting() && self.confirmations.are_overdue() {
            self.resume_active("no device has shown a later start of it").await?;
        }
        Ok(())
    }

    /// Somebody who would know says that no other server was made active.
    pub(crate) async fn resume_active(&self, because: &str) -> Result<(), Fault> {
        if self.roles.resume_from(&Pause::Starting) {
            tracing::info!(because, "this server is active again");
            self.adopt_own_local_database().await?;
            self.role_changed();
        }
        Ok(())
    }

    pub(crate) async fn note_confirmation(&self, device: u32) -> Result<(), Fault> {
        if !self.is_starting() || self.is_plain(device) {
            return Ok(());
        }
        let (startup_confirmation, of) = self.confirmations.note(device);
        let of = match of {
            Some(last) => last,
            None => self.store.count_devices().await?,
        };
        if startup_confirmation * 2 >= of {
            self.resume_active("half of its devices know no other").await?;
        }
        Ok(())
    }

    /// It waits to be told that its role still stands.
    pub(crate) fn is_starting(&self) -> bool {
        self.roles.now().pause == Some(Pause::Starting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cluster::starts::Start,
        fixture::{FIRST, Room, arrival, reported},
        fleet::Arrival,
    };
    use std::{fs, slice::from_ref};

    /// A server that had four devices last, and starts again.
    async fn restarted() -> (Room, Vec<Arrival>) {
        let (room, arrivals) = with_devices().await;
        room.service.end_earlier_sessions().await.unwrap();
        (room, arrivals)
    }

    /// A server with four devices.
    async fn with_devices() -> (Room, Vec<Arrival>) {
        let room = Room::active().await;
        let mut arrivals = Vec::new();
        for id in FIRST..FIRST + 4 {
            let list = reported(room.device(id).await.list.version());
            room.register(id, list.clone()).await;
            arrivals.push(arrival(100 + u64::from(id), id, list));
        }
        (room, arrivals)
    }

    async fn come(room: &Room, arrivals: &[Arrival]) {
        for arrival in arrivals {
            room.service.register_session(arrival).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_single_server_waits_for_half_of_the_devices_it_had_last() {
        let (room, arrivals) = restarted().await;
        // This one was not there when the server stopped.
        room.device(FIRST + 9).await;
        room.service.hold_role_back(false, Duration::from_secs(600)).await.unwrap();
        assert_eq!(room.service.role(), Role::ReadOnly);
        assert!(room.service.banners().await.iter().any(|banner| banner.text.contains("600 seconds at most")));
        come(&room, &arrivals[..1]).await;
        come(&room, from_ref(&arrivals[0])).await;
        room.service.resume_if_overdue().await.unwrap();
        assert_eq!(room.service.role(), Role::ReadOnly, "one of four");
        come(&room, &arrivals[1..2]).await;
        assert_eq!(room.service.role(), Role::Active);
    }

    #[tokio::test]
    async fn a_device_that_anybody_could_be_says_nothing_about_the_role() {
        let (room, arrivals) = restarted().await;
        room.service.let_in_plainly(BTreeSet::from([arrivals[0].device, arrivals[1].device]));
        room.service.hold_role_back(false, Duration::from_secs(600)).await.unwrap();
        come(&room, &arrivals[..2]).await;
        assert_eq!(room.service.role(), Role::ReadOnly);
        come(&room, &arrivals[2..]).await;
        assert_eq!(room.service.role(), Role::Active);
    }

    #[tokio::test]
    async fn a_server_whose_devices_stay_away_does_not_wait_for_ever() {
        let (room, _) = restarted().await;
        room.service.hold_role_back(false, Duration::from_millis(1)).await.unwrap();
        assert_eq!(room.service.role(), Role::ReadOnly);
        tokio::time::sleep(Duration::from_millis(2)).await;
        room.service.resume_if_overdue().await.unwrap();
        assert_eq!(room.service.role(), Role::Active);
    }

    #[tokio::test]
    async fn a_server_that_has_or_had_no_device_waits_for_none() {
        let room = Room::active().await;
        room.service.hold_role_back(false, Duration::from_secs(600)).await.unwrap();
        assert_eq!(room.service.role(), Role::Active);
        room.device(FIRST).await;
        room.service.hold_role_back(false, Duration::from_secs(600)).await.unwrap();
        assert_eq!(room.service.role(), Role::Active, "it never was connected");
    }

    #[tokio::test]
    async fn an_old_image_of_a_lone_server_stays_read_only() {
        let (room, mut arrivals) = restarted().await;
        room.service.hold_role_back(false, Duration::from_millis(1)).await.unwrap();
        let later = Start { number: 7, incarnation: "0011223344556677".to_owned() };
        let shown = later.on_the_wire(&room.service.keys, &room.service.identity.server_id);
        arrivals[0].starts = vec![shown];
        come(&room, &arrivals).await;
        room.service.resume_if_overdue().await.unwrap();
        let now = room.service.roles.now();
        assert_eq!((now.role, now.pause), (Role::ReadOnly, Some(Pause::Outdated)));
    }

    #[tokio::test]
    async fn an_old_image_that_goes_on_is_undone_by_no_device() {
        let (room, mut arrivals) = restarted().await;
        room.service.hold_role_back(false, Duration::from_millis(1)).await.unwrap();
        let later = Start { number: 7, incarnation: "0011223344556677".to_owned() };
        arrivals[0].starts = vec![later.on_the_wire(&room.service.keys, &room.service.identity.server_id)];
        come(&room, &arrivals[..1]).await;
        assert_eq!(room.service.roles.now().pause, Some(Pause::Outdated));
        // It is started again and an operator decides for it before any device is back: nobody has said which start overtook it.
        *room.service.overtaken_by.lock().unwrap() = None;
        room.service.go_on_from_here().unwrap();
        assert!(!room.service.start.lock().unwrap().are_overtaken_by(&later));
    }

    #[tokio::test]
    async fn a_machine_resumed_from_an_image_is_another_start() {
        let (room, mut arrivals) = with_devices().await;
        let first = room.service.start_now();
        let on_disk = fs::read(room.folder.path().join("start.json")).unwrap_or_default();
        room.service.go_on_from_image(Duration::from_secs(600)).await.unwrap();
        let second = room.service.start_now();
        assert!(second.number > first.number);
        assert_eq!(room.service.roles.now().pause, Some(Pause::Starting));
        come(&room, &arrivals[..1]).await;
        assert_eq!(room.service.role(), Role::ReadOnly, "one of four: those of before the image do not count");
        come(&room, &arrivals[1..2]).await;
        assert_eq!(room.service.role(), Role::Active);

        // Another machine goes on from the same image, and a device has met the first one.
        if on_disk.is_empty() {
            fs::remove_file(room.folder.path().join("start.json")).unwrap();
        } else {
            fs::write(room.folder.path().join("start.json"), on_disk).unwrap();
        }
        room.service.go_on_from_image(Duration::from_secs(600)).await.unwrap();
        assert_eq!(room.service.start_now().number, second.number);
        arrivals[0].starts = vec![second.on_the_wire(&room.service.keys, &room.service.identity.server_id)];
        come(&room, &arrivals[..1]).await;
        assert_eq!(room.service.roles.now().pause, Some(Pause::Outdated));
    }
}
