//! Power cuts at every byte, damage, growth and renewal.

use super::*;
use proptest::prelude::*;
use tempfile::TempDir;

fn event(number: u64) -> Event {
    let detail = "x".repeat(usize::try_from(number % 7).unwrap());
    Event { time_unix_ms: number, code: 15_104, user_id: format!("user {number}"), detail }
}

fn events(numbers: impl Iterator<Item = u64>) -> Vec<Event> {
    numbers.map(event).collect()
}

fn open(folder: &TempDir, capacity: u64) -> Ring {
    Ring::open(folder.path(), capacity).unwrap()
}

/// Everything the ring keeps, by id.
fn kept(ring: &Ring) -> Vec<(u64, Event)> {
    let span = ring.span();
    (span.oldest..).zip(ring.read(span.oldest, usize::MAX).unwrap()).collect()
}

fn tail_path(ring: &Ring) -> PathBuf {
    ring.path(*ring.files.last().unwrap())
}

#[test]
fn what_was_logged_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 50_000);
    let id = ring.span().ring;
    assert_eq!(ring.span(), RingSpan { ring: id, oldest: 1, newest: 0, replaces: None });
    ring.append(&events(1..=3)).unwrap();
    ring.append(&events(4..=4)).unwrap();
    drop(ring);
    let ring = open(&folder, 50_000);
    assert_eq!(ring.span(), RingSpan { ring: id, oldest: 1, newest: 4, replaces: None });
    assert_eq!(ring.read(2, 2).unwrap(), events(2..=3));
    assert_eq!(ring.read(4, 100).unwrap(), events(4..=4));
    assert_eq!(ring.read(5, 100).unwrap(), []);
    assert_ne!(open(&TempDir::new().unwrap(), 10).span().ring, id);
}

#[test]
fn a_power_cut_at_any_byte_leaves_a_whole_beginning() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 50_000);
    ring.append(&events(1..=5)).unwrap();
    let path = tail_path(&ring);
    let before = fs::read(&path).unwrap();
    ring.append(&events(6..=8)).unwrap();
    let after = fs::read(&path).unwrap();
    drop(ring);
    for garbage in [None, Some(0), Some(0xff)] {
        for length in before.len()..=after.len() {
            // A file system may have made the file longer before the bytes came.
            let mut bytes = after[..length].to_vec();
            bytes.resize(garbage.map_or(length, |_| after.len() + 9), garbage.unwrap_or(0));
            fs::write(&path, &bytes).unwrap();
            let mut ring = open(&folder, 50_000);
            let newest = ring.span().newest;
            assert!((5..=8).contains(&newest), "cut at {length}");
            assert_eq!(newest == 8, length == after.len(), "cut at {length}");
            assert_eq!(ring.read(1, 100).unwrap(), events(1..=newest), "cut at {length}");
            ring.append(&events(newest + 1..=newest + 1)).unwrap();
            drop(ring);
            assert_eq!(open(&folder, 50_000).read(1, 100).unwrap(), events(1..=newest + 1), "cut at {length}");
        }
    }
}

#[test]
fn a_power_cut_in_a_files_first_write_keeps_numbers_rising() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 100);
    for number in 1..=9 {
        ring.append(&events(number..=number)).unwrap();
    }
    let path = tail_path(&ring);
    assert_eq!(ring.files, [1, 3, 5, 7, 9]);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let ring = open(&folder, 100);
        assert_eq!((ring.span().newest, ring.read(1, 100).unwrap()), (8, events(1..=8)), "cut at {length}");
    }
}

#[test]
fn damage_in_the_middle_costs_older_events_and_reuses_no_number() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 500);
    ring.append(&events(1..=45)).unwrap();
    assert_eq!(ring.files, [1, 11, 21, 31, 41]);
    let path = ring.path(21);
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut ring = open(&folder, 500);
    assert_eq!((ring.span().oldest, ring.span().newest), (31, 45));
    assert_eq!(kept(&ring), (31..=45).zip(events(31..=45)).collect::<Vec<_>>());
    ring.append(&events(46..=46)).unwrap();
    assert_eq!(open(&folder, 500).span().newest, 46);
    assert_eq!(files_in(&ring.home()).unwrap(), [31, 41], "what is of no use is removed");
}

#[test]
fn it_keeps_so_many_and_no_more_on_disk() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 100);
    for number in 1..=1000 {
        ring.append(&events(number..=number)).unwrap();
        assert_eq!(ring.span().newest + 1 - ring.span().oldest, number.min(100));
        assert!(fs::read_dir(ring.home()).unwrap().count() <= 51);
    }
    assert_eq!(kept(&ring), (901..=1000).zip(events(901..=1000)).collect::<Vec<_>>());
    let ring = open(&folder, 100);
    assert_eq!(kept(&ring), (901..=1000).zip(events(901..=1000)).collect::<Vec<_>>());
    assert_eq!(kept(&open(&folder, 10)).len(), 10, "also after its capacity was changed");
}

#[test]
fn a_new_ring_takes_what_this_run_has_logged() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 200);
    ring.append(&events(1..=30)).unwrap();
    drop(ring);
    let mut ring = open(&folder, 200);
    let old = ring.span().ring;
    ring.append(&events(31..=39)).unwrap();
    ring.renew().unwrap();
    let span = ring.span();
    assert!(span.ring != old && (span.oldest, span.newest, span.replaces) == (1, 9, Some(old)));
    assert_eq!(ring.read(1, 100).unwrap(), events(31..=39));
    ring.append(&events(40..=40)).unwrap();
    drop(ring);
    let ring = open(&folder, 200);
    assert_eq!(ring.span(), RingSpan { newest: 10, ..span });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the old ring is gone");
}

#[test]
fn a_power_cut_before_a_new_ring_is_named_leaves_the_old_one() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 200);
    ring.append(&events(1..=3)).unwrap();
    let mut unfinished = Ring::create(folder.path(), RingId([5; 16]), Some(ring.id), 200, 1).unwrap();
    unfinished.append(&events(1..=2)).unwrap();
    let again = open(&folder, 200);
    assert_eq!(again.span(), ring.span());
    assert!(!unfinished.home().exists());
}

#[test]
fn a_ring_whose_files_are_gone_is_not_gone_on_with() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 200);
    ring.append(&events(1..=3)).unwrap();
    fs::remove_dir_all(ring.home()).unwrap();
    let span = open(&folder, 200).span();
    assert_eq!((span.newest, span.replaces), (0, Some(ring.id)));
    fs::write(folder.path().join(NAME_FILE), "garbage").unwrap();
    assert_eq!(open(&folder, 200).span().newest, 0);
}

#[test]
fn texts_that_are_too_long_are_cut_not_refused() {
    let folder = TempDir::new().unwrap();
    let mut ring = open(&folder, 10);
    let long = Event { user_id: "ß".repeat(400), detail: "line\n".repeat(400), ..event(1) };
    ring.append(&[long]).unwrap();
    let read = open(&folder, 10).read(1, 1).unwrap().remove(0);
    assert!(read.user_id.len() == 64 && read.detail.len() == 256 && !read.detail.contains('\n'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Appends of any sizes, power cuts and restarts: always a run of events without a hole, ending with the newest.
    #[test]
    fn whatever_happens_the_ids_go_up_and_the_newest_are_kept(
        capacity in 1..120_u64,
        steps in proptest::collection::vec((0..30_u64, any::<bool>(), any::<proptest::sample::Index>()), 1..8),
    ) {
        let folder = TempDir::new().unwrap();
        let mut ring = open(&folder, capacity);
        let (mut newest, mut was_cut) = (0, false);
        for (count, cut, place) in steps {
            let known = newest;
            ring.append(&events(newest + 1..=newest + count)).unwrap();
            newest += count;
            was_cut |= cut;
            if cut && count > 0 {
                // The power goes within the last file's last write, if it was part of this one.
                let first = (*ring.files.last().unwrap()).max(known + 1);
                let mut kept_bytes = Vec::new();
                for id in *ring.files.last().unwrap()..first {
                    record::write(ring.id, id, &event(id), &mut kept_bytes);
                }
                let bytes = fs::read(tail_path(&ring)).unwrap();
                let length = kept_bytes.len() + place.index(bytes.len() + 1 - kept_bytes.len());
                fs::write(tail_path(&ring), &bytes[..length]).unwrap();
                drop(ring);
                ring = open(&folder, capacity);
                prop_assert!((first - 1..=newest).contains(&ring.span().newest));
                newest = ring.span().newest;
            }
            let span = ring.span();
            prop_assert_eq!((span.newest, span.newest + 1 - span.oldest <= capacity), (newest, true));
            prop_assert!(span.oldest == 1 || was_cut || span.newest + 1 - span.oldest == capacity);
            prop_assert_eq!(ring.read(span.oldest, usize::MAX).unwrap(), events(span.oldest..=newest));
        }
    }
}
