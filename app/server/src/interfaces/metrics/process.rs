//! The process itself, under the names that every Prometheus client library gives them.

use super::registered::Registered;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Unit,
};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};
use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

#[derive(Debug)]
pub(super) struct ProcessMetrics {
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    virtual_size: Gauge,
    open_files: Gauge,
    max_files: Gauge,
    started: Gauge<f64, AtomicU64>,
}

impl ProcessMetrics {
    pub(super) fn new(to: &mut Registered) -> Self {
        Self {
            cpu: to.empty("process_cpu", Some(Unit::Seconds), "", "Processor time that the program has used"),
            resident: to.empty("process_resident_memory", Some(Unit::Bytes), "", "Memory that the program holds"),
            virtual_size: to.empty(
                "process_virtual_memory",
                Some(Unit::Bytes),
                "",
                "Address space that the program holds",
            ),
            open_files: to.empty("process_open_fds", None, "", "File descriptors that are open"),
            max_files: to.empty("process_max_fds", None, "", "File descriptors that may be open"),
            started: to.empty(
                "process_start_time",
                Some(Unit::Seconds),
                "",
                "When the program was started, seconds since 1970 UTC",
            ),
        }
    }

    /// Asks the system; what it does not tell stays as it was.
    pub(super) fn look(&self) {
        if let Some(stat) = Stat::read() {
            let seconds = |ticks: u64| ticks as f64 / clock_ticks_per_second() as f64;
            self.cpu.inner().store(seconds(stat.cpu_ticks).to_bits(), Ordering::Relaxed);
            self.resident.set(whole(stat.resident_pages.saturating_mul(page_size() as u64)));
            self.virtual_size.set(whole(stat.virtual_bytes));
            if let Some(booted) = booted_unix_s() {
                self.started.set(booted as f64 + seconds(stat.started_ticks));
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // The listing itself is one of them.
            self.open_files.set(whole((open.count() as u64).saturating_sub(1)));
        }
        self.max_files.set(getrlimit(Resource::Nofile).current.map_or(i64::MAX, whole));
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What the kernel says of this process, proc(5).
struct Stat {
    cpu_ticks: u64,
    started_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        // The name before it may hold anything, spaces and brackets too.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        // The first of these is field 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            started_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

fn booted_unix_s() -> Option<u64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}
