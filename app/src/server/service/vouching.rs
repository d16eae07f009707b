//! Whether a server that was active before it was started still is: the other server says so, or half of the devices that
//! come back without knowing better.

use super::Service;
use crate::{
    model::{Fault, Role},
    server::roles::Pause,
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// The devices that know of no later epoch.
#[derive(Debug, Default)]
pub(super) struct Vouchers(Mutex<BTreeSet<u32>>);

impl Vouchers {
    /// How many there are with this one.
    fn note(&self, device: u32) -> u64 {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.insert(device);
        devices.len() as u64
    }
}

impl Service {
    /// Holds the role of an active server back until [`resume_active`](Self::resume_active), unless no other server could
    /// have taken it: one that is alone, or whose devices nobody could have served.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub(in crate::server) async fn hold_role_back(&self, knows_others: bool) -> Result<(), Fault> {
        let alone = !knows_others && self.store.servers().await?.len() <= 1;
        if self.shares_its_book()
            || self.roles.role() != Role::Active
            || alone
            || self.store.count_devices().await? == 0
        {
            return Ok(());
        }
        tracing::info!(
            "this server was active: it waits for the other server or half of its devices to say it still is"
        );
        self.roles.hold_back(Pause::Starting);
        Ok(())
    }

    /// Somebody who would know says that no other server was made active.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub(in crate::server) async fn resume_active(&self, because: &str) -> Result<(), Fault> {
        if self.roles.resume_from(&Pause::Starting) {
            tracing::info!(because, "this server is active again");
            self.adopt_own_journal().await?;
            self.role_changed();
        }
        Ok(())
    }

    pub(super) async fn note_voucher(&self, device: u32) -> Result<(), Fault> {
        if !self.is_starting() {
            return Ok(());
        }
        let vouching = self.vouchers.note(device);
        if vouching * 2 >= self.store.count_devices().await? {
            self.resume_active("half of its devices know no other").await?;
        }
        Ok(())
    }

    /// It waits to be told that its role still stands.
    pub(super) fn is_starting(&self) -> bool {
        self.roles.now().pause == Some(Pause::Starting)
    }
}
