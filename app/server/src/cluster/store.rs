//! Records of servers and of what parts them.

pub(crate) mod divergent_changes;
pub(crate) mod joins;
pub(crate) mod revocations;
pub(crate) mod servers;

pub(crate) use joins::{JoinString, Used};
pub use revocations::{DeviceRevocation, Revocation};
pub(crate) use servers::NewServer;
