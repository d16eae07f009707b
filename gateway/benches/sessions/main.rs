//! `make bench`: this crate's server beside a bare TLS acceptor in the same sitting, told as ratios.
//!
//! The server is a process of its own on core 0, all devices live in this one on core 1, and both speak over real
//! sockets of 127.0.0.1. A server process ends with its standard input, so none outlives a run that was cut off.

mod bare;
mod child;
mod fleet;
mod keys;
mod lists;
mod ours;
mod report;
mod scenes;
mod serve;
mod tickets;

use clap::{Parser, Subcommand, ValueEnum};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command as Program;
use std::time::Duration;

/// Anything that ends a run; its text is for the developer who started it.
type Failure = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Devices, all in this process.
    #[arg(long, env = "BENCH_DEVICES", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(50..=15_000))]
    devices: u32,
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// The process that is measured.
    #[command(hide = true)]
    Serve(Service),
}

/// What a server process is started with.
#[derive(clap::Args)]
struct Service {
    kind: Kind,
    /// The folder of its credentials.
    keys: PathBuf,
    address: SocketAddr,
    /// How long its clients wait for a session.
    patience_ms: u64,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Accepts, shakes hands, answers, nothing else.
    Bare,
    /// This crate's server.
    Ours,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Serve(service)) => runtime()?.block_on(serve::run(service)),
        None => {
            pin_to(1);
            let figures = runtime()?.block_on(scenes::run(arguments.devices))?;
            println!("{}", report::table(arguments.devices, &figures));
            Ok(())
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Keeps this process on one core. Where that cannot be had, the figures are rougher.
fn pin_to(core: u32) {
    let program = Program::new("taskset").args(["-cp", &core.to_string(), &std::process::id().to_string()]).output();
    if !program.is_ok_and(|output| output.status.success()) {
        eprintln!("note: server and devices share their cores; the figures are rougher for it");
    }
}

/// Milliseconds as a number for people.
fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
