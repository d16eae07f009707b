//! How a database on a PostgreSQL server is replicated.

use serde::{Deserialize, Serialize};

/// What a database server is to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicationPart {
    /// It is written.
    Primary,
    /// It follows another one.
    Replica,
    /// It does not answer.
    #[default]
    Unknown,
}

/// How the replication of a PostgreSQL database stands, as its server says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replication {
    /// What it is.
    pub part: ReplicationPart,
    /// Bytes of log ever written, on a replica those that are applied.
    pub position: u64,
    /// The line of history: each promotion begins a new one.
    pub timeline: Option<u64>,
    /// A replica: the log reaches it now.
    pub receiving: bool,
    /// A replica: milliseconds since the newest change that is applied was made.
    pub last_change_ms: Option<u64>,
    /// A replica: bytes of log that the active server's primary has and it does not; `None` if that is not known.
    pub lag_bytes: Option<u64>,
    /// A primary: who follows it.
    pub replicas: Vec<ReplicaSeen>,
    /// A primary: what it keeps for followers.
    pub slots: Vec<SlotSeen>,
    /// A primary: the epoch in which it is written.
    pub epoch: Option<u64>,
    /// A primary: the server that was made active in that epoch.
    #[serde(default)]
    pub active_server: Option<String>,
    /// A primary that was promoted or restored by other hands, or given up: nothing is written there.
    pub other_line: bool,
}

/// A replica as its primary sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaSeen {
    /// Its `application_name`.
    pub name: String,
    /// For example `streaming`; empty if this program's database user may not see it.
    pub state: String,
    /// `async`, `sync`, `quorum` or `potential`.
    pub sync: String,
    /// Bytes of log that it has not applied.
    pub lag_bytes: Option<u64>,
}

/// A replication slot: the log that a primary keeps for one replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSeen {
    /// Its name.
    pub name: String,
    /// A replica uses it now.
    pub active: bool,
    /// PostgreSQL's `wal_status`: `reserved`, `extended`, `unreserved` or `lost`.
    pub log: String,
    /// Bytes of log that are kept for it.
    pub kept_bytes: Option<u64>,
}

impl Replication {
    /// For people, on one line.
    #[must_use]
    pub fn words(&self) -> String {
        let timeline = self.timeline.map(|timeline| format!(", timeline {timeline}")).unwrap_or_default();
        match self.part {
            ReplicationPart::Unknown => "The database server does not answer".to_owned(),
            ReplicationPart::Replica => format!("Replica, {}{timeline}", self.lag_in_words()),
            ReplicationPart::Primary if self.other_line => format!("Primary of another line of history{timeline}"),
            ReplicationPart::Primary if self.replicas.is_empty() => {
                format!("Primary without a replica{timeline}{}", self.slots_in_words())
            }
            ReplicationPart::Primary => {
                let followers: Vec<String> = self.replicas.iter().map(ReplicaSeen::words).collect();
                format!("Primary, followed by {}{timeline}{}", followers.join(" and "), self.slots_in_words())
            }
        }
    }

    /// Something here needs somebody who looks at it.
    #[must_use]
    pub fn is_troubled(&self) -> bool {
        match self.part {
            ReplicationPart::Unknown => true,
            ReplicationPart::Replica => !self.receiving,
            ReplicationPart::Primary => {
                self.other_line || self.replicas.is_empty() || self.slots.iter().any(SlotSeen::is_lost)
            }
        }
    }

    fn lag_in_words(&self) -> String {
        let behind = match self.lag_bytes {
            None => "how far behind is not known".to_owned(),
            Some(0) => "nothing would be lost now".to_owned(),
            Some(bytes) => {
                let age = self.last_change_ms.map(|ms| format!(", newest change {} s old", ms.div_ceil(1000)));
                format!("{} behind{}", size_in_words(bytes), age.unwrap_or_default())
            }
        };
        if self.receiving { behind } else { format!("receives nothing, {behind}") }
    }

    fn slots_in_words(&self) -> String {
        let waiting = self.slots.iter().filter(|slot| !slot.active).map(|slot| {
            if slot.is_lost() {
                return format!("; slot {} has lost its log: its replica must be made anew", slot.name);
            }
            let kept = slot.kept_bytes.map(size_in_words).unwrap_or_else(|| "nothing".to_owned());
            format!("; slot {} keeps {kept} for a replica that is away", slot.name)
        });
        waiting.collect()
    }
}

impl ReplicaSeen {
    /// Its primary waits for it.
    #[must_use]
    pub fn is_synchronous(&self) -> bool {
        matches!(self.sync.as_str(), "sync" | "quorum")
    }

    fn words(&self) -> String {
        let sync = if self.is_synchronous() { "synchronous" } else { "asynchronous" };
        let lag = self.lag_bytes.filter(|bytes| *bytes > 0).map(|bytes| format!(", {} behind", size_in_words(bytes)));
        format!("{} ({sync}{})", self.name, lag.unwrap_or_default())
    }
}

impl SlotSeen {
    /// Its replica cannot go on with it.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.log == "lost"
    }
}

/// A size as people say it.
#[must_use]
pub fn size_in_words(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_says_what_would_be_lost() {
        let replica = Replication { part: ReplicationPart::Replica, receiving: true, ..Replication::default() };
        let told = |lag_bytes, last_change_ms, receiving| {
            Replication { lag_bytes, last_change_ms, receiving, timeline: Some(2), ..replica.clone() }.words()
        };
        assert_eq!(told(Some(0), None, true), "Replica, nothing would be lost now, timeline 2");
        assert_eq!(told(Some(2100), Some(4200), true), "Replica, 3 KB behind, newest change 5 s old, timeline 2");
        assert_eq!(told(None, None, false), "Replica, receives nothing, how far behind is not known, timeline 2");
    }

    #[test]
    fn a_primary_says_who_follows_it_and_what_it_keeps() {
        let seen = ReplicaSeen {
            name: "two".to_owned(),
            state: "streaming".to_owned(),
            sync: "sync".to_owned(),
            lag_bytes: Some(0),
        };
        let slot = SlotSeen { name: "two".to_owned(), active: true, log: "reserved".to_owned(), kept_bytes: Some(0) };
        let primary = Replication {
            part: ReplicationPart::Primary,
            replicas: vec![seen],
            slots: vec![slot.clone()],
            ..Replication::default()
        };
        assert_eq!(primary.words(), "Primary, followed by two (synchronous)");
        assert!(!primary.is_troubled());
        let away = SlotSeen { active: false, kept_bytes: Some(3_000_000), ..slot.clone() };
        let alone = Replication { replicas: Vec::new(), slots: vec![away], ..primary.clone() };
        assert_eq!(alone.words(), "Primary without a replica; slot two keeps 3.0 MB for a replica that is away");
        let lost = SlotSeen { active: false, log: "lost".to_owned(), ..slot };
        let lost = Replication { slots: vec![lost], ..primary };
        assert!(lost.is_troubled() && lost.words().contains("must be made anew"));
    }
}
