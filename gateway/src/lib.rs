//! The device protocol of the failover system: what a door reader and a server say to each other, and what each does.
//!
//! Three ways in: [`server::start`] serves devices, [`client::run`] is one device, [`simulator`] is a fleet of them.

pub mod authority;
pub mod client;
pub mod device;
pub mod enrolment;
pub mod epoch;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod provisioning;
pub mod quorum;
pub mod revocation;
pub mod server;
#[cfg(test)]
mod simulation;
pub mod simulator;
pub mod tls;
pub mod wire;
