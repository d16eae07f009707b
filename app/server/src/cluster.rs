//! Which server may write, and how data reach the other ones.

pub(crate) mod automatic;
pub mod copy_schedule;
pub(crate) mod copying;
pub(crate) mod health;
pub mod join_messages;
pub mod join_string;
pub(crate) mod joining;
pub mod lease;
pub(crate) mod newcomers;
pub(crate) mod pauses;
pub mod peer_board;
pub mod peer_requests;
pub mod peers_file;
pub(crate) mod portals;
pub(crate) mod promotion;
pub(crate) mod proving;
pub(crate) mod quiet;
pub(crate) mod quorum;
pub(crate) mod rejoining;
pub(crate) mod replication;
pub(crate) mod revoking;
pub(crate) mod role_changes;
pub mod roles;
pub(crate) mod servers;
pub(crate) mod shared_database;
pub mod starts;
pub(crate) mod startup_confirmation;
pub mod store;
pub(crate) mod vm_generation;

pub(crate) use pauses::loses_writes;
pub use quiet::QUIESCE_MAX_S;
pub(crate) use replication::fitting;
