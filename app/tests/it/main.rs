//! One binary for all scenarios.

#![cfg(test)]

mod device_story;
mod gateway_site;
mod link_story;
mod raw_device;
