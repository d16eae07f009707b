//! The database where it is on a PostgreSQL server: how its replication stands, and what this server makes of it.

use super::{
    loses_writes,
    role_changes::unwritten,
    roles::{Pause, RoleRecord},
};
use crate::{
    Service,
    changes::Change,
    db::{NotKept, StoreError},
    epoch::EpochToken,
};
use model::{Fault, Replication, ReplicationPart, Role, ServerObstacle};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the last look at the database server showed; `None` where the database is a file.
#[derive(Debug, Default)]
pub(crate) struct LastLook(Mutex<Option<Replication>>);

impl Service {
    /// Looks at the database server, and follows what it has become. Does nothing where the database is a file.
    ///
    /// # Errors
    ///
    /// The role cannot be put on record.
    pub(crate) async fn look_at_replication(&self) -> Result<(), Fault> {
        let seen = match self.store.look_at_cluster().await {
            Ok(None) => return Ok(()),
            Ok(Some(seen)) => seen,
            Err(error) => self.unseen(&error),
        };
        let before = self.replication.lock().replace(seen.clone());
        if before.as_ref() == Some(&seen) {
            return Ok(());
        }
        let moved = before.as_ref().is_none_or(|before| before.position != seen.position);
        self.changed(Change::Server);
        if moved && self.role() != Role::Active {
            // Nobody else tells what has arrived.
            self.changed(Change::Database);
        }
        self.follow_cluster(&seen).await
    }

    fn unseen(&self, error: &StoreError) -> Replication {
        let before = self.replication.lock().clone().unwrap_or_default();
        if before.part != ReplicationPart::Unknown {
            tracing::error!(error = error as &dyn std::error::Error, "the database server does not answer");
        }
        Replication { part: ReplicationPart::Unknown, position: before.position, ..Replication::default() }
    }

    async fn follow_cluster(&self, seen: &Replication) -> Result<(), Fault> {
        if fitting(&self.roles.now(), seen).is_none() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        // It may have been this server's own promotion.
        let Ok(Some(seen)) = self.store.look_at_cluster().await else { return Ok(()) };
        let before = self.roles.now();
        if !self.roles.change(|now| fitting(now, &seen)).map_err(|error| unwritten(&error))? {
            return Ok(());
        }
        let role = self.role();
        tracing::warn!(?role, "the database server has become something else, and this server with it");
        if role == Role::Active {
            self.store.thaw_database().await?;
            self.adopt_own_local_database().await?;
        } else {
            self.store.freeze_database().await?;
        }
        if self.roles.role() == Role::Standby && loses_writes(&before) {
            self.store.note_overwritten(&self.identity.server_name, &self.clock.now_text()).await?;
        }
        self.role_changed();
        Ok(())
    }

    /// How the replication stands here. What a replica lacks is seen from what the active server said last.
    pub(crate) fn own_replication(&self) -> Option<Replication> {
        let seen = self.replication.lock().clone()?;
        if seen.part != ReplicationPart::Replica {
            return Some(seen);
        }
        let peers = self.peers.peers();
        let ahead = peers.iter().filter(|peer| peer.facts.role == Role::Active);
        let ahead = ahead.filter_map(|peer| peer.facts.replication.as_ref()).map(|there| there.position).max();
        let lag_bytes = ahead.map(|ahead| ahead.saturating_sub(seen.position));
        // Nothing new is no lag, however long it lasts.
        let last_change_ms = seen.last_change_ms.filter(|_| lag_bytes != Some(0));
        Some(Replication { lag_bytes, last_change_ms, ..seen })
    }

    /// Why the database cannot be used, for the top of every page.
    pub(crate) fn database_banner(&self) -> Option<model::Banner> {
        let unknown = self.replication.lock().as_ref().is_some_and(|seen| seen.part == ReplicationPart::Unknown);
        unknown.then(|| model::Banner {
            text: "The database server does not answer: nothing can be shown anew or changed. Devices stay connected \
                   and keep their events."
                .to_owned(),
        })
    }

    /// Joins again with a database on a server: notes what only this server wrote, keeps what the database holds, and waits
    /// until that has become a replica. `forks` are the active server's epochs with the change at which each began.
    pub(crate) async fn detach(&self, forks: &[(u64, u64)], by: &str) -> Result<(), Fault> {
        let pause = self.roles.now().pause;
        let same_number = pause == Some(Pause::Outranked);
        let found = self.store.keep_divergent_changes_since(forks, same_number, &self.clock.now_text()).await?;
        let archive = if let Some(Pause::HandedOver { .. }) = pause {
            None // It stopped writing before the other one began.
        } else {
            Some(self.store.archive_cluster().await.map_err(not_kept)?.display().to_string())
        };
        self.go_on_from_here()?;
        let detached = |now: &RoleRecord| {
            let pause = Some(Pause::Detached { archive: archive.clone() });
            Some(RoleRecord { role: Role::ReadOnly, pause, epoch: now.epoch.clone() })
        };
        self.roles.change(detached).map_err(|error| unwritten(&error))?;
        tracing::warn!(
            by,
            lone = found,
            archive,
            "what only this server wrote is kept; its database has to become a replica"
        );
        self.role_changed();
        Ok(())
    }
}

fn not_kept(error: NotKept) -> Fault {
    match error {
        NotKept::Store(error) => error.into(),
        NotKept::Io(_) | NotKept::Dump(..) => ServerObstacle::DatabaseNotKept { because: error.to_string() }.into(),
    }
}

/// What a server has to become on a database server like this; `None` if it can stay what it is.
pub(crate) fn fitting(now: &RoleRecord, seen: &Replication) -> Option<RoleRecord> {
    // All servers of one site write one database, in the epoch that it names.
    let is_written = is_written_in(seen, &now.epoch);
    let (role, pause) = match (seen.part, now.role, &now.pause) {
        (ReplicationPart::Primary, Role::Active, _) if seen.other_line => (Role::ReadOnly, Some(Pause::OtherLine)),
        (ReplicationPart::Primary, Role::Standby, _)
        | (
            ReplicationPart::Primary,
            Role::ReadOnly,
            Some(
                Pause::OtherLine
                | Pause::Superseded
                | Pause::Detached { .. }
                | Pause::HandedOver { .. }
                // The database was not restored with this server: it goes on in the same epoch on the same line.
                | Pause::Restored,
            ),
        ) if is_written => (Role::Active, None),
        // Its database follows another one now.
        (ReplicationPart::Replica, Role::Active, _) | (ReplicationPart::Replica, Role::ReadOnly, Some(_)) => {
            (Role::Standby, None)
        }
        (
            ReplicationPart::Primary | ReplicationPart::Replica | ReplicationPart::Unknown,
            Role::Active | Role::Standby | Role::ReadOnly,
            _,
        ) => return None,
    };
    Some(RoleRecord { role, pause, epoch: now.epoch.clone() })
}

/// Whether a primary is the one that is written in this epoch. Another one may have the same number.
pub(crate) fn is_written_in(seen: &Replication, epoch: &EpochToken) -> bool {
    !seen.other_line && seen.epoch == Some(epoch.number) && seen.active_server.as_ref() == Some(&epoch.server_id)
}

impl LastLook {
    fn lock(&self) -> MutexGuard<'_, Option<Replication>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(role: Role, pause: Option<Pause>) -> RoleRecord {
        let epoch = EpochToken { number: 2, server_id: "two".to_owned(), seal: String::new() };
        RoleRecord { role, pause, epoch }
    }

    #[test]
    fn an_outranked_server_does_not_write_a_database_of_its_epoch() {
        let active_server = Some("two".to_owned());
        let primary =
            Replication { part: ReplicationPart::Primary, epoch: Some(2), active_server, ..Replication::default() };
        let becomes = |pause| fitting(&record(Role::ReadOnly, Some(pause)), &primary).map(|next| next.role);
        assert_eq!(becomes(Pause::Superseded), Some(Role::Active), "another server of this site was made active");
        assert_eq!(becomes(Pause::Outranked), None);
    }

    #[test]
    fn the_same_epoch_of_another_server_makes_nobody_active() {
        let active_server = Some("one".to_owned());
        let primary =
            Replication { part: ReplicationPart::Primary, epoch: Some(2), active_server, ..Replication::default() };
        assert_eq!(fitting(&record(Role::Standby, None), &primary), None);
        assert_eq!(fitting(&record(Role::ReadOnly, Some(Pause::Superseded)), &primary), None);
    }

    #[test]
    fn a_replica_makes_a_standby_which_notices_lost_writes() {
        let replica = Replication { part: ReplicationPart::Replica, ..Replication::default() };
        let detached = Pause::Detached { archive: None };
        for (role, pause, loses) in [
            (Role::Active, None, true),
            (Role::ReadOnly, Some(Pause::Superseded), true),
            (Role::ReadOnly, Some(Pause::Outranked), true),
            (Role::ReadOnly, Some(detached), false),
            (Role::ReadOnly, Some(Pause::HandedOver { to: "two".to_owned() }), false),
        ] {
            let now = record(role, pause);
            assert_eq!(fitting(&now, &replica).map(|next| next.role), Some(Role::Standby), "{now:?}");
            assert_eq!(loses_writes(&now), loses, "{now:?}");
        }
        assert!(!loses_writes(&record(Role::Standby, None)));
    }
}
