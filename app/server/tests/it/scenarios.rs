//! Scenarios that are told from seeds, several at a time.

use futures::{FutureExt as _, StreamExt as _, stream};
use std::panic::AssertUnwindSafe;

/// Most of a scenario is waiting.
const AT_ONCE: usize = 3;

/// Lives the scenarios of `whom` from seed `SCENARIO_FROM` on, as many as `SCENARIO_SEEDS` says, or else `seeds` of them from the first one. Each
/// tells what happened if it fails.
pub(crate) async fn live_all<L: Future<Output = ()>>(whom: &str, seeds: u64, live: impl Fn(u64) -> L) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let from = number("SCENARIO_FROM").unwrap_or(0);
    let end = from + number("SCENARIO_SEEDS").unwrap_or(seeds);
    println!("scenarios of {whom}: seeds {from} to {}", end - 1);
    let life = |seed| AssertUnwindSafe(live(seed)).catch_unwind().map(move |lived| (seed, lived.is_ok()));
    let lives = stream::iter(from..end).map(life).buffer_unordered(AT_ONCE);
    let failed = lives.filter_map(|(seed, well)| async move { (!well).then_some(seed) });
    assert_eq!(failed.collect::<Vec<u64>>().await, [0; 0], "seeds that failed; what happened stands above");
}
