//! The other server: does it answer, and how old is what a standby has of it.

use super::{Scene, report::Finding};
use crate::cluster::peers_file;
use model::{PeerState, ReplicationPart, Role};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};

const DIAL_LIMIT: Duration = Duration::from_secs(3);

/// Every other server of the installation answers. While this one is down, their ports are tried.
pub(super) async fn reachable(scene: &Scene) -> Vec<Finding> {
    let check = "other-server";
    let mut findings = Vec::new();
    if let Some(running) = &scene.running {
        for server in running.servers.iter().filter(|server| server.state != PeerState::This) {
            findings.push(if server.state == PeerState::Reachable {
                Finding::ok(check, format!("{} answers", server.name))
            } else {
                let heard = server.last_heard.as_ref().map_or_else(String::new, |at| format!(" since {at}"));
                let words = format!(
                    "{} does not answer{heard}: see that it runs, and that port 51215 is open both ways",
                    server.name
                );
                Finding::error(check, words)
            });
        }
    } else {
        for server in peers_file::load(&scene.config.data) {
            findings.push(dial(check, &server.name, &server.addresses).await);
        }
    }
    if findings.is_empty() && scene.identity.is_some() {
        let words = "no other server has joined: devices have nowhere to go when this one is down (portal join-string)";
        findings.push(Finding::warning(check, words));
    }
    findings
}

async fn dial(check: &'static str, name: &str, addresses: &[String]) -> Finding {
    let mut failures = Vec::new();
    for address in addresses {
        match timeout(DIAL_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Finding::ok(check, format!("{name} can be reached at {address}")),
            Ok(Err(error)) => failures.push(format!("{address}: {error}")),
            Err(_) => failures.push(format!("{address}: no answer")),
        }
    }
    Finding::error(check, format!("{name} cannot be reached ({}): see that it runs", failures.join("; ")))
}

/// A standby has a copy, and the active server is there to give it newer ones.
pub(super) fn copy(scene: &Scene) -> Option<Finding> {
    let check = "copy";
    let this = scene.running.as_ref()?.this()?;
    if this.role != Role::Standby || this.replication.is_some() {
        return None;
    }
    let Some(taken_at) = &this.copy_taken_at else {
        return Some(Finding::error(check, "this standby has no copy of the active server's records"));
    };
    let others = &scene.running.as_ref()?.servers;
    let active = others.iter().any(|server| server.role == Role::Active && server.state == PeerState::Reachable);
    Some(if active {
        Finding::ok(check, format!("taken at {taken_at}; another follows every change"))
    } else {
        let words =
            format!("taken at {taken_at}; what was changed since is not here, and the active server does not answer");
        Finding::warning(check, words)
    })
}

/// The database server answers, and the replication runs.
pub(super) fn replication(scene: &Scene) -> Option<Finding> {
    let check = "replication";
    let seen = scene.running.as_ref()?.this()?.replication.as_ref()?;
    let words = seen.words();
    Some(match seen.part {
        _ if !seen.is_troubled() => Finding::ok(check, words),
        ReplicationPart::Unknown => Finding::error(check, format!("{words}: see that it runs")),
        ReplicationPart::Primary if seen.other_line => {
            Finding::error(check, format!("{words}: other hands promoted it; see Servers"))
        }
        ReplicationPart::Primary => Finding::warning(check, format!("{words}: what is written is at one place alone")),
        ReplicationPart::Replica => {
            Finding::error(check, format!("{words}: see that the primary runs and lets this server in"))
        }
    })
}
