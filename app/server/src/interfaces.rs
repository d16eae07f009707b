//! How everything outside reaches the rules: browsers, programs, devices, other servers, Prometheus.

pub mod auth;
pub mod devices;
pub(crate) mod forms;
pub(crate) mod https;
pub mod metrics;
pub(crate) mod operations;
pub mod peers;
pub(crate) mod plain_listener;
pub mod rest;
pub mod router;
pub(crate) mod serving;
pub(crate) mod stream;
