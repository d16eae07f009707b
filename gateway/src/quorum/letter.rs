//! What the two servers tell each other every second: a nonce, the other's nonce, and what each knows.

use super::{Electorate, Quorum, Start, Version};
use crate::wire::{Epoch, Role};
use std::time::Duration;

/// The same in both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Who writes.
    pub from: String,
    /// To be returned.
    pub nonce: u64,
    /// The reader's newest nonce. A standby returns it only while it holds the active server itself.
    pub echo: Option<u64>,
    /// The highest epoch the writer knows.
    pub epoch: Epoch,
    /// The writer's role.
    pub role: Role,
    /// Which start of the writer this is.
    pub start: Start,
    /// The latest start of the reader that the writer ever heard of.
    pub seen: Option<Start>,
    /// The newest version of the electorate, from the active server.
    pub electorate: Option<Electorate>,
    /// The newest version that the writer has on disk.
    pub stored: Version,
}

impl Quorum {
    /// The letter to send now, with a nonce never used before. The outputs come first.
    pub fn write_letter(&mut self, nonce: u64, now: Duration) -> Letter {
        self.sent += 1;
        self.peer.asked(0, nonce, self.sent, now, self.config.hold);
        let role = self.stored.role;
        Letter {
            from: self.server_id.clone(),
            nonce,
            echo: self.peer_nonce.filter(|_| role != Role::Standby || self.holds_peer(now)),
            epoch: self.stored.epoch.clone(),
            role,
            start: self.start,
            seen: self.stored.peer_start,
            electorate: (role == Role::Active).then(|| self.stored.newest.clone()),
            stored: self.stored.newest.version,
        }
    }

    /// The other server's letter came. The epoch's seal is checked by the shell.
    pub fn read_letter(&mut self, letter: &Letter, now: Duration) {
        self.meet_epoch(&letter.epoch);
        self.meet_start(letter.seen);
        if self.stored.peer_start.is_some_and(|latest| letter.start.is_overtaken_by(&latest)) {
            return; // An old image; it hears from us that it is.
        }
        if self.stored.peer_start != Some(letter.start) {
            self.stored.peer_start = Some(letter.start);
            self.persist();
        }
        self.peer_nonce = Some(letter.nonce);
        if letter.epoch != self.stored.epoch {
            return;
        }
        if let Some(electorate) = &letter.electorate {
            self.store_electorate(electorate);
        }
        if self.stored.role == Role::Active && letter.role == Role::Standby {
            self.note_acknowledged(letter.stored);
        }
        // A standby listens for whoever is active.
        let counts = match self.stored.role {
            Role::Active | Role::ReadOnly => letter.role != Role::Active,
            Role::Standby => letter.role == Role::Active && letter.electorate.is_some(),
        };
        if let Some(echo) = letter.echo.filter(|_| counts) {
            self.peer.came_back(0, echo, true, now, self.config.hold);
            self.confirm(now);
        }
    }
}
