//! Both servers, the line between them, their devices, and what is known of them.

use super::{machine::Machine, model::Model};
use crate::{
    device::{fast, rows},
    pair::{console, folder, until},
};
use gateway::{
    simulator::{FIRST_DEVICE, Fleet, FleetSettings},
    wire::DeviceId,
};
use model::{ConnectionSettings, ProvisioningInput, PushState, Role, SettingsInput};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};
use server::{Service, fleet::ListInput};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

const DEVICES: u32 = 4;
/// After a step, in milliseconds.
const STEP_PAUSES: [u64; 4] = [0, 50, 400, 1500];

/// Those that are never removed.
const DEVICES_KEPT: u32 = 2;

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) rng: SmallRng,
    /// Steps done.
    pub(super) step: usize,
    pub(super) machines: [Machine; 2],
    pub(super) rare_copies: bool,
    pub(super) fleet: Fleet,
    pub(super) model: Model,
    begun: Instant,
    told: Vec<String>,
    _stop: DropGuard,
    _state: TempDir,
}

impl World {
    /// Two servers of which the first is active, and devices that have both on their lists.
    pub(super) async fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let rare_copies = rng.random_bool(0.5);
        let one = Machine::new(0, seed, rare_copies, None).await;
        let active = one.running().unwrap();
        let string = active.service().create_join_string(&console()).await.unwrap();
        let input = ProvisioningInput { uses: DEVICES, expires_in_seconds: 600, addresses: Vec::new() };
        let provisioning =
            active.service().create_provisioning_string(&console(), input).await.unwrap().string.unwrap();
        let state = folder();
        let settings = FleetSettings {
            state_dir: state.path().to_owned(),
            count: DEVICES,
            first_id: FIRST_DEVICE,
            provisioning: Some(provisioning.parse().unwrap()),
            config: fast(),
            starts_per_second: 100,
        };
        let stop = CancellationToken::new();
        let fleet = Fleet::start(&settings, &stop).unwrap();
        let (two, ()) = tokio::join!(Machine::new(1, seed, rare_copies, Some(string)), confirm_one(active.service()));
        let model = Model { granted: vec![active.service().known_epoch()], ..Model::default() };
        let mut world = Self {
            seed,
            rng,
            step: 0,
            machines: [one, two],
            rare_copies,
            fleet,
            model,
            begun: Instant::now(),
            told: Vec::new(),
            _stop: stop.drop_guard(),
            _state: state,
        };
        world
            .tell(format!("two servers, copies are {}", if rare_copies { "rare" } else { "taken after every change" }));
        world.settle().await;
        world
    }

    /// Every device has both servers on its list, and the standby knows it.
    async fn settle(&mut self) {
        let service = self.service(0);
        let both = [0, 1].map(|server: usize| self.machines[server].gateway());
        for device in device_ids() {
            until("the device asks", async || service.accept_waiting_by_device_id(&console(), device).await.is_ok())
                .await;
        }
        for device in device_ids() {
            until("the device is connected", async || service.find_servers(device).await.unwrap().connected.is_some())
                .await;
            let base = service.find_servers(device).await.unwrap().revision;
            let list = ListInput { entries: rows(&both), settings: Some(watchful()) };
            service.replace_servers(&console(), device, base, list).await.unwrap();
        }
        for device in device_ids() {
            until("the device keeps its list", async || {
                let push = service.find_servers(device).await.unwrap().push.unwrap();
                push.state == PushState::Committed
            })
            .await;
        }
        service.copy_now(&console(), &self.machines[0].id).await.unwrap();
        let standby = self.service(1);
        until("the copy has them all", async || {
            let of =
                async |service: &Service, device| service.find_servers(device).await.ok()?.committed.map(|c| c.hash);
            for device in device_ids() {
                if of(&standby, device).await != of(&service, device).await {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// Writes down what happens, for a seed that fails.
    pub(super) fn tell(&mut self, what: impl std::fmt::Display) {
        let (at, what) = (self.begun.elapsed(), what.to_string());
        if self.told.last().is_some_and(|last| last.ends_with(&what)) {
            return;
        }
        self.told.push(format!("{:6.2} s  step {:2}  {what}", at.as_secs_f32(), self.step));
    }

    /// The rules of a server that is up.
    pub(super) fn service(&self, server: usize) -> Arc<Service> {
        self.machines[server].service().unwrap().clone()
    }

    pub(super) fn role(&self, server: usize) -> Option<Role> {
        self.machines[server].service().map(|service| service.role())
    }

    pub(super) fn is_active(&self, server: usize) -> bool {
        self.role(server) == Some(Role::Active)
    }

    pub(super) fn servers(&self, which: impl Fn(&Machine) -> bool) -> Vec<usize> {
        (0..2).filter(|server| which(&self.machines[*server])).collect()
    }

    pub(super) fn actives(&self) -> Vec<usize> {
        (0..2).filter(|server| self.is_active(*server)).collect()
    }

    /// Both are up, and at least one can call the other.
    pub(super) fn can_hear(&self) -> bool {
        self.machines.iter().all(Machine::is_up) && self.machines.iter().any(|machine| machine.line.is_open())
    }

    pub(super) fn any(&mut self, of: &[usize]) -> usize {
        of[self.rng.random_range(0..of.len())]
    }

    /// One that was not removed.
    pub(super) fn some_device(&mut self) -> u32 {
        let there: Vec<u32> = self.devices_there();
        there[self.rng.random_range(0..there.len())]
    }

    pub(super) fn devices_there(&self) -> Vec<u32> {
        device_ids().filter(|device| !self.model.removed.contains(device)).collect()
    }

    /// Those that may still be removed.
    pub(super) fn removable(&self) -> Vec<u32> {
        self.devices_there().into_iter().filter(|device| *device >= FIRST_DEVICE.0 + DEVICES_KEPT).collect()
    }

    pub(super) async fn pause(&mut self) {
        let pause = STEP_PAUSES[self.rng.random_range(0..STEP_PAUSES.len())];
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let roles =
                [0, 1].map(|server| self.machines[server].service().map(|one| (one.role(), one.known_epoch().number)));
            eprintln!(
                "SCENARIO_FROM={} SCENARIO_SEEDS=1 failed; now {roles:?} after\n{}",
                self.seed,
                self.told.join("\n")
            );
            for state in self.fleet.states() {
                eprintln!("{state:?}");
            }
        }
    }
}

/// A device on a standby looks every few seconds whether there is an active server, and goes there again soon after it went
/// there before, or after that one was down.
fn watchful() -> SettingsInput {
    let usual = ConnectionSettings::default();
    SettingsInput::from(&ConnectionSettings {
        probe_interval_seconds: 5,
        hold_down_seconds: 10,
        failback_spread_seconds: 5,
        ..usual
    })
}

async fn confirm_one(active: &Service) {
    until("the second asks to join", async || {
        let asking = active.list_newcomers();
        let Some(newcomer) = asking.first() else { return false };
        active.confirm_newcomer(&console(), &newcomer.fingerprint).await.is_ok()
    })
    .await;
}

pub(super) fn device_ids() -> impl Iterator<Item = u32> {
    let DeviceId(first) = FIRST_DEVICE;
    first..first + DEVICES
}

/// Waits until `there` says so.
pub(super) async fn within(limit: Duration, what: &str, mut there: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !there().await {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
