//! An epoch with the authority's seal, as files and messages carry it.

use crate::keys::Keys;
use gateway::{
    authority::{Authority, AuthorityError},
    epoch,
    wire::Epoch,
};
use serde::{Deserialize, Serialize};

/// An epoch with its seal, as files and messages between servers carry it. Of two the higher stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EpochToken {
    /// Counts from 1.
    pub number: u64,
    /// The server that was promoted.
    pub server_id: String,
    /// Lower-case hexadecimal.
    pub seal: String,
}

impl EpochToken {
    /// Seals the epoch that begins when `server_id` is promoted.
    ///
    /// # Errors
    ///
    /// No randomness.
    pub fn seal(keys: &Keys, number: u64, server_id: &str) -> Result<Self, AuthorityError> {
        epoch::seal(keys.authority(), number, server_id).map(Self::from)
    }

    /// Whether the installation's authority made it.
    #[must_use]
    pub fn is_genuine(&self, authority: &Authority) -> bool {
        hex::decode(&self.seal).is_ok_and(|seal| {
            let epoch = Epoch { number: self.number, server_id: self.server_id.clone(), seal };
            epoch::is_genuine(&epoch, authority.installation_id(), authority.certificate_der())
        })
    }

    /// As devices are told.
    #[must_use]
    pub fn on_the_wire(&self) -> Epoch {
        let seal = hex::decode(&self.seal).unwrap_or_default();
        Epoch { number: self.number, server_id: self.server_id.clone(), seal }
    }
}

impl From<Epoch> for EpochToken {
    fn from(epoch: Epoch) -> Self {
        Self { number: epoch.number, server_id: epoch.server_id, seal: hex::encode(epoch.seal) }
    }
}
