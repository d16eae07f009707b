//! What the machine gives the server, and what the server shows the network.

use super::{Scene, report::Finding};
use rustix::process::{Resource, getrlimit};
use std::fs;

/// Connections of people, programs and the other server, files of databases, listeners.
const DESCRIPTORS_BESIDES: u64 = 1024 + 128;

/// Passwords do not cross the network in the clear.
pub(super) fn plain_http(scene: &Scene) -> Finding {
    let check = "plain-http";
    if scene.config.is_exposed() {
        let words = format!(
            "plain HTTP on {}: passwords cross the network in the clear; leave allow-plain-http out, and this server answers by HTTPS",
            scene.config.http
        );
        return Finding::warning(check, words);
    }
    if let Some(plain) = &scene.config.plain {
        let words = format!(
            "devices without TLS are let in on {}: whoever reaches it can pretend to be any of them ({}); leave plain-gateway out \
             unless that network is a closed lab",
            plain.address,
            plain.devices.len()
        );
        return Finding::warning(check, words);
    }
    if !scene.config.metrics.ip().is_loopback() {
        let words = format!(
            "what is measured can be read on {} by everybody who reaches it: keep it to the machine that collects it",
            scene.config.metrics
        );
        return Finding::warning(check, words);
    }
    Finding::ok(check, "nothing is told in the clear to other machines")
}

/// Devices can be told where this server is.
pub(super) fn advertised(scene: &Scene) -> Finding {
    let check = "advertise";
    match scene.config.check().and_then(|()| scene.config.advertised_host()) {
        Ok(host) => Finding::ok(check, format!("devices and the other server are told to connect to {host}")),
        Err(error) => Finding::error(check, format!("{error}: this server would not start")),
    }
}

/// The browser's half is where it is looked for.
pub(super) fn web_files(scene: &Scene) -> Finding {
    let check = "site";
    let file = scene.config.web_root.join("pkg/portal.js");
    if file.exists() {
        return Finding::ok(check, format!("{} holds the browser's half", scene.config.web_root.display()));
    }
    let words = format!(
        "{} is missing: pages come without style and script; set site-root to where it was installed",
        file.display()
    );
    Finding::warning(check, words)
}

/// Enough files can be open for every device to be connected.
pub(super) fn descriptors(scene: &Scene) -> Finding {
    let check = "descriptors";
    let limit = scene
        .running
        .as_ref()
        .and_then(|running| limit_of(running.pid?))
        .or_else(|| getrlimit(Resource::Nofile).current)
        .unwrap_or(u64::MAX);
    let devices = scene.survey.as_ref().map_or(0, |survey| survey.devices);
    let needed = devices + DESCRIPTORS_BESIDES;
    let advice = "raise it (LimitNOFILE in the service's unit, or ulimit -n)";
    if limit < needed {
        let words = format!("{limit} files may be open at once, and {devices} devices need about {needed}: {advice}");
        return Finding::error(check, words);
    }
    // While devices come back in a storm, old and new connections overlap.
    if limit < 2 * needed {
        let words = format!(
            "{limit} files may be open at once; when all {devices} devices come back at the same time it may be too few: {advice}"
        );
        return Finding::warning(check, words);
    }
    Finding::ok(check, format!("{limit} files may be open at once, for {devices} devices"))
}

/// The soft limit of another process.
fn limit_of(pid: i32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    Some(soft.parse().unwrap_or(u64::MAX))
}
