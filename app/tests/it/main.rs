//! One binary for all scenarios.

#![cfg(test)]

mod device_story;
mod failover;
mod false_server;
mod gateway_site;
mod harness;
mod link_story;
mod pair;
mod raw_device;
mod rest_contract;
mod serving;
mod sign_in;
mod two_servers;
