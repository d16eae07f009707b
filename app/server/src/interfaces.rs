//! How everything outside reaches the rules: browsers, programs, devices, other servers, Prometheus.

pub mod app_state;
pub mod auth;
pub mod cookies;
pub mod devices;
pub(crate) mod forms;
pub mod metrics;
pub(crate) mod operations;
pub mod peers;
pub(crate) mod plain_listener;
pub mod problem;
pub mod rest;
pub mod router;
pub(crate) mod serving;
pub(crate) mod stream;
