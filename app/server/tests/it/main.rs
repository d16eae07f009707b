//! One binary for all scenarios.

#![cfg(test)]

mod automatic;
mod backup;
mod check;
mod clock_jumps;
mod cluster;
mod command_line;
mod database_story;
mod device_story;
mod door;
mod drills;
mod event_story;
mod failover;
mod false_server;
mod full_disk;
mod gateway_site;
mod harness;
mod learning;
mod link_story;
mod measured;
mod newcomers;
mod old_image;
mod one_site;
mod orders;
mod pair;
mod plain_door;
mod postgres;
mod promotion;
mod quiet;
mod raw_device;
mod removal;
mod renewals;
mod replication;
mod rest_contract;
mod resumed_copy;
mod rollouts;
mod serving;
mod shared_fence;
mod shared_file;
mod shared_story;
mod sign_in;
mod site_story;
mod stopping;
mod stories;
mod two_servers;
