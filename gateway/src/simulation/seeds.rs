//! Scenarios from many seeds, told on all cores.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// From `SIMULATION_FROM`, as many as `SIMULATION_SEEDS` says, or that many from 0. Prints which, and which one failed.
pub(crate) fn for_each_seed(name: &str, count: u64, live: fn(u64)) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let from = number("SIMULATION_FROM").unwrap_or(0);
    let end = from + number("SIMULATION_SEEDS").unwrap_or(count);
    println!("{name}: seeds {from} to {}", end - 1);
    let next = AtomicU64::new(from);
    let live_on = || {
        let mine = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        for seed in mine.take_while(|seed| *seed < end) {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| live(seed))) {
                eprintln!("simulation of {name} failed with seed {seed}");
                resume_unwind(panic);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(live_on);
        }
    });
}
