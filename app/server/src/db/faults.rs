//! What the databases say no with, as a fault.

use super::StoreError;
use model::Fault;

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "store failed");
        match error {
            StoreError::Locked(_) => Self::StorageUnavailable {
                hint: "Another program holds the database file; nothing was saved. Try again.".to_owned(),
            },
            StoreError::Full(_) => Self::StorageUnavailable {
                hint: "The disk is full; nothing was saved. Free some space and try again.".to_owned(),
            },
            StoreError::Unusable(_) => Self::StorageUnavailable {
                hint: "The database cannot be read or written; nothing was saved. The log says why.".to_owned(),
            },
            StoreError::ReadOnly(_) => {
                Self::StorageUnavailable { hint: "The database can only be read here; nothing was saved.".to_owned() }
            }
            StoreError::OtherLine(_) => Self::StorageUnavailable {
                hint: "The database server was promoted or restored by other hands; nothing was saved. See the Servers page."
                    .to_owned(),
            },
            StoreError::NoFile => Self::StorageUnavailable {
                hint: "The database is on a database server: no copies are made of it.".to_owned(),
            },
            StoreError::Exists(_)
            | StoreError::Inconsistent { .. }
            | StoreError::Migration(_)
            | StoreError::Address(_)
            | StoreError::Statement(_) => Self::Internal,
        }
    }
}
