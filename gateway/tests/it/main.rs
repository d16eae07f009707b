//! One binary for all scenarios.

#![cfg(test)]

mod command_line;
mod device_on_servers;
mod fleet;
mod memory_directory;
mod protocol_document;
mod raw_device;
mod server_certificates;
mod server_enrolment;
mod server_frames;
mod server_pushes;
mod server_sessions;
mod site;
mod tidy;
