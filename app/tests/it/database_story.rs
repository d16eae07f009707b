//! Two sites, each with a PostgreSQL server of its own that follows the other's or is followed, and whatever may happen to
//! them, step by step from one seed: portals and database servers that are killed, portals that stand still, handovers,
//! takeovers, databases that other hands promote, and the way back. The first site has two portals on its database. All the
//! time somebody tries to edit at every portal. In each epoch one site alone answers edits, a handover takes all of them
//! along, and what a takeover leaves behind is listed when the old site comes back.

mod calm;
mod checks;
mod model;
mod portal;
mod role_moves;
mod steps;
mod world;

use futures::{FutureExt as _, StreamExt as _, stream};
use std::panic::AssertUnwindSafe;
use world::World;

const SEEDS: u64 = 2;
const STEPS: usize = 12;
/// Most of a story is waiting.
const AT_ONCE: usize = 3;

async fn live(seed: u64) {
    let mut world = World::new(seed).await;
    for _ in 0..STEPS {
        world.step().await;
        world.check();
    }
    world.heal().await;
    world.check_the_end().await;
}

/// From `STORY_FROM`, as many as `STORY_SEEDS` says. What happened is printed with a seed that fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_two_sites_each_epoch_is_written_by_one_and_nothing_that_was_answered_is_lost_in_silence() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let from = number("STORY_FROM").unwrap_or(0);
    let end = from + number("STORY_SEEDS").unwrap_or(SEEDS);
    println!("stories of two sites with databases that follow each other: seeds {from} to {}", end - 1);
    let life = |seed| async move { (seed, AssertUnwindSafe(live(seed)).catch_unwind().await.is_ok()) };
    let lives = stream::iter(from..end).map(life).buffer_unordered(AT_ONCE);
    let failed = lives.filter_map(|(seed, well)| async move { (!well).then_some(seed) });
    assert_eq!(failed.collect::<Vec<u64>>().await, [0; 0], "seeds that failed; what happened stands above");
}
