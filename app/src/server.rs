//! The server's half: nothing here reaches the browser.

pub mod changes;
pub mod clock;
pub mod keys;
pub mod link;
pub mod service;
pub mod sites;
pub mod store;
