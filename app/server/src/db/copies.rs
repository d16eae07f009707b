//! The files of a standby's database. Each copy has a name of its own and is never written to once it is named; `current.json`
//! says which one counts. The pointer moves last, so a crash at any step leaves the old copy or the new one.

use crate::durable;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::TempPath;

const FOLDER: &str = "copies";
const POINTER: &str = "current.json";
/// Says beside a copy what it is.
const DESCRIPTION: &str = ".json";
/// What a snapshot for the other server begins with.
const OUTGOING: &str = "outgoing-";
const INCOMING: &str = "incoming.part";
/// Which copy that is.
const INCOMING_HASH: &str = "incoming.part.sha256";
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The newest copy of each of so many days is kept.
const DAYS_KEPT: u64 = 7;

/// Names one snapshot of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the file as it was sent, 64 hexadecimal digits.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// When the active server took it, RFC 3339.
    pub taken_at: String,
    /// Counts the active server's snapshots.
    pub generation: u64,
    /// What the snapshot holds.
    #[serde(flatten)]
    pub content: DatabaseFacts,
}

/// What a database says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    /// Whose it is.
    pub installation_id: String,
    /// Its epoch.
    pub epoch: u64,
    /// How many changes it holds: the id of its newest audit row.
    pub change: u64,
    /// Tells that row from any other with its id; empty where an older program wrote it.
    #[serde(default)]
    pub mark: String,
    /// The newest migration that was run on it.
    pub schema: i64,
}

impl Manifest {
    /// Only names made of a number and hexadecimal digits ever reach the disk.
    fn file_name(&self) -> Option<String> {
        let hash = self.sha256.get(..16)?;
        hash.bytes().all(|b| b.is_ascii_hexdigit()).then(|| format!("{}-{hash}.db", self.generation))
    }
}

/// The folder of copies. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Copies(PathBuf);

/// Part of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartOfCopy {
    /// Names the whole copy.
    pub(crate) sha256: String,
    /// Bytes that have arrived.
    pub(crate) size: u64,
}

impl Copies {
    pub(crate) fn of(data_folder: &Path) -> Self {
        Self(data_folder.join(FOLDER))
    }

    /// Makes the folder.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        durable::make_folder(&self.0)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// The copy that counts, if there is one.
    pub(crate) fn current(&self) -> io::Result<Option<(Manifest, PathBuf)>> {
        let text = match fs::read(self.0.join(POINTER)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let manifest: Manifest = serde_json::from_slice(&text)?;
        let file = self.file_of(&manifest)?;
        Ok(file.exists().then_some((manifest, file)))
    }

    /// What has arrived of a copy that broke off.
    pub(crate) fn begun(&self) -> io::Result<Option<PartOfCopy>> {
        let read = |path: PathBuf| match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        };
        let Some(sha256) = read(self.0.join(INCOMING_HASH))? else { return Ok(None) };
        match fs::metadata(self.0.join(INCOMING)) {
            Ok(arrived) if arrived.len() > 0 => Ok(Some(PartOfCopy { sha256, size: arrived.len() })),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Where this copy arrives: what is there of it stays, what is there of another one goes.
    pub(crate) fn incoming_of(&self, manifest: &Manifest, resumed: bool) -> io::Result<PathBuf> {
        if resumed {
            return Ok(self.0.join(INCOMING));
        }
        let file = self.incoming()?;
        fs::write(self.0.join(INCOMING_HASH), &manifest.sha256)?;
        Ok(file)
    }

    /// Where a copy arrives; whatever an earlier attempt left there is removed.
    pub(crate) fn incoming(&self) -> io::Result<PathBuf> {
        self.prepare()?;
        self.remove_where(|name| name.starts_with(INCOMING))?;
        Ok(self.0.join(INCOMING))
    }

    /// Gives the arrived and checked copy its own name.
    pub(crate) fn adopt(&self, manifest: &Manifest) -> io::Result<PathBuf> {
        let (from, to) = (self.0.join(INCOMING), self.file_of(manifest)?);
        fs::File::open(&from)?.sync_all()?;
        durable::rename(&from, &to)?;
        Ok(to)
    }

    /// Says beside the adopted copy what it is, with the SHA-256 that it has as it lies there.
    pub(crate) fn describe(&self, manifest: &Manifest) -> io::Result<()> {
        let file = self.file_of(manifest)?;
        let (sha256, size) = durable::hash_of(&file)?;
        let described = Manifest { sha256, size, ..manifest.clone() };
        durable::write(&description_of(&file), &serde_json::to_vec_pretty(&described)?)
    }

    /// From here on this copy counts, also after a crash.
    pub(crate) fn point_to(&self, manifest: &Manifest) -> io::Result<()> {
        durable::write(&self.0.join(POINTER), &serde_json::to_vec_pretty(manifest)?)
    }

    /// Removes all but `kept`, the newest copy of each of the last days (what a mistake destroys today is in yesterday's),
    /// and their rollback journals. A write-ahead log beside them is never theirs: SQLite would read it, and so mix two
    /// files. Snapshots for the other server go when nobody needs them any more.
    pub(crate) fn sweep(&self, kept: &[&Manifest], now: SystemTime) -> io::Result<()> {
        let kept = kept.iter().filter_map(|manifest| manifest.file_name());
        let kept: Vec<String> = kept.chain(self.dailies(now)?).collect();
        let own = |name: &str| {
            let own = name.strip_suffix("-journal").or_else(|| name.strip_suffix(DESCRIPTION));
            own.unwrap_or(name).to_owned()
        };
        let belongs = |name: &str| kept.contains(&own(name));
        self.remove_where(|name| name != POINTER && !name.starts_with(OUTGOING) && !belongs(name))
    }

    /// A file for a snapshot that the other server gets.
    pub(crate) fn outgoing(&self) -> io::Result<TempPath> {
        self.prepare()?;
        Ok(tempfile::Builder::new().prefix(OUTGOING).tempfile_in(&self.0)?.into_temp_path())
    }

    /// Removes the snapshots that a killed run left behind.
    pub(crate) fn clear_outgoing(&self) -> io::Result<()> {
        self.prepare()?;
        self.remove_where(|name| name.starts_with(OUTGOING))
    }

    /// The newest file of each day that is kept, the newest first.
    pub(crate) fn dailies(&self, now: SystemTime) -> io::Result<Vec<String>> {
        let mut newest: BTreeMap<u64, (SystemTime, String)> = BTreeMap::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.ends_with(".db")) else { continue };
            let at = entry.metadata()?.modified()?;
            // One from the future, by a clock that was set back since, is as good as today's.
            let age = now.duration_since(at).unwrap_or_default();
            let day = age.as_secs() / DAY.as_secs();
            let known = newest.get(&day).is_some_and(|(known, _)| *known >= at);
            if day < DAYS_KEPT && !known {
                newest.insert(day, (at, name.to_owned()));
            }
        }
        Ok(newest.into_values().map(|(_, name)| name).collect())
    }

    fn file_of(&self, manifest: &Manifest) -> io::Result<PathBuf> {
        let name = manifest.file_name();
        name.map(|name| self.0.join(name)).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a SHA-256"))
    }

    fn remove_where(&self, unwanted: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if entry.file_name().to_str().is_none_or(&unwanted) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// The file that says what this copy is.
pub(crate) fn description_of(copy: &Path) -> PathBuf {
    let mut name = copy.as_os_str().to_owned();
    name.push(DESCRIPTION);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(generation: u64) -> Manifest {
        Manifest {
            sha256: "ab".repeat(32),
            size: 3,
            taken_at: "2026-01-01T00:00:00.000Z".to_owned(),
            generation,
            content: DatabaseFacts::default(),
        }
    }

    fn names(copies: &Copies) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(copies.folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A copy as it is right after `adopt`.
    fn adopted(copies: &Copies, generation: u64) -> Manifest {
        let manifest = manifest(generation);
        fs::write(copies.incoming().unwrap(), generation.to_string()).unwrap();
        copies.adopt(&manifest).unwrap();
        manifest
    }

    #[test]
    fn a_crash_at_any_step_leaves_the_old_copy_or_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let copies = Copies::of(folder.path());
        copies.prepare().unwrap();
        assert_eq!(copies.current().unwrap(), None);
        let first = adopted(&copies, 1);
        assert_eq!(copies.current().unwrap(), None, "named, but nothing points to it");
        copies.point_to(&first).unwrap();
        // While the next one arrives, after it is named, and with a torn pointer beside the old one.
        fs::write(copies.incoming().unwrap(), "torn").unwrap();
        assert_eq!(copies.current().unwrap().unwrap().0, first);
        let second = adopted(&copies, 2);
        assert_eq!(copies.current().unwrap().unwrap().0, first);
        fs::write(copies.folder().join("current.json.next"), "{").unwrap();
        let (current, file) = copies.current().unwrap().unwrap();
        assert_eq!((current, fs::read_to_string(file).unwrap()), (first, "1".to_owned()));
        copies.point_to(&second).unwrap();
        let (current, file) = copies.current().unwrap().unwrap();
        assert_eq!((current, fs::read_to_string(file).unwrap()), (second, "2".to_owned()));
    }

    #[test]
    fn the_sweep_spares_kept_copies_and_their_rollback_locals() {
        let folder = tempfile::tempdir().unwrap();
        let copies = Copies::of(folder.path());
        let (_, kept) = (adopted(&copies, 1), adopted(&copies, 2));
        copies.point_to(&kept).unwrap();
        fs::write(copies.folder().join("2-abababababababab.db-journal"), "hot").unwrap();
        fs::write(copies.folder().join("2-abababababababab.db-wal"), "another's").unwrap();
        copies.describe(&kept).unwrap();
        fs::write(copies.incoming().unwrap(), "torn").unwrap();
        copies.sweep(&[&kept], SystemTime::now()).unwrap();
        let beside = ["", "-journal", ".json"].map(|suffix| format!("2-abababababababab.db{suffix}"));
        assert_eq!(names(&copies), [&beside[..], &["current.json".to_owned()]].concat());
    }

    #[test]
    fn a_snapshot_that_the_other_server_may_fetch_is_not_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let copies = Copies::of(folder.path());
        let (kept, lost) = (copies.outgoing().unwrap(), copies.outgoing().unwrap());
        lost.keep().unwrap();
        copies.sweep(&[], SystemTime::now()).unwrap();
        assert!(kept.exists());
        copies.clear_outgoing().unwrap();
        assert_eq!(names(&copies), [""; 0], "at the next start nobody has any of them");
    }

    #[test]
    fn the_newest_copy_of_each_day_stays_for_a_week() {
        let folder = tempfile::tempdir().unwrap();
        let copies = Copies::of(folder.path());
        let now = SystemTime::now();
        // Two copies a day, for nine days.
        for generation in 0..18 {
            let manifest = adopted(&copies, generation);
            let age = DAY / 2 * u32::try_from(17 - generation).unwrap() + Duration::from_secs(60);
            let file = fs::File::options().write(true).open(copies.file_of(&manifest).unwrap()).unwrap();
            file.set_modified(now - age).unwrap();
        }
        let (current, previous) = (manifest(17), manifest(16));
        copies.point_to(&current).unwrap();
        copies.sweep(&[&current, &previous], now).unwrap();
        let mut kept: Vec<u64> =
            names(&copies).iter().filter_map(|name| name.split_once('-')?.0.parse().ok()).collect();
        kept.sort_unstable();
        assert_eq!(kept, [5, 7, 9, 11, 13, 15, 16, 17]);
        assert_eq!(copies.current().unwrap().unwrap().0, current);
    }

    #[test]
    fn a_manifest_never_names_a_file_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let copies = Copies::of(folder.path());
        fs::write(copies.incoming().unwrap(), "x").unwrap();
        for sha256 in ["", "abc", "../../../../etc/passwd0", "é".repeat(32).as_str()] {
            assert!(copies.adopt(&Manifest { sha256: sha256.to_owned(), ..manifest(1) }).is_err(), "{sha256}");
        }
    }
}
