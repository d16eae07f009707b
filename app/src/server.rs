//! The server's half: nothing here reaches the browser.

pub mod auth;
pub mod backup;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod data_folder;
pub mod durable;
mod forms;
mod https;
pub mod keys;
pub mod lease;
pub mod link;
pub mod metrics;
mod portals;
pub mod rest;
pub mod roles;
mod rollouts;
pub mod router;
pub mod service;
mod serving;
pub mod sites;
pub mod start;
pub mod starts;
pub mod store;
mod stream;
