//! The planner alone: its waves, its limit, and whole rollouts with whatever happens to their devices.

use super::*;
use crate::fleet::store::MemberPush;
use proptest::prelude::*;
use proptest::sample::Index;

use RolloutDeviceState::{Cancelled, Committed, Failed, Offline, Removed, Superseded, UnderWay, Waiting};

fn decision(state: RolloutState, forgiven: u64, devices: &[RolloutDeviceState]) -> Decision {
    decide(&Position { state, forgiven, devices })
}

fn running(devices: &[RolloutDeviceState]) -> Decision {
    decision(RolloutState::Running, 0, devices)
}

fn member(begun: bool, push: Option<PushState>, returned: bool) -> RolloutMember {
    let push = push.map(|state| MemberPush { state, reason: None, failures: Vec::new(), updated_at: String::new() });
    RolloutMember {
        device: 7,
        undoes: None,
        begun_at: begun.then(String::new),
        revision: push.as_ref().map(|_| 2),
        before: None,
        note: None,
        name: Some("Door".to_owned()),
        wanted: Some(2),
        push,
        returned,
    }
}

#[test]
fn waves_grow_from_one_device_to_all() {
    for (devices, expected) in [
        (0, vec![]),
        (1, vec![1]),
        (2, vec![1, 2]),
        (3, vec![1, 2, 3]),
        (12, vec![1, 2, 3, 6, 12]),
        (100, vec![1, 2, 10, 50, 100]),
        (1_000, vec![1, 10, 100, 500, 1_000]),
        (20_001, vec![1, 201, 2_001, 10_001, 20_001]),
    ] {
        assert_eq!(waves(devices), expected, "{devices} devices");
    }
    let of_12 = waves(12);
    let numbers: Vec<u64> = (0..12).map(|place| wave_of(&of_12, place)).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 4, 4, 5, 5, 5, 5, 5, 5]);
}

#[test]
fn the_limit_is_two_percent_rounded_up_and_at_least_one() {
    for (devices, limit) in [(1, 1), (12, 1), (50, 1), (51, 2), (100, 2), (101, 3), (20_000, 400)] {
        assert_eq!(failure_limit(devices), limit, "{devices} devices");
    }
}

#[test]
fn the_next_wave_waits_for_the_one_before() {
    assert_eq!(running(&[Waiting, Waiting, Waiting]), Decision::Begin(vec![0]));
    assert_eq!(running(&[UnderWay, Waiting, Waiting]), Decision::Wait);
    for end in [Committed, Superseded, Cancelled, Removed] {
        assert_eq!(running(&[end, Waiting, Waiting]), Decision::Begin(vec![1]), "{end:?}");
    }
}

#[test]
fn an_offline_device_blocks_no_wave_and_keeps_the_rollout_open() {
    assert_eq!(running(&[Committed, Offline, Waiting]), Decision::Begin(vec![2]));
    assert_eq!(running(&[Committed, Offline, Committed]), Decision::Wait);
    assert_eq!(running(&[Committed, Failed, Committed]), Decision::Stop { failures: 1 }, "it failed when it came back");
    assert_eq!(running(&[Committed, Committed, Committed]), Decision::Finish);
}

#[test]
fn too_many_failures_stop_a_rollout_until_they_are_forgiven() {
    let devices = [Failed, Waiting, Waiting];
    assert_eq!(running(&devices), Decision::Stop { failures: 1 });
    assert_eq!(decision(RolloutState::Stopped, 0, &devices), Decision::Wait);
    assert_eq!(decision(RolloutState::Running, 1, &devices), Decision::Begin(vec![1]));
    assert_eq!(decision(RolloutState::Running, 1, &[Failed, Failed, Waiting]), Decision::Stop { failures: 1 });
}

#[test]
fn one_failure_of_a_hundred_is_borne_and_two_are_not() {
    let mut devices = vec![Waiting; 100];
    devices[0] = Failed;
    assert_eq!(running(&devices), Decision::Begin(vec![1]));
    devices[1] = Failed;
    assert_eq!(running(&devices), Decision::Stop { failures: 2 });
}

#[test]
fn a_devices_state_comes_from_its_push_and_its_contact() {
    let gone = |seconds| Contact::Gone(Duration::from_secs(seconds));
    let state = |push, contact| state_of(&member(true, Some(push), false), contact);
    assert_eq!(state(PushState::Pending, Contact::Connected), UnderWay);
    assert_eq!(state(PushState::Pending, gone(59)), UnderWay, "it may be coming back this moment");
    assert_eq!(state(PushState::Pending, gone(60)), Offline);
    assert_eq!(state(PushState::Pending, Contact::Never), Offline);
    assert_eq!(state(PushState::Trial, gone(599)), UnderWay, "it left to try its list");
    assert_eq!(state(PushState::Trial, gone(600)), Offline);
    assert_eq!(state(PushState::Committed, Contact::Never), Committed);
    for failed in [PushState::RolledBack, PushState::Drifted, PushState::Conflict] {
        assert_eq!(state(failed, Contact::Connected), Failed);
    }
    assert_eq!(state(PushState::Superseded, Contact::Connected), Superseded);
    assert_eq!(state_of(&member(true, Some(PushState::Superseded), true), Contact::Connected), Cancelled);
    assert_eq!(state_of(&member(false, None, false), Contact::Never), Waiting);
    assert_eq!(state_of(&member(true, None, false), Contact::Connected), Superseded, "passed over");
    let removed = RolloutMember { name: None, ..member(false, None, false) };
    assert_eq!(state_of(&removed, Contact::Never), Removed);
}

/// What somebody or something does while a rollout runs.
#[derive(Clone, Debug)]
enum Happening {
    /// The driver looks, and is cut off after so many devices of what it was told to begin.
    Drive(usize),
    /// A device that was begun comes to this.
    Becomes(Index, RolloutDeviceState),
    Pause,
    Resume,
}

fn happening() -> impl Strategy<Value = Happening> {
    let becomes = prop_oneof![
        6 => Just(Committed), 1 => Just(Failed), 1 => Just(Superseded), 2 => Just(Offline), 2 => Just(UnderWay)
    ];
    prop_oneof![
        5 => (1..200_usize).prop_map(Happening::Drive),
        10 => (any::<Index>(), becomes).prop_map(|(place, state)| Happening::Becomes(place, state)),
        1 => Just(Happening::Pause),
        1 => Just(Happening::Resume),
    ]
}

/// A rollout as a store would hold it: nothing else is remembered between two looks.
struct World {
    state: RolloutState,
    forgiven: u64,
    devices: Vec<RolloutDeviceState>,
}

impl World {
    fn drive(&mut self, at_most: usize) -> Decision {
        let decision = decision(self.state, self.forgiven, &self.devices);
        match &decision {
            Decision::Begin(places) => {
                self.check_begin(places);
                for place in places.iter().take(at_most) {
                    self.devices[*place] = UnderWay;
                }
            }
            Decision::Stop { .. } => self.state = RolloutState::Stopped,
            Decision::Finish => self.state = RolloutState::Finished,
            Decision::Wait => {}
        }
        decision
    }

    /// Never while it is held, never past the wave, never twice, never over the limit.
    fn check_begin(&self, places: &[usize]) {
        assert_eq!(self.state, RolloutState::Running);
        assert!(failures(&self.devices).saturating_sub(self.forgiven) < failure_limit(self.devices.len()));
        let waves = waves(self.devices.len());
        for place in places {
            assert_eq!(self.devices[*place], Waiting);
            let before = usize::try_from(wave_of(&waves, *place)).unwrap().checked_sub(2).map_or(0, |wave| waves[wave]);
            let unsettled = self.devices[..before].iter().find(|state| !state.is_end() && **state != Offline);
            assert_eq!(unsettled, None, "the waves before are settled");
        }
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Drive(at_most) => {
                self.drive(at_most);
            }
            Happening::Becomes(place, state) => {
                let device = place.get_mut(&mut self.devices[..]);
                if matches!(device, UnderWay | Offline) {
                    *device = state;
                }
            }
            Happening::Pause if self.state == RolloutState::Running => self.state = RolloutState::Paused,
            Happening::Resume if matches!(self.state, RolloutState::Paused | RolloutState::Stopped) => {
                if self.state == RolloutState::Stopped {
                    self.forgiven = failures(&self.devices);
                }
                self.state = RolloutState::Running;
            }
            Happening::Pause | Happening::Resume => {}
        }
    }
}

proptest! {
    #[test]
    fn waves_reach_everybody_and_each_reaches_further(devices in 1..5_000_usize) {
        let waves = waves(devices);
        prop_assert_eq!(waves[0], 1);
        prop_assert_eq!(waves.last(), Some(&devices));
        prop_assert!(waves.len() <= 5 && waves.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn whatever_happens_a_rollout_keeps_its_rules_and_ends(
        devices in 1..150_usize,
        happenings in proptest::collection::vec(happening(), 0..300),
    ) {
        let mut world = World { state: RolloutState::Running, forgiven: 0, devices: vec![Waiting; devices] };
        for happening in happenings {
            world.happens(happening);
        }
        // From here on every device does what it is told, and an operator goes on whenever it stops.
        for _ in 0..20 {
            world.happens(Happening::Resume);
            while let Decision::Begin(_) = world.drive(usize::MAX) {}
            for device in &mut world.devices {
                if matches!(device, UnderWay | Offline) {
                    *device = Committed;
                }
            }
        }
        prop_assert_eq!(world.state, RolloutState::Finished);
        prop_assert!(world.devices.iter().all(|state| state.is_end()));
    }

    #[test]
    fn cut_off_anywhere_it_begins_the_same_devices(devices in 1..150_usize, at_most in 1..20_usize) {
        let mut whole = World { state: RolloutState::Running, forgiven: 0, devices: vec![Waiting; devices] };
        let mut pieces = World { state: RolloutState::Running, forgiven: 0, devices: vec![Waiting; devices] };
        while whole.state == RolloutState::Running {
            whole.drive(usize::MAX);
            while let Decision::Begin(_) = pieces.drive(at_most) {}
            prop_assert_eq!(&whole.devices, &pieces.devices);
            for world in [&mut whole, &mut pieces] {
                world.devices.iter_mut().filter(|state| **state == UnderWay).for_each(|state| *state = Committed);
            }
        }
    }
}
