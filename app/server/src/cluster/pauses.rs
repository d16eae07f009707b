//! Why a server that was active changes nothing, and what became of what it wrote, in words.

use super::roles::{Pause, RoleRecord};
use crate::Service;
use model::{Banner, Role};

impl Service {
    /// Why this server changes nothing although it was active.
    pub(crate) fn pause_in_words(&self) -> Option<String> {
        let name = |id: &str| self.peers.name_of(id).unwrap_or_else(|| "another server".to_owned());
        let record = self.roles.now();
        Some(match record.pause? {
            Pause::Starting => self.starting_in_words(),
            Pause::Alone => "This server is active, but neither the other server nor half of the devices answer it: the other \
                             server may be taking over. It serves the devices that are here and changes nothing until one \
                             of them answers. If the other server is off, make this server active anew on the Servers page."
                .to_owned(),
            Pause::Unproven => format!(
                "This server has taken over by itself (epoch {}). It changes nothing until more than half of the devices have \
                 confirmed that they know, which takes less than a minute once they are connected here.",
                record.epoch.number
            ),
            Pause::Superseded => format!(
                "{} was made active (epoch {}) while this server was active too. This server changes nothing any more. On \
                 the Servers page it can become its standby; what only this server has written is kept.",
                name(&record.epoch.server_id),
                record.epoch.number
            ),
            Pause::Outranked => format!(
                "Two servers were promoted at once: {0} and this one each took epoch {1}. {0} stands, and this server changes \
                 nothing any more; see how both came to be promoted. On the Servers page this server can become its standby; \
                 what only this server has written is kept.",
                name(&record.epoch.server_id),
                record.epoch.number
            ),
            Pause::HandedOver { to } => format!(
                "This server gave the active role to {0} and becomes its standby as soon as {0} has taken it. If {0} never \
                 does, make this server active again on the Servers page.",
                name(&to)
            ),
            Pause::OtherLine => "The database here is not to be written: it was handed over to another server, or its \
                                 database server was promoted or restored by other hands than this program's. Nothing is \
                                 changed. If this database is the right one, make this server active again on the Servers \
                                 page."
                .to_owned(),
            Pause::Detached { archive } => format!(
                "This server becomes the standby of {} as soon as its database is a replica of that server's: stop it, run \
                 pg_rewind and start it as a replica. What only this server has written is listed on the Servers page.{}",
                name(&record.epoch.server_id),
                kept_in_words(archive.as_deref())
            ),
            Pause::Restored => "The records of this server were restored from a backup or a copy. It serves devices and changes \
                                nothing until it is made active on the Servers page: then they count, in a new epoch, and \
                                what another server has written since is kept aside there. If that one shall stay active, \
                                let this one become its standby on the Servers page."
                .to_owned(),
            Pause::Behind { than } => format!(
                "The records of this server are those of an earlier time: the copy of them at {0} goes further, so this is an \
                 old image of this server's disk. It serves devices and changes nothing. Make {0} active, and nothing that its \
                 copy holds is lost; then let this server become its standby. Making this server active instead loses that.",
                name(&than)
            ),
            Pause::Outdated => "This is an old image of this server, or a second one of it: a later start of it was seen. It \
                                changes nothing. Stop the one that should not run, or let this one become a standby on the \
                                Servers page."
                .to_owned(),
        })
    }

    fn starting_in_words(&self) -> String {
        match self.confirmations.limit() {
            Some(limit) => format!(
                "This server was started again. It serves devices and changes nothing until half of the devices that it had \
                 last are back, {} seconds at most: one of them could show that this is an old image of the server.",
                limit.as_secs()
            ),
            None => "This server was active before it was started again. It serves devices and changes nothing until the \
                     other server, or half of the devices, have said that no other server took over. If the other server is \
                     gone for good, make this server active on the Servers page."
                .to_owned(),
        }
    }

    /// This server's database was overwritten, and what only it held was not kept before.
    pub(crate) async fn overwritten_banner(&self) -> Option<Banner> {
        let overwritten = self.store.was_overwritten().await.unwrap_or_default();
        overwritten.then(|| Banner {
            text: "The database of this server was made a replica without portal rejoin: what only this server had written, if \
                   anything, was not kept. This message goes when the list on the Servers page is settled."
                .to_owned(),
        })
    }
}

/// Whether a server like this that is standby all at once has lost what only its database held.
pub(crate) fn loses_writes(now: &RoleRecord) -> bool {
    match (now.role, &now.pause) {
        (Role::Standby, _)
        | (Role::Active | Role::ReadOnly, Some(Pause::HandedOver { .. } | Pause::Detached { .. } | Pause::OtherLine)) => {
            false
        }
        (
            Role::Active | Role::ReadOnly,
            Some(
                Pause::Starting
                | Pause::Alone
                | Pause::Unproven
                | Pause::Superseded
                | Pause::Outranked
                | Pause::Outdated
                | Pause::Behind { .. }
                | Pause::Restored,
            )
            | None,
        ) => true,
    }
}

fn kept_in_words(archive: Option<&str>) -> String {
    match archive {
        None => String::new(),
        Some(list) if list.ends_with(".jsonl") => {
            format!(" No pg_dump was found on this machine: that list is kept as {list}, and not the whole database.")
        }
        Some(dump) => format!(" The whole database as it was is kept as {dump}."),
    }
}
