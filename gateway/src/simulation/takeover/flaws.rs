//! Rules with a flaw, brought about at their edges, each of which the simulation must notice: a test that cannot fail proves
//! nothing.

use super::flaw::Flaw;
use super::scenarios::live_with;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Seeds in which a flaw has to show.
const SEEDS: u64 = 3000;

#[test]
fn every_flaw_is_noticed() {
    use Flaw::{
        AcknowledgesUnseen, AnyEpoch, CountsFromReceipt, EpochsGoBack, HoldsTooLong, NeedsNoProof, NeverGivesWay,
        NoWindow, OldProof, SafeAtOnce,
    };
    // The rare ones are looked for where they show soon.
    let flaws = [
        (CountsFromReceipt, 1800),
        (AnyEpoch, 0),
        (SafeAtOnce, 0),
        (OldProof, 200),
        (NoWindow, 0),
        (HoldsTooLong, 0),
        (NeverGivesWay, 0),
        (AcknowledgesUnseen, 0),
        (NeedsNoProof, 1000),
        (EpochsGoBack, 0),
    ];
    for (flaw, from) in flaws {
        let (next, noticed) = (AtomicU64::new(from), AtomicBool::new(false));
        let look = || {
            while !noticed.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= from + SEEDS {
                    break;
                }
                if catch_unwind(|| live_with(seed, Some(flaw))).is_err() {
                    noticed.store(true, Ordering::Relaxed);
                }
            }
        };
        thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(look)));
        println!("{flaw:?}: noticed after {} seeds", next.into_inner() - from);
        assert!(noticed.into_inner(), "{flaw:?} went unnoticed");
    }
}
