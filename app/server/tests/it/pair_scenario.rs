//! Two whole servers and their devices, and whatever may happen to them, step by step from one seed: edits, events, copies,
//! kills, promotions, cut lines, old images, revocations. What was answered is kept beside them, and compared after every
//! step and once all is well again. How the devices decide alone is told by the simulation of takeovers; this scenario is
//! about what the servers write, where it lies, and what becomes of it.

mod calm;
mod checks;
mod databases;
mod edits;
mod line;
mod machine;
mod model;
mod role_moves;
mod steps;
mod strings;
mod world;

use crate::scenarios::live_all;
use world::World;

const SEEDS: u64 = 6;
const STEPS: usize = 12;

async fn live(seed: u64) {
    let mut world = World::new(seed).await;
    for _ in 0..STEPS {
        world.step().await;
        world.check().await;
    }
    world.heal().await;
    world.check_the_end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_in_any_trouble_decide_once_and_lose_no_answer() {
    live_all("two servers", SEEDS, live).await;
}
