//! What devices have and should have.

pub(crate) mod connection_settings;
pub(crate) mod device_search;
pub(crate) mod devices;
pub(crate) mod draining;
pub(crate) mod drift;
pub(crate) mod drills;
pub(crate) mod enrolment;
pub(crate) mod event_writer;
pub(crate) mod events;
pub(crate) mod failures;
pub(crate) mod learning;
pub(crate) mod list_seal;
pub(crate) mod orders;
pub(crate) mod outages;
pub(crate) mod provisioning;
pub(crate) mod pushes;
pub(crate) mod renewals;
pub(crate) mod revision_history;
pub(crate) mod rollout_driver;
pub(crate) mod rollouts;
pub(crate) mod seats;
pub(crate) mod server_lists;
pub(crate) mod session_writer;
pub(crate) mod sessions;
pub(crate) mod standing;
pub mod store;
pub(crate) mod waiting;

pub(crate) use failures::{foreign_text, in_words, rows_of};
pub use pushes::Report;
pub use server_lists::ListInput;
pub use sessions::{Arrival, MoveFailed};
