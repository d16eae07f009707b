//! The device's state as it stands on disk: JSON that a person can read.

mod settings;

use crate::{
    device::{Lists, Stored, TrialMark},
    wire::{
        Entries, EntryFailure, Epoch, FailureKind, ListHash, ListVersion, Rollback, RollbackCause, ServerEntry,
        ServerList, ServerStart,
    },
};
use serde::{Deserialize, Serialize};
use settings::SettingsRecord;

#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    committed: ListRecord,
    previous: Option<ListRecord>,
    staged: Option<ListRecord>,
    trial: Option<TrialRecord>,
    rollback: Option<RollbackRecord>,
    suspect: Option<EntryRecord>,
    quarantined: Vec<String>,
    connection_sequence: u64,
    epoch: Option<EpochRecord>,
    #[serde(default)]
    starts: Vec<StartRecord>,
    last_good: Option<EntryRecord>,
    #[serde(default)]
    pinned: Option<EntryRecord>,
    #[serde(default)]
    revoked_servers: Vec<String>,
    server_time_unix_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct ListRecord {
    version: VersionRecord,
    base: Option<String>,
    entries: Vec<EntryRecord>,
    #[serde(default)]
    settings: SettingsRecord,
    #[serde(default)]
    seal: String,
}

#[derive(Serialize, Deserialize)]
struct VersionRecord {
    epoch: u64,
    number: u64,
    hash: String,
}

#[derive(Serialize, Deserialize)]
struct EntryRecord {
    priority: u8,
    address: String,
    port: u16,
}

#[derive(Serialize, Deserialize)]
struct TrialRecord {
    version: VersionRecord,
    used_before: EntryRecord,
}

#[derive(Serialize, Deserialize)]
struct RollbackRecord {
    version: VersionRecord,
    cause: CauseRecord,
    failures: Vec<FailureRecord>,
}

#[derive(Serialize, Deserialize)]
struct FailureRecord {
    entry: EntryRecord,
    kind: KindRecord,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct EpochRecord {
    number: u64,
    server_id: String,
    seal: String,
}

#[derive(Serialize, Deserialize)]
struct StartRecord {
    server_id: String,
    number: u64,
    token: String,
}

/// Mirrors an enumeration of the wire with names for the file.
macro_rules! mirror {
    ($record:ident of $wire:ident { $($name:ident),+ $(,)? }) => {
        #[derive(Clone, Copy, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum $record { $($name),+ }

        impl From<$wire> for $record {
            fn from(value: $wire) -> Self {
                match value { $($wire::$name => Self::$name),+ }
            }
        }

        impl From<$record> for $wire {
            fn from(value: $record) -> Self {
                match value { $($record::$name => Self::$name),+ }
            }
        }
    };
}

mirror!(CauseRecord of RollbackCause { Unknown, TimedOut, Restarted, FormerFailed });
mirror!(KindRecord of FailureKind {
    Unknown, NotTried, NameNotFound, Refused, TimedOut, Unreachable, Tls, ForeignInstallation, NotAdmitted, Busy, Closed,
    ServerRevoked,
});

impl From<&Stored> for Record {
    fn from(stored: &Stored) -> Self {
        let lists = &stored.lists;
        Self {
            committed: (&lists.committed).into(),
            previous: lists.previous.as_ref().map(Into::into),
            staged: lists.staged.as_ref().map(Into::into),
            trial: lists
                .trial
                .as_ref()
                .map(|mark| TrialRecord { version: mark.version.into(), used_before: (&mark.used_before).into() }),
            rollback: stored.rollback.as_ref().map(Into::into),
            suspect: stored.suspect.as_ref().map(Into::into),
            quarantined: stored.quarantined.iter().map(ToString::to_string).collect(),
            connection_sequence: stored.connection_sequence,
            epoch: stored.epoch.as_ref().map(Into::into),
            starts: stored.starts.iter().map(Into::into).collect(),
            last_good: stored.last_good.as_ref().map(Into::into),
            pinned: stored.pinned.as_ref().map(Into::into),
            revoked_servers: stored.revoked_servers.clone(),
            server_time_unix_ms: stored.server_time_unix_ms,
        }
    }
}

impl TryFrom<Record> for Stored {
    type Error = String;

    fn try_from(record: Record) -> Result<Self, String> {
        let trial = record.trial.map(|mark| {
            Ok::<_, String>(TrialMark { version: mark.version.parse()?, used_before: mark.used_before.parse()? })
        });
        Ok(Self {
            lists: Lists {
                committed: record.committed.parse()?,
                previous: record.previous.map(ListRecord::parse).transpose()?,
                staged: record.staged.map(ListRecord::parse).transpose()?,
                trial: trial.transpose()?,
            },
            rollback: record.rollback.map(RollbackRecord::parse).transpose()?,
            suspect: record.suspect.map(|entry| entry.parse()).transpose()?,
            quarantined: record.quarantined.iter().map(|hash| parse_hash(hash)).collect::<Result<_, _>>()?,
            connection_sequence: record.connection_sequence,
            epoch: record.epoch.map(EpochRecord::parse).transpose()?,
            starts: record.starts.into_iter().map(StartRecord::parse).collect::<Result<_, _>>()?,
            last_good: record.last_good.map(|entry| entry.parse()).transpose()?,
            pinned: record.pinned.map(|entry| entry.parse()).transpose()?,
            revoked_servers: record.revoked_servers,
            server_time_unix_ms: record.server_time_unix_ms,
        })
    }
}

impl From<&Epoch> for EpochRecord {
    fn from(epoch: &Epoch) -> Self {
        Self { number: epoch.number, server_id: epoch.server_id.clone(), seal: hex::encode(&epoch.seal) }
    }
}

impl EpochRecord {
    fn parse(self) -> Result<Epoch, String> {
        let seal = hex::decode(&self.seal).map_err(|_| "an epoch's seal is no hexadecimal number".to_owned())?;
        Ok(Epoch { number: self.number, server_id: self.server_id, seal })
    }
}

impl From<&ServerStart> for StartRecord {
    fn from(start: &ServerStart) -> Self {
        Self { server_id: start.server_id.clone(), number: start.number, token: hex::encode(&start.token) }
    }
}

impl StartRecord {
    fn parse(self) -> Result<ServerStart, String> {
        let token = hex::decode(&self.token).map_err(|_| "a start's token is no hexadecimal number".to_owned())?;
        Ok(ServerStart { server_id: self.server_id, number: self.number, token })
    }
}

impl From<&ServerList> for ListRecord {
    fn from(list: &ServerList) -> Self {
        Self {
            version: list.version().into(),
            base: list.base().map(|hash| hash.to_string()),
            entries: list.entries().iter().map(Into::into).collect(),
            settings: list.settings().into(),
            seal: hex::encode(list.seal()),
        }
    }
}

impl ListRecord {
    fn parse(self) -> Result<ServerList, String> {
        let version = self.version.parse()?;
        let base = self.base.as_deref().map(parse_hash).transpose()?;
        let list = ServerList::new(version.epoch, version.number, base, parse_entries(&self.entries)?)
            .with_settings(self.settings.parse()?)
            .with_seal(hex::decode(&self.seal).map_err(|_| "a list's seal is no hexadecimal number".to_owned())?);
        if list.version() == version { Ok(list) } else { Err("a server list does not match its hash".to_owned()) }
    }
}

impl From<ListVersion> for VersionRecord {
    fn from(version: ListVersion) -> Self {
        Self { epoch: version.epoch, number: version.number, hash: version.hash.to_string() }
    }
}

impl VersionRecord {
    fn parse(&self) -> Result<ListVersion, String> {
        Ok(ListVersion { epoch: self.epoch, number: self.number, hash: parse_hash(&self.hash)? })
    }
}

impl From<&ServerEntry> for EntryRecord {
    fn from(entry: &ServerEntry) -> Self {
        Self { priority: entry.priority, address: entry.address.to_string(), port: entry.port }
    }
}

impl EntryRecord {
    fn parse(self) -> Result<ServerEntry, String> {
        let entries = parse_entries(&[self])?;
        entries.iter().next().cloned().ok_or_else(|| "an entry is missing".to_owned())
    }
}

impl From<&Rollback> for RollbackRecord {
    fn from(rollback: &Rollback) -> Self {
        Self {
            version: rollback.version.into(),
            cause: rollback.cause.into(),
            failures: rollback
                .failures
                .iter()
                .map(|f| FailureRecord { entry: (&f.entry).into(), kind: f.kind.into(), text: f.text.clone() })
                .collect(),
        }
    }
}

impl RollbackRecord {
    fn parse(self) -> Result<Rollback, String> {
        let failures = self.failures.into_iter().map(|failure| {
            Ok(EntryFailure { entry: failure.entry.parse()?, kind: failure.kind.into(), text: failure.text })
        });
        Ok(Rollback {
            version: self.version.parse()?,
            cause: self.cause.into(),
            failures: failures.collect::<Result<_, String>>()?,
        })
    }
}

fn parse_entries(records: &[EntryRecord]) -> Result<Entries, String> {
    let raw = records.iter().map(|e| (e.priority.into(), e.address.as_str(), e.port.into()));
    Entries::parse(raw).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn parse_hash(text: &str) -> Result<ListHash, String> {
    text.parse().map_err(|_| format!("{text} is no list's hash"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DayWindow, DeviceSettings, Failback};

    #[test]
    fn everything_comes_back() {
        let list = |number, base| {
            let entries = Entries::parse([(1, "192.168.1.10", 51213), (2, "Biostar.example.com", 51213)]).unwrap();
            ServerList::new(2, number, base, entries)
        };
        let first = list(1, None);
        let window = Failback::Window(DayWindow::new(60, 300).unwrap());
        let settings = DeviceSettings { failback: window, attempts_per_entry: 3, ..DeviceSettings::default() };
        let second = list(2, Some(first.version().hash)).with_settings(settings).with_seal(vec![7; 32]);
        let entry = first.entries().as_slice()[1].clone();
        let mut stored = Stored::new(second.clone(), 1_700_000_000_000);
        stored.lists.previous = Some(first.clone());
        stored.lists.staged = Some(second.clone());
        stored.lists.trial = Some(TrialMark { version: second.version(), used_before: entry.clone() });
        stored.rollback = Some(Rollback {
            version: first.version(),
            cause: RollbackCause::Restarted,
            failures: vec![EntryFailure { entry: entry.clone(), kind: FailureKind::Refused, text: "no".to_owned() }],
        });
        stored.suspect = Some(entry.clone());
        stored.quarantined = vec![first.version().hash];
        stored.connection_sequence = 7;
        stored.epoch = Some(Epoch { number: 2, server_id: "s1".to_owned(), seal: vec![1, 2] });
        stored.starts = vec![ServerStart { server_id: "s1".to_owned(), number: 3, token: vec![9] }];
        stored.last_good = Some(entry.clone());
        stored.pinned = Some(entry);

        let text = serde_json::to_string(&Record::from(&stored)).unwrap();
        let back: Record = serde_json::from_str(&text).unwrap();
        assert_eq!(Stored::try_from(back), Ok(stored));
    }
}
