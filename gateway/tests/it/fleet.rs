//! A fleet of real devices against a real session server: enrolment, faults by command, and what survives them.

use crate::installation::{Installation, quick};
use crate::memory_directory::State;
use gateway::device::Config;
use gateway::provisioning::ProvisioningString;
use gateway::simulator::{Answer, Doing, FIRST_DEVICE, Fault, Fleet, FleetError, FleetSettings, Request, ask, serve};
use gateway::wire::DeviceId;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A site whose operator accepts whoever asks, and a fleet that asks.
struct Scene {
    installation: Installation,
    fleet: Arc<Fleet>,
    folder: TempDir,
    stop: DropGuard,
}

const COUNT: u32 = 3;

fn id(place: u32) -> DeviceId {
    DeviceId(FIRST_DEVICE.0 + place)
}

fn settings(folder: &Path, provisioning: Option<ProvisioningString>) -> FleetSettings {
    FleetSettings {
        state_dir: folder.to_owned(),
        count: COUNT,
        first_id: FIRST_DEVICE,
        provisioning,
        config: Config::default(),
        starts_per_second: 100,
    }
}

fn has_session(state: &State, device: DeviceId) -> bool {
    state.devices.get(&device).is_some_and(|row| row.session.is_some())
}

impl Scene {
    async fn start() -> Self {
        let installation = Installation::start(quick()).await;
        let entries = installation.entries();
        installation.world.with(|state| state.first_list = Some(entries));
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let string = installation.world.provisioning(vec![installation.place()]);
        let fleet = Arc::new(Fleet::start(&settings(folder.path(), Some(string)), &stop).unwrap());
        installation.world.until("all wait", |state| state.waiting.len() == COUNT as usize).await;
        for place in 0..COUNT {
            installation.handle.wake_waiting(installation.world.decide(id(place), true));
        }
        let scene = Self { installation, fleet, folder, stop: stop.drop_guard() };
        scene.all_connected().await;
        scene
    }

    /// The servers know of a session a moment before the device does.
    async fn all_connected(&self) {
        let connected = async {
            while !self.fleet.states().iter().all(|state| state.doing == Doing::Connected) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(20), connected).await.is_ok(), "all are connected");
    }

    /// Registrations of a device so far.
    fn registrations(&self, device: DeviceId) -> usize {
        self.installation.world.with(|state| state.devices[&device].hellos.len())
    }

    /// Waits until a device has registered more often than before.
    async fn registered_again(&self, device: DeviceId, before: usize) {
        let again = |state: &State| state.devices[&device].hellos.len() > before && has_session(state, device);
        self.installation.world.until("registered again", again).await;
    }
}

#[tokio::test]
async fn a_device_without_network_leaves_and_comes_back() {
    let scene = Scene::start().await;
    let before = scene.registrations(id(1));
    scene.fleet.inflict(id(1), Fault::Down).await.unwrap();
    scene.installation.world.until("gone", |state| !has_session(state, id(1))).await;
    assert!(!scene.fleet.states()[1].network);
    assert!(scene.installation.world.with(|state| has_session(state, id(0)) && has_session(state, id(2))));

    scene.fleet.inflict(id(1), Fault::Up).await.unwrap();
    scene.registered_again(id(1), before).await;
    let boots = |state: &mut State| state.devices[&id(1)].hellos.iter().map(|hello| hello.boot_id).collect::<Vec<_>>();
    let boots = scene.installation.world.with(boots);
    assert!(boots.windows(2).all(|pair| pair[0] == pair[1]), "it did not restart: {boots:?}");
}

#[tokio::test]
async fn a_device_that_restarts_or_loses_power_keeps_its_identity() {
    let scene = Scene::start().await;
    for fault in [Fault::Restart, Fault::CutPower] {
        let before = scene.registrations(id(2));
        scene.fleet.inflict(id(2), fault).await.unwrap();
        scene.registered_again(id(2), before).await;
        let hellos = scene.installation.world.with(|state| state.devices[&id(2)].hellos.clone());
        let [.., earlier, later] = hellos.as_slice() else { panic!("two registrations") };
        assert_ne!(earlier.boot_id, later.boot_id);
        // Equal if the power went before the device had written down what the server gave it.
        assert!(earlier.connection_sequence <= later.connection_sequence);
        assert_eq!(earlier.committed, later.committed);
    }
    assert_eq!(scene.installation.world.with(|state| state.waiting.len()), COUNT as usize, "nobody enrolled twice");
}

#[tokio::test]
async fn a_fleet_finds_itself_again_without_a_string() {
    let scene = Scene::start().await;
    drop(scene.stop);
    scene.fleet.stopped().await;
    drop(scene.fleet);
    scene.installation.world.until("all gone", |state| !(0..COUNT).any(|place| has_session(state, id(place)))).await;

    let stop = CancellationToken::new();
    let fleet = Fleet::start(&settings(scene.folder.path(), None), &stop).unwrap();
    let all = |state: &State| (0..COUNT).all(|place| has_session(state, id(place)));
    scene.installation.world.until("all are back", all).await;
    stop.cancel();
    fleet.stopped().await;
}

#[tokio::test]
async fn two_fleets_never_share_identities() {
    let folder = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let _fleet = Fleet::start(&settings(folder.path(), None), &stop).unwrap();
    let second = Fleet::start(&settings(folder.path(), None), &stop);
    assert!(matches!(second, Err(FleetError::Running(_))), "{second:?}");
    let beyond = FleetSettings { first_id: DeviceId(u32::MAX), ..settings(folder.path(), None) };
    assert!(matches!(Fleet::start(&beyond, &stop), Err(FleetError::Ids { .. })));
}

#[tokio::test]
async fn the_control_socket_carries_faults_and_states() {
    let scene = Scene::start().await;
    let socket = scene.folder.path().join("control.sock");
    let stop = CancellationToken::new();
    let control = tokio::spawn({
        let (fleet, socket, stop) = (Arc::clone(&scene.fleet), socket.clone(), stop.clone());
        async move { serve(fleet, &socket, stop).await }
    });
    let answered = async {
        while ask(&socket, Request::List).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), answered).await.unwrap();

    let down = |device: DeviceId| Request::Fault { device_id: device.0, fault: Fault::Down };
    assert_eq!(ask(&socket, down(id(0))).await.unwrap(), Answer::Done);
    scene.installation.world.until("gone", |state| !has_session(state, id(0))).await;
    let Answer::Devices { devices } = ask(&socket, Request::List).await.unwrap() else { panic!("a list") };
    let shown: Vec<_> = devices.iter().map(|state| (state.device_id, state.network)).collect();
    assert_eq!(shown, [(id(0).0, false), (id(1).0, true), (id(2).0, true)]);
    assert_eq!(devices[2].doing, Doing::Connected);

    let Answer::Refused { reason } = ask(&socket, down(DeviceId(7))).await.unwrap() else { panic!("a refusal") };
    assert_eq!(reason, "this fleet has no device 7; it has 547846001 to 547846003");
    let second = serve(Arc::clone(&scene.fleet), &socket, stop.clone()).await.unwrap_err();
    assert_eq!(second.kind(), std::io::ErrorKind::AddrInUse);
    stop.cancel();
    control.await.unwrap().unwrap();
    assert!(!socket.exists());
}
