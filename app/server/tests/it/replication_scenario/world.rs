//! Both sites: their database servers, their portals, and what is known of them.

use super::{
    model::{Edit, Epoch, Model},
    portal::{Portal, write},
};
use crate::{
    cluster::Cluster,
    failover::{Process, quick},
    pair::{folder, join_string, until},
};
use model::{PeerState, Role};
use rand::{SeedableRng as _, rngs::StdRng};
use server::{
    config::Config,
    start::{Running, start},
};
use sqlx::{Connection as _, PgConnection};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::task::JoinSet;

/// At which site each portal is.
const SITES: [usize; 3] = [0, 1, 0];

/// The database server of a site.
pub(super) struct Home {
    pub(super) cluster: Cluster,
    pub(super) up: bool,
}

impl Home {
    pub(super) async fn database(&self) -> PgConnection {
        let begun = Instant::now();
        loop {
            match PgConnection::connect(&self.cluster.address("portal")).await {
                Ok(connection) => return connection,
                Err(error) => assert!(begun.elapsed() < crate::cluster::PATIENCE, "no connection: {error}"),
            }
        }
    }

    /// The strings in its database.
    pub(super) async fn strings(&self) -> BTreeSet<String> {
        let ids: Vec<String> = sqlx::query_scalar("select id from provisioning_strings")
            .fetch_all(&mut self.database().await)
            .await
            .unwrap();
        ids.into_iter().collect()
    }

    pub(super) async fn is_replica(&self) -> bool {
        sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(&mut self.database().await).await.unwrap()
    }

    /// The epoch that its database names.
    pub(super) async fn epoch(&self) -> u64 {
        let epoch: i64 =
            sqlx::query_scalar("select epoch from installation").fetch_one(&mut self.database().await).await.unwrap();
        epoch.unsigned_abs()
    }
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) rng: StdRng,
    pub(super) step: usize,
    pub(super) homes: [Home; 2],
    pub(super) portals: Vec<Portal>,
    pub(super) edits: Arc<Mutex<Vec<Edit>>>,
    pub(super) writers: JoinSet<()>,
    pub(super) model: Model,
    begun: Instant,
    told: Vec<String>,
}

fn on(cluster: &Cluster, data: &Path) -> Config {
    Config { database: Some(cluster.address("portal")), ..quick(data) }
}

async fn hear_each_other(servers: &[&Running]) {
    for server in servers {
        until("each hears the others", async || {
            let known = server.service().list_servers().await.unwrap();
            known.iter().filter(|other| other.state == PeerState::Reachable).count() + 1 >= servers.len()
        })
        .await;
    }
}

impl World {
    /// Two sites, of which the first is active with two portals.
    pub(super) async fn new(seed: u64) -> Self {
        let folders = [folder(), folder(), folder()];
        let primary = Cluster::start().await;
        let first = start(on(&primary, folders[0].path())).await.unwrap();
        let join = Some(join_string(&first).await);
        let fellow = start(Config { join, ..on(&primary, folders[2].path()) }).await.unwrap();
        let replica = Cluster::replica_of(&primary, "site1").await;
        let join = Some(join_string(&first).await);
        let second = start(Config { join, ..on(&replica, folders[1].path()) }).await.unwrap();
        let servers = [&first, &second, &fellow];
        hear_each_other(&servers).await;
        for (server, data) in servers.iter().zip(&folders) {
            until("it remembers them", async || data.path().join("peers.json").exists()).await;
            let role = if server.service().identity().server_id == second.service().identity().server_id {
                Role::Standby
            } else {
                Role::Active
            };
            until("it has its role", async || server.service().role() == role).await;
        }
        let known = servers.map(|server| {
            let site = server.service().identity();
            (site.server_id.clone(), site.server_name.clone(), server.peers_addr.to_string())
        });
        for server in [first, second, fellow] {
            server.stop().await;
        }
        let portal =
            |(((id, name, peers), data), site)| Portal { id, name, site, data, peers, process: None, frozen: false };
        let portals: Vec<Portal> = known.into_iter().zip(folders).zip(SITES).map(portal).collect();
        let edits = Arc::new(Mutex::new(Vec::new()));
        let mut writers = JoinSet::new();
        for (number, portal) in portals.iter().enumerate() {
            writers.spawn(write(number, portal.site, portal.data.path().to_owned(), Arc::clone(&edits)));
        }
        let mut world = Self {
            seed,
            rng: StdRng::seed_from_u64(seed),
            step: 0,
            homes: [primary, replica].map(|cluster| Home { cluster, up: true }),
            portals,
            edits,
            writers,
            model: Model::default(),
            begun: Instant::now(),
            told: Vec::new(),
        };
        for portal in 0..world.portals.len() {
            world.start(portal).await;
        }
        world
    }

    /// Writes down what happens, for a seed that fails.
    pub(super) fn tell(&mut self, what: impl std::fmt::Display) {
        let at = self.begun.elapsed().as_secs_f32();
        self.told.push(format!("{at:6.2} s  step {:2}  {what}", self.step));
    }

    pub(super) fn portals_of(&self, site: usize) -> Vec<usize> {
        (0..self.portals.len()).filter(|portal| self.portals[*portal].site == site).collect()
    }

    pub(super) fn up_at(&self, site: usize) -> Vec<usize> {
        self.portals_of(site).into_iter().filter(|portal| self.portals[*portal].is_up()).collect()
    }

    pub(super) fn site_of(&self, server_id: &str) -> usize {
        self.portals.iter().find(|portal| portal.id == server_id).expect("a known server").site
    }

    /// The highest epoch in which a portal that answers is active, if any is.
    pub(super) fn leader(&self) -> Option<Epoch> {
        let up = self.portals.iter().filter(|portal| portal.is_up() && self.homes[portal.site].up);
        let active = up.map(Portal::record).filter(|record| record.role == Role::Active);
        active.map(|record| record.epoch).max()
    }

    pub(super) fn answered(&self) -> Vec<Edit> {
        self.edits.lock().unwrap().clone()
    }

    pub(super) async fn start(&mut self, number: usize) {
        let portal = &self.portals[number];
        let address = self.homes[portal.site].cluster.address("portal");
        let started = Process::try_run(portal.data.path(), &portal.peers, &["--database", &address]).await;
        match started {
            Ok(process) => {
                self.portals[number].process = Some(process);
                self.tell(format!("portal {number} is started"));
            }
            Err(status) => {
                assert!(!self.homes[self.portals[number].site].up, "portal {number} does not start: {status}");
                self.tell(format!("portal {number} finds no database to start with"));
            }
        }
    }

    pub(super) async fn thaw(&mut self, number: usize) {
        let portal = &mut self.portals[number];
        if std::mem::take(&mut portal.frozen) {
            portal.process.as_ref().unwrap().thaw().await;
            self.tell(format!("portal {number} goes on"));
        }
    }

    pub(super) async fn freeze(&mut self, number: usize) {
        let portal = &mut self.portals[number];
        if portal.is_up() {
            portal.process.as_ref().unwrap().freeze().await;
            portal.frozen = true;
            self.tell(format!("portal {number} stands still"));
        }
    }

    pub(super) async fn kill(&mut self, number: usize) {
        let portal = &mut self.portals[number];
        portal.frozen = false;
        if let Some(process) = portal.process.take() {
            process.kill().await;
            self.tell(format!("portal {number} is killed"));
        }
    }

    pub(super) fn kill_database(&mut self, site: usize) {
        if std::mem::take(&mut self.homes[site].up) {
            self.homes[site].cluster.kill();
            self.tell(format!("database {site} is killed"));
        }
    }

    pub(super) async fn start_database(&mut self, site: usize) {
        if !self.homes[site].up {
            self.homes[site].cluster.restart().await;
            self.homes[site].up = true;
            self.tell(format!("database {site} is started"));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let records: Vec<_> = self.portals.iter().map(Portal::record).collect();
            eprintln!(
                "SCENARIO_FROM={} SCENARIO_SEEDS=1 failed; {records:#?} after\n{}",
                self.seed,
                self.told.join("\n")
            );
        }
    }
}
