//! One binary for all scenarios.

#![cfg(test)]

mod command_line;
mod device_on_servers;
mod event_store;
mod events;
mod fleet;
mod installation;
mod memory_directory;
mod orders;
mod protocol_document;
mod protocol_timers;
mod raw_device;
mod renewal;
mod running;
mod server_certificates;
mod server_draining;
mod server_enrolment;
mod server_frames;
mod server_pushes;
mod server_resumption;
mod server_sessions;
mod server_storms;
mod server_zombies;
mod tidy;
