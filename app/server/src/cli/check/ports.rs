//! The ports of a server: free while it is down, its own while it runs.

use super::{
    Scene,
    report::Finding,
    sockets::{listening, sockets_of},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

/// Every port that the server listens on.
pub(super) fn all(scene: &Scene) -> Vec<Finding> {
    let config = &scene.config;
    let interfaces =
        [("http", config.http), ("gateway", config.gateway), ("peers", config.peers), ("metrics", config.metrics)];
    interfaces.into_iter().map(|(option, address)| port(scene, option, address)).collect()
}

fn port(scene: &Scene, option: &str, address: SocketAddr) -> Finding {
    let check = "ports";
    if address.port() == 0 {
        return Finding::ok(check, format!("{option} takes any free port"));
    }
    let Some(running) = &scene.running else { return free(check, option, address) };
    let (Some(pid), Some(listening)) = (running.pid, listening()) else {
        return Finding::ok(check, format!("{option} {address}: this system does not tell who listens"));
    };
    let own = sockets_of(pid);
    let mut there = listening.iter().filter(|socket| socket.overlaps(address)).peekable();
    if there.peek().is_none() {
        let words = format!(
            "the running server does not listen on {option} {address}: it was started with other options; restart it"
        );
        return Finding::warning(check, words);
    }
    match own {
        Some(own) if there.any(|socket| own.contains(&socket.inode)) => {
            Finding::ok(check, format!("{option} {address} is this server's"))
        }
        Some(_) => Finding::error(
            check,
            format!("{option} {address} belongs to another program: end that, or choose another port"),
        ),
        None => Finding::ok(check, format!("{option} {address} is in use; only its owner or root sees by whom")),
    }
}

/// Tries, as a start would.
fn free(check: &'static str, option: &str, address: SocketAddr) -> Finding {
    let bound = match TcpListener::bind(address) {
        // A machine without IPv6 takes all addresses of the other kind.
        Err(error)
            if address.ip().is_unspecified() && address.is_ipv6() && error.kind() != io::ErrorKind::AddrInUse =>
        {
            TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()))
        }
        bound => bound,
    };
    match bound {
        Ok(_) => Finding::ok(check, format!("{option} {address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let words = format!(
                "{option} {address} is taken by another program: end that, or choose another port with {option}"
            );
            Finding::error(check, words)
        }
        Err(error) => Finding::error(check, format!("{option} {address}: {error}; choose an address of this machine")),
    }
}
