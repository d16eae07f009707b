//! Which process listens where, as Linux tells it.

use std::{
    collections::HashSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// `TCP_LISTEN` of the kernel.
const LISTEN: &str = "0A";

/// A socket that listens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listening {
    pub(super) address: SocketAddr,
    pub(super) inode: u64,
}

impl Listening {
    /// Whether a connection to `address` may arrive here.
    pub(super) fn overlaps(&self, address: SocketAddr) -> bool {
        let (own, other) = (self.address.ip(), address.ip());
        self.address.port() == address.port() && (own == other || own.is_unspecified() || other.is_unspecified())
    }
}

/// Every TCP socket that listens on this machine; `None` where the system does not tell.
pub(super) fn listening() -> Option<Vec<Listening>> {
    let v4 = fs::read_to_string("/proc/net/tcp").ok()?;
    let v6 = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Some(v4.lines().chain(v6.lines()).filter_map(parse).collect())
}

/// The sockets that a process holds; `None` if it is another user's.
pub(super) fn sockets_of(pid: i32) -> Option<HashSet<u64>> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let targets = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    Some(
        targets
            .filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
            .collect(),
    )
}

fn parse(line: &str) -> Option<Listening> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
    if *state != LISTEN {
        return None;
    }
    let (ip, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(Listening { address: SocketAddr::new(ip_of(ip)?, port), inode: inode.parse().ok()? })
}

/// The kernel prints addresses as numbers of the machine's own byte order, 32 bits each.
fn ip_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for (index, part) in bytes.chunks_mut(4).enumerate() {
                part.copy_from_slice(&word(index * 8)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn this_process_is_found_to_listen() {
        let listeners = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("0.0.0.0:0").unwrap()];
        let own = sockets_of(i32::try_from(std::process::id()).unwrap()).unwrap();
        let all = listening().unwrap();
        for listener in &listeners {
            let address = listener.local_addr().unwrap();
            let found: Vec<_> = all.iter().filter(|socket| socket.address == address).collect();
            assert_eq!(found.len(), 1, "{address}");
            assert!(own.contains(&found[0].inode), "{address}");
        }
        drop(listeners);
    }

    #[test]
    fn all_addresses_overlap_with_each_and_other_ports_with_none() {
        let socket = |address: &str| Listening { address: address.parse().unwrap(), inode: 1 };
        assert!(socket("[::]:80").overlaps("192.0.2.1:80".parse().unwrap()));
        assert!(socket("192.0.2.1:80").overlaps("0.0.0.0:80".parse().unwrap()));
        assert!(!socket("192.0.2.1:80").overlaps("192.0.2.2:80".parse().unwrap()));
        assert!(!socket("[::]:80").overlaps("[::]:81".parse().unwrap()));
    }
}
