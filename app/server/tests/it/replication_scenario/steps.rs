//! What happens next.

use super::{model::ByHand, world::World};
use rand::Rng as _;
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[derive(Clone, Copy)]
enum Step {
    Kill,
    Freeze,
    Thaw,
    KillDatabase,
    Mend,
    HandOver,
    TakeOver,
    /// Somebody makes a replica a primary with PostgreSQL's own means.
    ByHand,
    BringBack,
    /// Nobody is active, and somebody decides.
    Decide,
}

impl World {
    pub(super) async fn step(&mut self) {
        self.step += 1;
        let steps = self.possible().await;
        let step = steps[self.rng.random_range(0..steps.len())];
        let portal = self.rng.random_range(0..self.portals.len());
        let site = self.rng.random_range(0..2);
        match step {
            Step::Kill => self.kill(portal).await,
            Step::Freeze => self.freeze(portal).await,
            Step::Thaw => {
                for portal in 0..self.portals.len() {
                    self.thaw(portal).await;
                }
            }
            Step::KillDatabase => self.kill_database(site),
            Step::Mend => self.mend(site).await,
            Step::HandOver => self.hand_over(portal).await,
            Step::TakeOver => self.take_over().await,
            Step::ByHand => self.promote_by_hand().await,
            Step::BringBack => self.bring_back().await,
            Step::Decide => self.decide().await,
        }
        let pause = self.rng.random_range(100..2000);
        sleep(Duration::from_millis(pause)).await;
    }

    /// Each as often as it shall happen.
    async fn possible(&self) -> Vec<Step> {
        use Step::*;
        let mut steps = vec![Kill, Freeze, KillDatabase, Mend];
        if self.portals.iter().any(|portal| portal.frozen) {
            steps.extend([Thaw, Thaw]);
        }
        let Some(leader) = self.leader() else {
            steps.extend([Mend, Mend, Decide, Decide, Decide]);
            return steps;
        };
        let other = 1 - self.site_of(&leader.server_id);
        match self.homes[other].up && self.homes[other].is_replica().await {
            true => steps.extend([HandOver, HandOver, HandOver, TakeOver, TakeOver, TakeOver, ByHand]),
            false => steps.extend([HandOver, TakeOver, TakeOver, BringBack, BringBack, BringBack, BringBack]),
        }
        steps
    }

    /// All of a site runs.
    pub(super) async fn mend(&mut self, site: usize) {
        self.start_database(site).await;
        for portal in self.portals_of(site) {
            self.thaw(portal).await;
            if self.portals[portal].process.is_none() {
                self.start(portal).await;
            }
        }
    }

    /// A power cut.
    pub(super) async fn kill_site(&mut self, site: usize) {
        for portal in self.portals_of(site) {
            self.kill(portal).await;
        }
        self.kill_database(site);
    }

    async fn promote_by_hand(&mut self) {
        for site in 0..2 {
            if !self.homes[site].up || !self.homes[site].is_replica().await {
                continue;
            }
            let home = &self.homes[site];
            let epoch = home.epoch().await;
            sqlx::query("select pg_promote()").execute(&mut home.database().await).await.unwrap();
            self.model.by_hand.push(ByHand { site, since: Instant::now(), epoch });
            self.tell(format!("database {site} is promoted by other hands, in epoch {epoch}"));
            return;
        }
    }
}
