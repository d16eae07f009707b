//! The end of a scenario: all is mended, whoever was overtaken joins again, and both sites must show the same, all of it.

use super::world::World;
use http::StatusCode;
use model::Role;
use rand::Rng as _;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const CALM_WITHIN: Duration = Duration::from_secs(90);
/// Whoever was active before and is sure of it again would be so by now.
const LEADERLESS: Duration = Duration::from_secs(6);
/// Each has heard the others.
const SETTLED: Duration = Duration::from_secs(3);

/// Waits until `there` says so.
async fn within(limit: Duration, what: &str, mut there: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !there().await {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        sleep(Duration::from_millis(200)).await;
    }
}

impl World {
    /// Lets operators do what they would until one site is active and the other follows it.
    pub(super) async fn heal(&mut self) {
        self.step += 1;
        for site in 0..2 {
            self.mend(site).await;
        }
        let begun = Instant::now();
        let mut quiet = begun;
        loop {
            assert!(begun.elapsed() < CALM_WITHIN, "no calm: {:?}", self.leader());
            sleep(SETTLED).await;
            match self.leader() {
                Some(leader) => {
                    quiet = Instant::now();
                    if self.bring_back_to(&leader).await && self.leader() == Some(leader) {
                        break;
                    }
                }
                None if quiet.elapsed() >= LEADERLESS => {
                    let portal = self.rng.random_range(0..self.portals.len());
                    if self.promote(portal, Some("nobody is active")).await != Some(StatusCode::OK) {
                        quiet = Instant::now();
                    }
                }
                None => {}
            }
        }
    }

    pub(super) async fn check_the_end(&mut self) {
        let leader = self.leader().unwrap();
        let (active, standby) = (self.site_of(&leader.server_id), 1 - self.site_of(&leader.server_id));
        let expected = |site| if site == active { Role::Active } else { Role::Standby };
        within(CALM_WITHIN, "each portal is what its site is", async || {
            self.portals.iter().all(|portal| {
                let record = portal.record();
                record.role == expected(portal.site) && record.epoch == leader
            })
        })
        .await;
        let begun = Instant::now();
        for portal in self.portals_of(active) {
            within(CALM_WITHIN, "edits are answered", async || {
                self.answered()
                    .iter()
                    .any(|edit| edit.portal == portal && edit.begun > begun && edit.epoch.as_ref() == Some(&leader))
            })
            .await;
        }
        self.check();
        self.writers.shutdown().await;
        let answered = self.answered();
        // What nobody waits for any more may still be written.
        within(CALM_WITHIN, "all show the same", async || {
            let held = self.homes[active].strings().await;
            for portal in &self.portals {
                if portal.shown().await.as_ref() != Some(&held) {
                    return false;
                }
            }
            self.homes[standby].strings().await == held
        })
        .await;
        let held = self.homes[active].strings().await;
        self.check_nothing_is_lost(&held).await;
        let listed = self.model.listed.len();
        println!("seed {}: {} edits were answered, {listed} are on lists, {leader:?}", self.seed, answered.len());
    }

    async fn check_nothing_is_lost(&self, held: &BTreeSet<String>) {
        let mut listed = self.listed_at(0).await;
        listed.append(&mut self.listed_at(1).await);
        let answered = self.answered();
        let lost: Vec<_> =
            answered.iter().filter(|edit| !held.contains(&edit.id) && !listed.contains(&edit.id)).collect();
        assert!(lost.is_empty(), "{} were answered and are gone: {lost:#?}", lost.len());
        // What was handed over is not left behind later.
        let handed = |edit: &&super::model::Edit| {
            self.model.handed.iter().any(|given| Some(&given.epoch) == edit.epoch.as_ref())
        };
        let lost: Vec<_> = answered.iter().filter(handed).filter(|edit| !held.contains(&edit.id)).collect();
        assert!(lost.is_empty(), "{} were handed over and are gone: {lost:#?}", lost.len());
    }
}
