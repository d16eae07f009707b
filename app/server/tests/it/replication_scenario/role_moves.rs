//! What operators do about roles.

use super::{
    model::{Epoch, Handed},
    world::World,
};
use http::{Method, StatusCode};
use model::Role;
use rand::Rng as _;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// A server that is silent is known to be so, and one that is back is heard.
const HEARD_WITHIN: Duration = Duration::from_secs(20);
const WRITERS_ARE_STUCK: Duration = Duration::from_millis(200);

impl World {
    /// Somebody wants one of the other site to be active, or this one, whatever it is.
    pub(super) async fn hand_over(&mut self, any: usize) {
        let active = self.leader().map(|leader| self.site_of(&leader.server_id));
        let site = active.map_or(self.portals[any].site, |active| 1 - active);
        let others = self.up_at(site);
        let portal = others.get(any % others.len().max(1)).copied().filter(|_| self.rng.random_bool(0.8));
        let portal = portal.unwrap_or(any);
        if self.portals[portal].is_up() && self.homes[self.portals[portal].site].up {
            if let (Some(active), true) = (active, self.rng.random_bool(0.7)) {
                self.stall(active).await;
            }
            self.promote(portal, None).await;
        }
    }

    /// Whoever writes there is in the middle of it for a while, unless one of them stands still in it.
    async fn stall(&mut self, site: usize) {
        let mut database = self.homes[site].database().await;
        let pause = Duration::from_millis(self.rng.random_range(500..1500));
        let lock = "set lock_timeout = '1s'; begin; lock table audit in exclusive mode";
        if sqlx::raw_sql(lock).execute(&mut database).await.is_err() {
            return;
        }
        self.tell(format!("database {site} is slow for {pause:?}"));
        self.writers.spawn(async move {
            sleep(pause).await;
            drop(database);
        });
        sleep(WRITERS_ARE_STUCK).await;
    }

    pub(super) async fn promote(&mut self, number: usize, stopped: Option<&str>) -> Option<StatusCode> {
        let portal = &self.portals[number];
        let wish = json!({ "confirm": portal.name, "stopped": stopped });
        let answer = portal.ask(Method::POST, &format!("/servers/{}/promote", portal.id), &wish).await;
        let answered = Instant::now();
        let status = answer.as_ref().map(|(status, _)| *status);
        let said = answer
            .map(|(_, said)| if status == Some(StatusCode::OK) { String::new() } else { said["detail"].to_string() });
        self.tell(format!("portal {number} is to be active ({stopped:?}): {status:?} {}", said.unwrap_or_default()));
        if status == Some(StatusCode::OK) {
            self.promoted(number, answered).await;
        }
        status
    }

    /// What a role that was given has to bring along.
    async fn promoted(&mut self, number: usize, answered: Instant) {
        let home = &self.homes[self.portals[number].site];
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as("select number, server_id, kind from epochs order by number desc limit 2")
                .fetch_all(&mut home.database().await)
                .await
                .unwrap();
        let [(_, server, kind), (before, from, _)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(*server, self.portals[number].id);
        let epoch = Epoch { number: before.unsigned_abs(), server_id: from.clone() };
        if kind == "handover" {
            let answers: Vec<_> =
                self.answered().into_iter().filter(|edit| edit.epoch.as_ref() == Some(&epoch)).collect();
            let held = home.strings().await;
            let lost: Vec<_> = answers.iter().filter(|edit| !held.contains(&edit.id)).collect();
            assert!(lost.is_empty(), "answered before the role was given, and not handed over: {lost:#?}");
            self.tell(format!("{epoch:?} was given to portal {number} with {} edits", answers.len()));
            self.model.handed.push(Handed { epoch, answered });
        } else {
            self.tell(format!("portal {number} took the role over after {epoch:?}"));
        }
    }

    /// The site of the leader falls silent, and the other one takes over. Not always was it really stopped.
    pub(super) async fn take_over(&mut self) {
        let Some(leader) = self.leader() else { return };
        let (old, new) = (self.site_of(&leader.server_id), 1 - self.site_of(&leader.server_id));
        self.mend(new).await;
        if self.rng.random_bool(0.6) {
            self.kill_site(old).await;
        } else {
            for portal in self.portals_of(old) {
                self.freeze(portal).await;
            }
        }
        let candidates = self.up_at(new);
        let portal = candidates[self.rng.random_range(0..candidates.len())];
        let begun = Instant::now();
        // While it does not know yet that nobody answers it tries to ask, in vain.
        while self.promote(portal, Some("somebody said so")).await != Some(StatusCode::OK) {
            assert!(begun.elapsed() < HEARD_WITHIN, "portal {portal} does not take over");
            if self.portals[portal].record().role == Role::Active {
                return;
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Any that answers.
    pub(super) async fn decide(&mut self) {
        let up: Vec<usize> = (0..2).filter(|site| self.homes[*site].up).flat_map(|site| self.up_at(site)).collect();
        if !up.is_empty() {
            let portal = up[self.rng.random_range(0..up.len())];
            self.promote(portal, Some("somebody said so")).await;
        }
    }

    /// A site that another one has overtaken follows that.
    pub(super) async fn bring_back(&mut self) {
        let Some(leader) = self.leader() else { return };
        self.bring_back_to(&leader).await;
    }

    pub(super) async fn bring_back_to(&mut self, leader: &Epoch) -> bool {
        let (new, old) = (self.site_of(&leader.server_id), 1 - self.site_of(&leader.server_id));
        for site in 0..2 {
            for portal in self.portals_of(site) {
                self.thaw(portal).await;
            }
        }
        self.start_database(old).await;
        if self.homes[old].is_replica().await {
            return true;
        }
        if self.up_at(old).is_empty() {
            let portals = self.portals_of(old);
            let portal = portals[self.rng.random_range(0..portals.len())];
            self.start(portal).await;
        }
        let listed = self.listed_at(old).await;
        for portal in self.up_at(old) {
            if !self.rejoin(portal, leader).await {
                return false;
            }
        }
        self.check_lists(old, new, &listed).await;
        self.follow(old, new).await;
        true
    }

    /// Lists what only its site has, unless it is the one that leads after all.
    async fn rejoin(&mut self, number: usize, leader: &Epoch) -> bool {
        let begun = Instant::now();
        loop {
            let record = self.portals[number].record();
            if record.role == Role::Active && record.epoch > *leader {
                self.tell(format!("portal {number} leads in {:?}", record.epoch));
                return false;
            }
            if record.role == Role::Standby && record.epoch == *leader {
                return true; // It never wrote.
            }
            let portal = &self.portals[number];
            let path = format!("/servers/{}/rejoin", portal.id);
            let answer = portal.ask(Method::POST, &path, &json!({})).await;
            if answer.as_ref().is_some_and(|(status, _)| *status == StatusCode::OK) {
                self.tell(format!("portal {number} joins again"));
                return true;
            }
            if begun.elapsed() >= HEARD_WITHIN {
                if self.leader().as_ref() != Some(leader) {
                    self.tell(format!("portal {number} finds nobody to join again: {record:?}"));
                    return false;
                }
                panic!("portal {number} does not join again: {answer:?} {record:?}");
            }
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// The killed database becomes a replica of the other.
    async fn follow(&mut self, old: usize, new: usize) {
        let overwritten = self.overwritten_at(old).await;
        self.kill_database(old);
        let [one, two] = &mut self.homes;
        let (follower, source) = if old == 0 { (one, two) } else { (two, one) };
        follower.cluster.follow(&source.cluster, &format!("site{old}")).await;
        follower.up = true;
        self.tell(format!("database {old} follows database {new}"));
        for portal in self.up_at(old) {
            let begun = Instant::now();
            while self.portals[portal].record().role != Role::Standby {
                assert!(begun.elapsed() < HEARD_WITHIN, "portal {portal} is {:?}", self.portals[portal].record());
                sleep(Duration::from_millis(100)).await;
            }
        }
        let now = self.overwritten_at(old).await;
        assert_eq!(overwritten, now, "what was listed is told as if it was not");
    }
}
