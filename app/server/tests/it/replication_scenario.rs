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

use crate::scenarios::live_all;
use world::World;

const SEEDS: u64 = 2;
const STEPS: usize = 12;

async fn live(seed: u64) {
    let mut world = World::new(seed).await;
    for _ in 0..STEPS {
        world.step().await;
        world.check();
    }
    world.heal().await;
    world.check_the_end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sites_never_write_in_one_epoch_nor_lose_an_answer_unseen() {
    live_all("two sites with databases that follow each other", SEEDS, live).await;
}
