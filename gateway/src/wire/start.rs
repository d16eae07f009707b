//! Which start of a server a device has met.

/// The most servers whose starts a device remembers: those of the longest list.
pub const MAX_STARTS: usize = 8;
/// The longest token, in bytes.
pub const MAX_START_TOKEN_BYTES: usize = 64;

/// A start of a server. Servers count their starts; an old image of one, or a second one of it, gives itself away when a
/// device shows it a start that it does not know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStart {
    /// The server's id.
    pub server_id: String,
    /// Goes up with every start.
    pub number: u64,
    /// The server's proof that it gave this number; opaque to devices.
    pub token: Vec<u8>,
}

/// Remembers a start: of one server the one with the highest number, and of two with one number the first. What was met
/// longest ago is forgotten first.
pub fn remember_start(known: &mut Vec<ServerStart>, met: &ServerStart) {
    let place = known.iter().position(|one| one.server_id == met.server_id);
    let before = place.map(|place| known.remove(place));
    let kept = before.filter(|before| before.number >= met.number).unwrap_or_else(|| met.clone());
    if known.len() >= MAX_STARTS {
        known.remove(0);
    }
    known.push(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(server: u64, number: u64, token: u8) -> ServerStart {
        ServerStart { server_id: format!("s{server}"), number, token: vec![token] }
    }

    #[test]
    fn each_servers_highest_start_is_kept_and_the_first_of_equals() {
        let mut known = Vec::new();
        for met in [start(1, 4, 1), start(2, 9, 2), start(1, 3, 3), start(1, 4, 4)] {
            remember_start(&mut known, &met);
        }
        assert_eq!(known, [start(2, 9, 2), start(1, 4, 1)]);
        remember_start(&mut known, &start(1, 5, 5));
        assert_eq!(known[1], start(1, 5, 5));
        for server in 3..=9 {
            remember_start(&mut known, &start(server, 1, 0));
        }
        assert_eq!(known.len(), MAX_STARTS);
        assert!(known.iter().all(|one| one.server_id != "s2"), "it was met longest ago");
    }
}
