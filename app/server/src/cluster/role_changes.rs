//! What another server's promotion means for this one, and what a change of role brings with it.

use super::{
    roles::{Pause, RoleRecord},
    starts::Start,
};
use crate::{Service, changes::Change, db::DatabaseFacts, epoch::EpochToken};
use model::{Fault, Role, ServerObstacle, StorageTrouble};
use std::sync::{PoisonError, atomic::Ordering};

/// No server is started so often between a backup and its end.
const STARTS_FORGOTTEN: u64 = 1000;

impl Service {
    /// Somebody knows this epoch. If it is higher than what is known here and really the installation's, it counts from now
    /// on: an active server changes nothing any more.
    ///
    /// # Errors
    ///
    /// It cannot be put on record; then it has to be met again.
    pub(crate) async fn meet_epoch(&self, token: &EpochToken, from: &str) -> Result<(), Fault> {
        if *token <= self.roles.now().epoch {
            return Ok(());
        }
        if !token.is_genuine(self.keys.authority()) {
            tracing::warn!(from, epoch = token.number, "an epoch without the installation's seal is not believed");
            return Ok(());
        }
        let mut ended = false;
        let changed = self.roles.change(|now| {
            (*token > now.epoch).then(|| {
                let (role, pause) = superseded(now, token);
                ended = role != now.role || pause != now.pause;
                RoleRecord { role, pause, epoch: token.clone() }
            })
        });
        if !changed.map_err(|error| unwritten(&error))? {
            return Ok(());
        }
        tracing::warn!(from, epoch = token.number, server = token.server_id, "met a later epoch");
        if ended {
            self.store.freeze_database().await?;
            let at_once = self.roles.now().pause == Some(Pause::Outranked);
            tracing::error!(at_once, "another server was made active: this one changes nothing any more");
        }
        self.role_changed();
        Ok(())
    }

    /// What another server has seen of this one: a later start than this, or another one with its number, means that this is
    /// an old image, or that there are two.
    pub(crate) async fn compare_starts(&self, seen: Option<&Start>) -> Result<(), Fault> {
        let overtaken =
            |seen: &&Start| self.start.lock().unwrap_or_else(PoisonError::into_inner).are_overtaken_by(seen);
        let Some(seen) = seen.filter(overtaken) else { return Ok(()) };
        if self.stop_writing(Pause::Outdated).await? {
            let own = self.start_now().number;
            tracing::error!(
                seen = seen.number,
                own,
                "a later start of this server was seen: it changes nothing any more"
            );
        }
        *self.overtaken_by.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen.clone());
        Ok(())
    }

    /// Another server says what its copy of the database holds. A change that the database lacks, or has another one in the place of, means that
    /// this server's disk is one of an earlier time.
    pub(crate) async fn compare_databases(&self, copy: &DatabaseFacts, at: &str) -> Result<(), Fault> {
        let compared = self.store.has_file() && !self.shares_its_database() && self.roles.now().is_active_at_heart();
        if !compared || self.store.holds_all_of(copy).await? {
            return Ok(());
        }
        if self.stop_writing(Pause::Behind { than: at.to_owned() }).await? {
            tracing::error!(
                server = at,
                change = copy.change,
                "a copy of this server's database goes further than the database: it changes nothing any more"
            );
        }
        Ok(())
    }

    /// Ends the role of an active server until an operator has decided; whether it had one.
    async fn stop_writing(&self, pause: Pause) -> Result<bool, Fault> {
        let stopped = self.roles.change(|now| {
            let stopped = RoleRecord { role: Role::ReadOnly, pause: Some(pause), epoch: now.epoch.clone() };
            now.is_active_at_heart().then_some(stopped)
        });
        let stopped = stopped.map_err(|error| unwritten(&error))?;
        if stopped {
            self.store.freeze_database().await?;
            self.role_changed();
        }
        Ok(stopped)
    }

    /// An operator has decided that this server goes on: from now on it is the latest start that counts.
    pub(crate) fn go_on_from_here(&self) -> Result<(), Fault> {
        let seen = self.overtaken_by.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Devices that are not back yet may have met starts that records of an earlier time do not know, and a restart forgets which
        // one overtook this server.
        let earlier = matches!(self.roles.now().pause, Some(Pause::Restored | Pause::Behind { .. } | Pause::Outdated));
        let own = self.start_now();
        let far = earlier.then(|| Start { number: own.number + STARTS_FORGOTTEN, ..own });
        let seen = seen.max(far);
        if let Some(seen) = seen {
            let starts = self.start.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let next = starts.after(&seen, self.store.folder()).map_err(|error| unwritten(&error))?;
            if let Some(quorum) = self.quorum.get() {
                quorum.go_on_as(next.now());
            }
            *self.start.lock().unwrap_or_else(PoisonError::into_inner) = next;
        }
        Ok(())
    }

    /// Which start of this server this is.
    pub(crate) fn start_now(&self) -> Start {
        self.start.lock().unwrap_or_else(PoisonError::into_inner).now().clone()
    }

    /// Gives the role to the server `to`, which asked for it: nothing is changed here from now on.
    ///
    /// # Errors
    ///
    /// [`Fault::NotActive`], or the disk's.
    pub(crate) async fn step_down(&self, to: &str, by: &str) -> Result<(), Fault> {
        let handed = Pause::HandedOver { to: to.to_owned() };
        let changed = self.roles.change(|now| {
            let sure = now.is_active_at_heart() && now.pause != Some(Pause::Starting);
            let active = sure || now.pause.as_ref() == Some(&handed);
            active.then(|| RoleRecord { role: Role::ReadOnly, pause: Some(handed.clone()), epoch: now.epoch.clone() })
        });
        if !changed.map_err(|error| unwritten(&error))? {
            return Err(Fault::NotActive { active: self.active_server_name().await });
        }
        tracing::warn!(to, by, "this server hands its role over");
        if self.shares_its_database() {
            self.leave_shared_database("its role was handed over").await;
            return Ok(());
        }
        if self.store.is_on_a_server() {
            // Other servers of this site write the same database.
            self.store.leave_line().await?;
        }
        self.store.freeze_database().await?;
        self.role_changed();
        Ok(())
    }

    /// The server `to` could not take the role that was given to it.
    ///
    /// # Errors
    ///
    /// It was not given to it or it has taken it, or the disk's.
    pub(crate) async fn take_back(&self, to: &str) -> Result<(), Fault> {
        let handed = Pause::HandedOver { to: to.to_owned() };
        let back = |now: &RoleRecord| {
            let mine = now.pause.as_ref() == Some(&handed) && now.epoch.server_id == self.identity.server_id;
            mine.then(|| RoleRecord::new(Role::Active, now.epoch.clone()))
        };
        if back(&self.roles.now()).is_none() {
            return Err(ServerObstacle::RoleNotGiven.into());
        }
        self.store.thaw_database().await?;
        if self.store.is_on_a_server() {
            self.store.retake_line().await?;
        }
        if !self.roles.change(back).map_err(|error| unwritten(&error))? {
            return Ok(self.store.freeze_database().await?);
        }
        // What came meanwhile is beside the database.
        self.unadopted.store(true, Ordering::Relaxed);
        tracing::warn!(to, "the role could not be taken over there: this server is active again");
        self.role_changed();
        Ok(())
    }

    /// Pages, devices and the other server are told.
    pub(crate) fn role_changed(&self) {
        self.changed(Change::Server);
        self.changed(Change::Database);
        if let Some(gateway) = self.gateway.get() {
            gateway.wake_all();
        }
    }

    /// Takes into the database what this server learned while it was standby: events, what operators did here, and how
    /// trials ended. Does nothing unless it is active.
    pub async fn adopt_own_local_database(&self) -> Result<(), Fault> {
        if self.role() != Role::Active {
            return Ok(());
        }
        let _turn = self.adopting.lock().await;
        self.unlearned.store(true, Ordering::Relaxed);
        // What comes from here on says so anew.
        self.unadopted.store(false, Ordering::Relaxed);
        let adopted = self.adopt_all().await;
        self.unadopted.fetch_or(adopted.is_err(), Ordering::Relaxed);
        adopted
    }

    async fn adopt_all(&self) -> Result<(), Fault> {
        self.store.adopt_revocations(&self.store.list_revocations().await?).await?;
        self.adopt_own_events().await?;
        self.store.adopt_own_acts(&self.identity.server_id).await?;
        let outcomes = self.store.list_unnoted_outcomes().await?;
        let ids: Vec<i64> = outcomes.iter().map(|outcome| outcome.id).collect();
        self.note_outcomes(outcomes).await?;
        Ok(self.store.mark_outcomes_noted(&ids, &self.clock.now_text()).await?)
    }

    /// The same for what could not be taken over then, or came while the role moved. To be called now and then.
    ///
    /// # Errors
    ///
    /// The store fails; it has to be tried again.
    pub(crate) async fn adopt_what_is_left(&self) -> Result<(), Fault> {
        if self.unadopted.load(Ordering::Relaxed) { self.adopt_own_local_database().await } else { Ok(()) }
    }
}

/// What a server is once a later epoch is known.
fn superseded(now: &RoleRecord, by: &EpochToken) -> (Role, Option<Pause>) {
    match (now.is_active_at_heart(), by.number == now.epoch.number) {
        (true, true) => (Role::ReadOnly, Some(Pause::Outranked)),
        (true, false) => (Role::ReadOnly, Some(Pause::Superseded)),
        (false, _) => (now.role, now.pause.clone()),
    }
}

pub(crate) fn unwritten(error: &std::io::Error) -> Fault {
    tracing::error!(%error, "the role cannot be put on record");
    StorageTrouble::RoleNotWritten.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Room;

    #[tokio::test]
    async fn of_two_promoted_at_once_the_lower_steps_down_and_says_so() {
        let room = Room::active().await;
        let seal = |id: &str| EpochToken::seal(&room.service.keys, 1, id).unwrap();
        room.service.meet_epoch(&seal("a"), "a device").await.unwrap();
        assert_eq!(room.service.role(), Role::Active, "its id is lower");
        room.service.meet_epoch(&seal("two"), "two").await.unwrap();
        let now = room.service.roles.now();
        assert_eq!((now.role, now.pause), (Role::ReadOnly, Some(Pause::Outranked)));
        let banners = room.service.banners().await;
        assert!(banners.iter().any(|banner| banner.text.contains("Two servers were promoted at once")), "{banners:?}");
        let later = EpochToken::seal(&room.service.keys, 2, "two").unwrap();
        room.service.meet_epoch(&later, "two").await.unwrap();
        assert_eq!(room.service.roles.now().pause, Some(Pause::Outranked), "why it stepped down stays");
    }
}
