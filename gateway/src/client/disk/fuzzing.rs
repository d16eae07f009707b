//! The two slots of the device's state, whatever stands in them.

use super::{Disk, OLD_STATE_FILE, STATE_FILE};
use crate::{
    client::slot::{Slot, decode},
    device::Stored,
};
use std::{fs, fs::File, sync::Arc};
use tempfile::tempdir;

/// The newer slot, a zero byte, the older slot. The newer counts if it can be read, else the older; what is loaded is the
/// same after it was saved, and then the newer slot alone is enough. Both slots have their sums from then on: a newer one
/// with a flipped bit is passed over.
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
    assert_eq!(load(&disk, STATE_FILE), Some(Slot { stored: stored.clone(), bare: false }), "it came back as another");
    let mut next = stored.clone();
    next.connection_sequence = next.connection_sequence.wrapping_add(1);
    assert!(disk.save_stored(&next).is_ok(), "it cannot be saved again");
    flip(&disk, bytes);
    assert_eq!(disk.load_stored().ok(), Some(stored), "a flipped bit was believed");
}

/// One bit of the newer slot, as the input says.
fn flip(disk: &Disk, bytes: &[u8]) {
    let path = disk.folder.join(STATE_FILE);
    let Ok(mut slot) = fs::read(&path) else { return };
    let place = bytes.iter().fold(bytes.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let index = place % slot.len().max(1);
    if let Some(byte) = slot.get_mut(index) {
        *byte ^= 1 << (place % 7);
    }
    assert!(fs::write(&path, slot).is_ok(), "the slot cannot be written");
}

fn parse(slot: &[u8]) -> Option<Stored> {
    decode(slot).ok().map(|slot| slot.stored)
}

fn load(disk: &Disk, name: &str) -> Option<Slot> {
    disk.load_slot(name).ok()
}

/// What the fuzzer begins with.
#[cfg(test)]
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    use crate::client::{record::Record, slot::encode};
    use crate::wire::{Entries, ServerList};
    let entries = Entries::parse([(1, "192.0.2.10", 51_213), (2, "portal.example", 51_213)]).unwrap();
    let stored = |sequence| {
        let list = ServerList::new(1, 1, None, entries.clone());
        let mut stored = Stored::new(list.clone(), 1_700_000_000_000);
        stored.lists.previous = Some(list);
        stored.last_good = Some(entries.as_slice()[1].clone());
        stored.connection_sequence = sequence;
        stored
    };
    let slot = |sequence| encode(&stored(sequence)).unwrap();
    let bare = |sequence| serde_json::to_vec(&Record::from(&stored(sequence))).unwrap();
    let torn = bare(2)[..100].to_vec();
    let flipped =
        String::from_utf8(slot(2)).unwrap().replace("\"connection_sequence\": 2", "\"connection_sequence\": 3");
    vec![
        ("both", [bare(2), vec![0], bare(1)].concat()),
        ("newer-is-torn", [torn, vec![0], bare(1)].concat()),
        ("both-with-sums", [slot(2), vec![0], slot(1)].concat()),
        ("newer-is-flipped", [flipped.into_bytes(), vec![0], slot(1)].concat()),
    ]
}
