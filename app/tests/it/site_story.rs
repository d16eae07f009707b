//! Two whole servers and their devices, and whatever may happen to them, step by step from one seed: edits, events, copies,
//! kills, promotions, cut lines, old images, revocations. What was answered is kept beside them, and compared after every
//! step and once all is well again. How the devices decide alone is told by the simulation of takeovers; this story is
//! about what the servers write, where it lies, and what becomes of it.

mod books;
mod calm;
mod checks;
mod edits;
mod line;
mod machine;
mod model;
mod role_moves;
mod steps;
mod strings;
mod world;

use futures::{FutureExt as _, StreamExt as _, stream};
use std::panic::AssertUnwindSafe;
use world::World;

const SEEDS: u64 = 6;
const STEPS: usize = 12;
/// Most of a story is waiting.
const AT_ONCE: usize = 3;

async fn live(seed: u64) {
    let mut world = World::new(seed).await;
    for _ in 0..STEPS {
        world.step().await;
        world.check().await;
    }
    world.heal().await;
    world.check_the_end().await;
}

/// From `STORY_FROM`, as many as `STORY_SEEDS` says. What happened is printed with a seed that fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_two_servers_is_decided_once_and_nothing_that_was_answered_is_lost() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let from = number("STORY_FROM").unwrap_or(0);
    let end = from + number("STORY_SEEDS").unwrap_or(SEEDS);
    println!("stories of two servers: seeds {from} to {}", end - 1);
    let life = |seed| async move { (seed, AssertUnwindSafe(live(seed)).catch_unwind().await.is_ok()) };
    let lives = stream::iter(from..end).map(life).buffer_unordered(AT_ONCE);
    let failed = lives.filter_map(|(seed, well)| async move { (!well).then_some(seed) });
    assert_eq!(failed.collect::<Vec<u64>>().await, [0; 0], "seeds that failed; what happened stands above");
}
