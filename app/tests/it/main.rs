//! One binary for all scenarios.

#![cfg(test)]

mod gateway_site;
mod link_story;
mod raw_device;
