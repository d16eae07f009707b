//! What the databases say no with, as a fault.

use super::StoreError;
use model::{Fault, StorageTrouble};

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "store failed");
        match error {
            StoreError::Locked(_) => StorageTrouble::DatabaseLocked.into(),
            StoreError::Full(_) => StorageTrouble::DiskFull.into(),
            StoreError::Unusable(_) => StorageTrouble::DatabaseUnusable.into(),
            StoreError::ReadOnly(_) => StorageTrouble::DatabaseReadOnly.into(),
            StoreError::OtherLine(_) => StorageTrouble::DatabaseOtherLine.into(),
            StoreError::NoFile => StorageTrouble::NoDatabaseFile.into(),
            StoreError::Exists(_)
            | StoreError::Inconsistent { .. }
            | StoreError::Migration(_)
            | StoreError::Address(_)
            | StoreError::Statement(_) => Self::Internal,
        }
    }
}
