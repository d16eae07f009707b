//! How a page reaches the server: called directly while the server renders, over HTTP from the browser.
//!
//! Each asks the [`Operations`](model::Operations) in its context and nothing more.

#[cfg(feature = "ssr")]
mod ask;
pub mod devices;
pub mod events;
pub mod overview;
pub mod provisioning;
pub mod rollouts;
pub mod servers;
pub mod waiting_devices;
