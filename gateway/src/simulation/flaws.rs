//! Servers and records with a flaw, each of which the simulation must notice: a test that cannot fail proves nothing.

use super::flaw::Flaw;
use super::names::survive;
use super::network::Network;
use super::scenarios::live_with;
use std::panic::catch_unwind;

/// Seeds in which a flaw has to show.
const SEEDS: u64 = 60;

impl Network {
    pub(super) fn set_flaw(&mut self, flaw: Option<Flaw>) {
        self.flaw = flaw;
        self.units.iter_mut().for_each(|unit| unit.flaw = flaw);
    }
}

#[test]
fn every_flaw_is_noticed() {
    use Flaw::{
        AcknowledgesFirst, ForgetsEnds, ForgetsPushes, ForgetsTrials, KeepsUntried, LateClose, PassesOver, ShowsDials,
        TakesTwice,
    };
    let of_sessions = [TakesTwice, AcknowledgesFirst, PassesOver, LateClose, ShowsDials, ForgetsEnds];
    for flaw in of_sessions.into_iter().chain([ForgetsPushes, ForgetsTrials, KeepsUntried]) {
        let noticed = (0..SEEDS).any(|seed| catch_unwind(|| live_with(seed, Some(flaw))).is_err());
        assert!(noticed, "{flaw:?} went unnoticed");
    }
}

#[test]
fn every_flaw_with_names_is_noticed() {
    use Flaw::{AsksOnce, AsksOnlyToDial, DialsOneAddress, ForgetsNames, LosesNames, WaitsForNames};
    for flaw in [AsksOnce, ForgetsNames, LosesNames, AsksOnlyToDial, DialsOneAddress, WaitsForNames] {
        let noticed = (0..SEEDS).any(|seed| catch_unwind(|| survive(seed, Some(flaw))).is_err());
        assert!(noticed, "{flaw:?} went unnoticed");
    }
}
