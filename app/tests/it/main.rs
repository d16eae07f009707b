//! One binary for all scenarios.

#![cfg(test)]

mod device_story;
mod failover;
mod false_server;
mod gateway_site;
mod link_story;
mod pair;
mod raw_device;
mod two_servers;
