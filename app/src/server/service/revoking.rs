//! Certificates that are no longer good count on every server at once, whatever copy of the book it has.

use super::Service;
use crate::{
    model::{Fault, Role},
    server::store::{Revocation, StoreError},
};

impl Service {
    /// How many there are, and all of them for a server that said it knows another number.
    pub(super) async fn revocations_for(&self, peer: &str) -> Result<(u64, Vec<Revocation>), StoreError> {
        let all = self.store.list_revocations().await?;
        let count = all.len() as u64;
        let knows = self.peers.revoked_at(peer) == Some(count);
        Ok((count, if knows { Vec::new() } else { all }))
    }

    /// Another server told what it knows.
    pub(super) async fn note_revocations(&self, rows: &[Revocation]) -> Result<(), Fault> {
        let mut unknown = Vec::new();
        for row in rows {
            if !self.store.is_revoked(&row.serial).await? {
                unknown.push(row.clone());
            }
        }
        for row in &unknown {
            tracing::warn!(serial = row.serial, subject = row.subject, "a certificate is no longer good");
        }
        match self.role() {
            Role::Active => Ok(self.store.adopt_revocations(&unknown).await?),
            Role::Standby | Role::ReadOnly => Ok(self.store.keep_revocations(&unknown).await?),
        }
    }
}
