//! Servers that belong to the installation no more.

/// The most servers of which a device remembers that they were removed; also of one message.
pub const MAX_REVOKED_SERVERS: usize = 64;

/// A server that was removed from the installation, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedServer {
    /// Its id.
    pub server_id: String,
    /// What makes it credible: see [`revocation`](crate::revocation).
    pub seal: Vec<u8>,
}

/// Adds those that are not known yet; `true` if there are any. What was heard of longest ago is forgotten first.
pub(crate) fn remember_revoked(known: &mut Vec<String>, told: &[RevokedServer]) -> bool {
    let before = known.clone();
    for RevokedServer { server_id, .. } in told {
        if !known.contains(server_id) {
            known.push(server_id.clone());
        }
    }
    known.drain(..known.len().saturating_sub(MAX_REVOKED_SERVERS));
    *known != before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(number: usize) -> RevokedServer {
        RevokedServer { server_id: format!("s{number}"), seal: Vec::new() }
    }

    #[test]
    fn each_server_is_remembered_once_and_the_oldest_makes_room() {
        let mut known = Vec::new();
        assert!(remember_revoked(&mut known, &[server(1), server(2)]));
        assert!(!remember_revoked(&mut known, &[server(2), server(1)]));
        assert_eq!(known, ["s1", "s2"]);
        let many: Vec<_> = (3..3 + MAX_REVOKED_SERVERS).map(server).collect();
        assert!(remember_revoked(&mut known, &many[1..]));
        assert_eq!((known.len(), known[0].as_str()), (MAX_REVOKED_SERVERS, "s2"));
    }
}
