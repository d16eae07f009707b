//! One binary for all scenarios.

#![cfg(test)]

mod automatic;
mod backup;
mod check;
mod clock_jumps;
mod cluster;
mod command_line;
mod device;
mod device_scenario;
mod drills;
mod event_scenario;
mod failover;
mod false_server;
mod full_disk;
mod gateway_server;
mod harness;
mod learning;
mod link_scenario;
mod measured;
mod newcomers;
mod old_image;
mod one_site;
mod orders;
mod pair;
mod pair_scenario;
mod plain_listener;
mod postgres;
mod promotion;
mod quiet;
mod raw_device;
mod removal;
mod renewals;
mod replication;
mod replication_scenario;
mod rest_contract;
mod resumed_copy;
mod rollouts;
mod scenarios;
mod serving;
mod shared_fence;
mod shared_file;
mod shared_file_scenario;
mod sign_in;
mod stopping;
mod two_servers;
