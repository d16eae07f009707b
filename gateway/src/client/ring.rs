//! The device's ring of events on disk: files that only grow, the oldest thrown away whole.
//!
//! An event counts once it is synced. A write that the power cut off is found by its checksum and cut away; nothing
//! that was ever handed out is.

#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
mod record;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fuzzing::ring_files as fuzz_ring_files;
#[cfg(test)]
pub(crate) use fuzzing::seeds as fuzz_ring_files_seeds;

use crate::wire::{Event, RingId, RingSpan};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Names the ring in use, and the one it replaced.
const NAME_FILE: &str = "ring";
/// A file of the ring is a fiftieth of it, so that throwing one away loses little.
const FILES: u64 = 50;

/// One device's ring. Methods block on the disk.
#[derive(Debug)]
pub(super) struct Ring {
    folder: PathBuf,
    id: RingId,
    replaces: Option<RingId>,
    /// The first id of each file, ascending; never empty.
    files: Vec<u64>,
    newest: u64,
    /// The bytes of the last file that count.
    tail_bytes: u64,
    /// The newest id when this run began.
    newest_at_start: u64,
    capacity: u64,
}

impl Ring {
    /// Opens the ring in a folder, or makes one. It keeps the newest `capacity` events.
    pub(super) fn open(folder: &Path, capacity: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut ring = match read_name(folder)? {
            Some((id, replaces)) => Self::load(folder, id, replaces, capacity)?,
            None => {
                let ring = Self::create(folder, RingId(rand::random()), None, capacity, 1)?;
                ring.name()?;
                ring
            }
        };
        ring.newest_at_start = ring.newest;
        ring.remove_other_rings();
        Ok(ring)
    }

    /// Which events it keeps.
    pub(super) fn span(&self) -> RingSpan {
        let first = self.files.first().copied().unwrap_or(1);
        let oldest = first.max((self.newest + 1).saturating_sub(self.capacity));
        RingSpan { ring: self.id, oldest, newest: self.newest, replaces: self.replaces }
    }

    /// Writes events; all of them are durable once it returns. After an error, [`span`](Self::span) says which are.
    pub(super) fn append(&mut self, events: &[Event]) -> io::Result<()> {
        for part in events.chunks(self.file_capacity()) {
            self.append_to_one_file(part)?;
        }
        Ok(())
    }

    /// Events from an id on, in order, at most so many. What is not readable ends them early.
    pub(super) fn read(&self, from: u64, count: usize) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        let mut next = from;
        while next <= self.newest && events.len() < count {
            let Some(file) = self.files.iter().rposition(|first| *first <= next) else { break };
            let first = self.files[file];
            let bytes = fs::read(self.path(first))?;
            let before = events.len();
            let wanted = record::Records::new(self.id, first, &bytes).skip(to_usize(next - first));
            events.extend(wanted.take(count - before).map(|(_, event)| event));
            if events.len() == before {
                break;
            }
            next = from + events.len() as u64;
        }
        events.truncate(to_usize(self.newest.saturating_sub(from) + 1));
        Ok(events)
    }

    /// Opens another ring in place of this one, with the events of this run: a server has others of those numbers.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        let from = self.span().oldest.max(self.newest_at_start + 1);
        let mut renewed = Self::create(&self.folder, RingId(rand::random()), Some(self.id), self.capacity, 1)?;
        let mut next = from;
        while next <= self.newest {
            let events = self.read(next, self.file_capacity())?;
            if events.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("event {next} cannot be read")));
            }
            renewed.append(&events)?;
            next += events.len() as u64;
        }
        renewed.name()?;
        renewed.remove_other_rings();
        *self = renewed;
        Ok(())
    }

    fn append_to_one_file(&mut self, events: &[Event]) -> io::Result<()> {
        let last = self.files.last().copied().unwrap_or(1);
        let fresh = self.newest + 1 - last + events.len() as u64 > self.file_capacity() as u64;
        let first = if fresh { self.newest + 1 } else { last };
        let mut bytes = Vec::new();
        for (id, event) in (self.newest + 1..).zip(events) {
            record::write(self.id, id, event, &mut bytes);
        }
        let start = if fresh { 0 } else { self.tail_bytes };
        let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(self.path(first))?;
        // What a write that failed has left behind would follow what counts.
        file.set_len(start)?;
        file.seek(SeekFrom::Start(start))?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        if fresh {
            sync_folder(&self.home())?;
            self.files.push(first);
        }
        self.tail_bytes = start + bytes.len() as u64;
        self.newest += events.len() as u64;
        self.forget_oldest();
        Ok(())
    }

    /// Throws files away that hold nothing of the ring any more.
    fn forget_oldest(&mut self) {
        let oldest = self.span().oldest;
        while self.files.len() > 1 && self.files[1] <= oldest {
            // A file that stays is thrown away at the next start.
            let _ = fs::remove_file(self.path(self.files[0]));
            self.files.remove(0);
        }
    }

    fn create(folder: &Path, id: RingId, replaces: Option<RingId>, capacity: u64, first: u64) -> io::Result<Self> {
        let ring = Self {
            folder: folder.to_owned(),
            id,
            replaces,
            files: vec![first],
            newest: first - 1,
            tail_bytes: 0,
            newest_at_start: first - 1,
            capacity: capacity.max(1),
        };
        fs::create_dir_all(ring.home())?;
        File::create(ring.path(first))?.sync_all()?;
        sync_folder(&ring.home())?;
        sync_folder(folder)?;
        Ok(ring)
    }

    /// Reads every file. A damaged one ends what came before it; the last one is cut where it stops making sense.
    fn load(folder: &Path, id: RingId, replaces: Option<RingId>, capacity: u64) -> io::Result<Self> {
        let mut ring = Self {
            folder: folder.to_owned(),
            id,
            replaces,
            files: Vec::new(),
            newest: 0,
            tail_bytes: 0,
            newest_at_start: 0,
            capacity: capacity.max(1),
        };
        for first in files_in(&ring.home())? {
            let bytes = fs::read(ring.path(first))?;
            let mut records = record::Records::new(id, first, &bytes);
            let count = records.by_ref().count() as u64;
            if !ring.files.is_empty() && first != ring.newest + 1 {
                tracing::warn!(ring = %id, id = ring.newest + 1, "events on disk are damaged; those before are gone");
                ring.files.clear();
            }
            ring.files.push(first);
            ring.newest = first + count - 1;
            ring.tail_bytes = records.bytes_read();
        }
        if ring.files.is_empty() {
            // Its files were lost as a whole: nobody knows how far it went, so it is not gone on with.
            let ring = Self::create(folder, RingId(rand::random()), Some(id), capacity, 1)?;
            ring.name()?;
            return Ok(ring);
        }
        ring.forget_oldest();
        Ok(ring)
    }

    /// Makes this the ring of the folder.
    fn name(&self) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        writeln!(file, "{}", self.id)?;
        if let Some(replaces) = self.replaces {
            writeln!(file, "{replaces}")?;
        }
        file.as_file().sync_all()?;
        file.persist(self.folder.join(NAME_FILE)).map_err(|error| error.error)?;
        sync_folder(&self.folder)
    }

    /// Rings that were replaced, or never finished. What cannot be removed now is removed at the next start.
    fn remove_other_rings(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let home = self.home();
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir() && *path != home) {
            let _ = fs::remove_dir_all(path);
        }
        for file in files_in(&home).unwrap_or_default().iter().filter(|first| !self.files.contains(first)) {
            let _ = fs::remove_file(self.path(*file));
        }
    }

    fn file_capacity(&self) -> usize {
        to_usize((self.capacity / FILES).max(1))
    }

    fn home(&self) -> PathBuf {
        self.folder.join(self.id.to_string())
    }

    fn path(&self, first: u64) -> PathBuf {
        self.home().join(format!("{first:020}"))
    }
}

fn read_name(folder: &Path) -> io::Result<Option<(RingId, Option<RingId>)>> {
    let text = match fs::read_to_string(folder.join(NAME_FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let mut ids = text.lines().map(str::parse::<RingId>);
    match (ids.next(), ids.next().transpose()) {
        (Some(Ok(id)), Ok(replaces)) => Ok(Some((id, replaces))),
        (None | Some(_), _) => {
            tracing::warn!(folder = %folder.display(), "the name of the ring cannot be read; another is made");
            Ok(None)
        }
    }
}

/// The first ids of a ring's files, ascending.
fn files_in(home: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(home) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut firsts = Vec::new();
    for entry in entries {
        firsts.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()).filter(|first| *first > 0));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
