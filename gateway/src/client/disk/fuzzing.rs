//! The two slots of the device's state, whatever stands in them.

use super::{Disk, OLD_STATE_FILE, STATE_FILE};
use crate::{client::record::Record, device::Stored};
use std::{fs, fs::File, sync::Arc};
use tempfile::tempdir;

/// The newer slot, a zero byte, the older slot. The newer counts if it can be read, else the older; what is loaded is the
/// same after it was saved, and then the newer slot alone is enough.
pub(crate) fn state_slots(bytes: &[u8]) {
    let mut slots = bytes.splitn(2, |byte| *byte == 0);
    let newer = slots.next().unwrap_or_default();
    let older = slots.next();
    let wanted = parse(newer).or_else(|| older.and_then(parse));
    let (Ok(folder), Ok(lock)) = (tempdir(), tempfile::tempfile()) else { return };
    let disk = Disk { folder: folder.path().to_owned(), _lock: Arc::<File>::new(lock) };
    let written = fs::write(folder.path().join(STATE_FILE), newer)
        .and_then(|()| older.map_or(Ok(()), |older| fs::write(folder.path().join(OLD_STATE_FILE), older)));
    if written.is_err() {
        return;
    }
    let loaded = disk.load_stored().ok();
    assert_eq!(loaded, wanted, "the wrong slot was loaded");
    let Some(stored) = loaded else { return };
    assert!(disk.save_stored(&stored).is_ok(), "what was loaded cannot be saved");
    assert_eq!(disk.load_stored_from(STATE_FILE).ok(), Some(stored), "it came back as another");
}

fn parse(slot: &[u8]) -> Option<Stored> {
    Stored::try_from(serde_json::from_slice::<Record>(slot).ok()?).ok()
}

/// What the fuzzer begins with.
#[cfg(test)]
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    use crate::wire::{Entries, ServerList};
    let entries = Entries::parse([(1, "192.0.2.10", 51_213), (2, "portal.example", 51_213)]).unwrap();
    let slot = |sequence| {
        let list = ServerList::new(1, 1, None, entries.clone());
        let mut stored = Stored::new(list.clone(), 1_700_000_000_000);
        stored.lists.previous = Some(list);
        stored.last_good = Some(entries.as_slice()[1].clone());
        stored.connection_sequence = sequence;
        serde_json::to_vec(&Record::from(&stored)).unwrap()
    };
    let torn = slot(2)[..100].to_vec();
    vec![("both", [slot(2), vec![0], slot(1)].concat()), ("newer-is-torn", [torn, vec![0], slot(1)].concat())]
}
