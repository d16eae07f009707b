//! The role this server holds and the highest epoch it knows: on disk (`role.json`) before it counts.

use crate::{durable, epoch::EpochToken};
use model::Role;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tokio::sync::watch;

const FILE: &str = "role.json";

/// Why a server that was active changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Pause {
    /// It has started, and nobody has said yet that no other server was made active meanwhile. Never on disk.
    Starting,
    /// Neither the other server nor half of the devices answer, and the other one may take over by itself. Never on disk.
    Alone,
    /// It took over by itself, and not enough devices know yet.
    Unproven,
    /// Another server was made active.
    Superseded,
    /// Another server was made active at the same time, in an epoch of the same number that ranks above this server's.
    Outranked,
    /// It gave its role to this server, which asked for it.
    HandedOver {
        /// The server's id.
        to: String,
    },
    /// A later start of this very server was seen: this is an old image of it, or a clone.
    Outdated,
    /// The copy of its database at another server goes further than the database: its disk is one of an earlier time.
    Behind {
        /// The server with the copy.
        than: String,
    },
    /// Its database server was promoted or restored by other hands.
    OtherLine,
    /// It shall be standby, as soon as its database is a replica of the active server's.
    Detached {
        /// The file in which what the database held is kept; `None` if nothing was written alone.
        #[serde(default)]
        archive: Option<String>,
    },
    /// Its records are those of an earlier time: what came after may be with another server.
    Restored,
}

impl Pause {
    /// For programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Alone => "alone",
            Self::Unproven => "unproven",
            Self::Superseded => "superseded",
            Self::Outranked => "outranked",
            Self::HandedOver { .. } => "handed_over",
            Self::Outdated => "outdated",
            Self::Behind { .. } => "behind",
            Self::OtherLine => "other_line",
            Self::Detached { .. } => "detached",
            Self::Restored => "restored",
        }
    }
}

/// What this server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRecord {
    /// Active, standby or read-only.
    pub role: Role,
    /// Why it is read-only.
    pub pause: Option<Pause>,
    /// The highest epoch it knows.
    pub epoch: EpochToken,
}

impl RoleRecord {
    /// Of a server whose role was never in doubt.
    #[must_use]
    pub fn new(role: Role, epoch: EpochToken) -> Self {
        Self { role, pause: None, epoch }
    }

    /// The same with records of an earlier time: only a promotion makes it active.
    #[must_use]
    pub fn restored(self) -> Self {
        Self { role: Role::ReadOnly, pause: Some(Pause::Restored), ..self }
    }

    /// It is active, or would be if it were sure that no other server is.
    #[must_use]
    pub fn is_active_at_heart(&self) -> bool {
        self.role == Role::Active || matches!(self.pause, Some(Pause::Starting | Pause::Alone | Pause::Unproven))
    }
}

/// The role while the server runs.
pub struct Roles {
    /// One change at a time, the disk included.
    file: Mutex<PathBuf>,
    now: watch::Sender<RoleRecord>,
}

impl Roles {
    /// The role on record in the data folder; `None` if none is.
    pub fn load(data: &Path) -> io::Result<Option<RoleRecord>> {
        match fs::read(data.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a role on record in the data folder.
    pub fn save(data: &Path, record: &RoleRecord) -> io::Result<()> {
        durable::write(&data.join(FILE), &serde_json::to_vec_pretty(record)?)
    }

    /// Begins with `record`, which is on disk in the folder `data`.
    #[must_use]
    pub fn new(data: &Path, record: RoleRecord) -> Self {
        Self { file: Mutex::new(data.to_owned()), now: watch::Sender::new(record) }
    }

    /// What this server is now.
    #[must_use]
    pub fn now(&self) -> RoleRecord {
        self.now.borrow().clone()
    }

    /// Its role now.
    #[must_use]
    pub fn role(&self) -> Role {
        self.now.borrow().role
    }

    /// Hears of every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<RoleRecord> {
        self.now.subscribe()
    }

    /// Holds the role of an active server back, for a reason that ends by itself. On disk it stays. `false` if it is not active.
    pub fn hold_back(&self, pause: Pause) -> bool {
        self.now.send_if_modified(|record| {
            let active = record.role == Role::Active;
            if active {
                (record.role, record.pause) = (Role::ReadOnly, Some(pause));
            }
            active
        })
    }

    /// Ends what [`hold_back`](Self::hold_back) began for this reason; `false` if there is nothing to end.
    pub fn resume_from(&self, pause: &Pause) -> bool {
        self.now.send_if_modified(|record| {
            let held_back = record.pause.as_ref() == Some(pause);
            if held_back {
                (record.role, record.pause) = (Role::Active, None);
            }
            held_back
        })
    }

    /// Where the disk takes nothing any more: what this server is from now on, on disk or not.
    pub fn override_role(&self, role: Role) {
        self.now.send_modify(|record| (record.role, record.pause) = (role, None));
    }

    /// Changes what this server is, on disk first: `decide` sees what it is and says what it becomes, or `None`. Answers
    /// whether it changed.
    ///
    /// # Errors
    ///
    /// The disk's; then nothing changed.
    pub fn change(&self, decide: impl FnOnce(&RoleRecord) -> Option<RoleRecord>) -> io::Result<bool> {
        let folder = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = decide(&self.now()) else { return Ok(false) };
        let kept = match &next.pause {
            Some(Pause::Starting | Pause::Alone) => RoleRecord { role: Role::Active, pause: None, ..next.clone() },
            Some(
                Pause::Unproven
                | Pause::Superseded
                | Pause::Outranked
                | Pause::HandedOver { .. }
                | Pause::Outdated
                | Pause::Behind { .. }
                | Pause::OtherLine
                | Pause::Detached { .. }
                | Pause::Restored,
            )
            | None => next.clone(),
        };
        Self::save(&folder, &kept)?;
        self.now.send_replace(next);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u64, server_id: &str) -> EpochToken {
        EpochToken { number, server_id: server_id.to_owned(), seal: "00".to_owned() }
    }

    #[test]
    fn a_change_is_on_disk_before_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let active = RoleRecord::new(Role::Active, token(1, "one"));
        let roles = Roles::new(folder.path(), active.clone());
        assert!(!roles.change(|_| None).unwrap());
        assert_eq!(Roles::load(folder.path()).unwrap(), None);
        let next = RoleRecord { pause: Some(Pause::Superseded), ..RoleRecord::new(Role::ReadOnly, token(2, "two")) };
        assert!(roles.change(|_| Some(next.clone())).unwrap());
        assert_eq!((Roles::load(folder.path()).unwrap(), roles.now()), (Some(next.clone()), next));
        // Without a disk nothing changes.
        let nowhere = Roles::new(&folder.path().join("gone"), active.clone());
        assert!(nowhere.change(|_| Some(RoleRecord::new(Role::Standby, token(3, "one")))).is_err());
        assert_eq!(nowhere.now(), active);
    }

    #[test]
    fn a_start_holds_the_role_back_and_leaves_the_record_alone() {
        let folder = tempfile::tempdir().unwrap();
        let roles = Roles::new(folder.path(), RoleRecord::new(Role::Active, token(1, "one")));
        assert!(roles.hold_back(Pause::Starting));
        assert!(!roles.hold_back(Pause::Alone), "held back already");
        assert_eq!((roles.role(), roles.now().pause), (Role::ReadOnly, Some(Pause::Starting)));
        // Meanwhile it learns of an epoch, which says nothing of its role.
        roles.change(|now| Some(RoleRecord { epoch: token(1, "two"), ..now.clone() })).unwrap();
        assert_eq!(Roles::load(folder.path()).unwrap().map(|kept| kept.role), Some(Role::Active));
        assert!(!roles.resume_from(&Pause::Alone));
        assert!(roles.resume_from(&Pause::Starting));
        assert!(!roles.resume_from(&Pause::Starting));
        assert_eq!((roles.role(), roles.now().pause), (Role::Active, None));
    }

    #[test]
    fn of_two_tokens_the_higher_number_wins_then_the_higher_server() {
        assert!(token(2, "a") > token(1, "b"));
        assert!(token(2, "b") > token(2, "a"));
    }
}
