//! The device's dice: everything random follows from one seed.

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Chance(SmallRng);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// Uniform between nothing and all of it.
    pub(super) fn share(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(self.0.random())
    }

    /// Half for sure, a share of the other half.
    pub(super) fn equal_jitter(&mut self, whole: Duration) -> Duration {
        whole / 2 + self.share(whole / 2)
    }

    /// A fifth more or less.
    pub(super) fn about(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(0.8) + self.share(whole.mul_f64(0.4))
    }

    pub(super) fn nonce(&mut self) -> u64 {
        self.0.random()
    }
}
