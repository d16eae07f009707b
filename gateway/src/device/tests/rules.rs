//! Rules for the device's own moves, for commands of the past, and for starts, each looked at after every step.

use super::*;
use crate::wire::Message;

/// Name, TCP, TLS and registration of one attempt, and the pause after it.
const ATTEMPT: u64 = 11;
/// The longest that a pass waits for a server that asks for patience: twice 60 s, then it is the next one's turn.
const PATIENCE: u64 = 120;

/// How often there was an occasion.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Moves to a better server, after a hold-down.
    pub(super) returns: u32,
    /// Moves to the active server, at once.
    pub(super) recoveries: u32,
    /// Commands of a server of the past that were not followed.
    pub(super) defied: u32,
    /// Starts after which a server of the list could be reached.
    pub(super) recovered_starts: u32,
}

/// What was true before the last step, and what it is measured by.
pub(super) struct Rules {
    pub(super) counts: Counts,
    started_at: Duration,
    /// It has been registered since it was started.
    was_connected: bool,
    /// When the session began, or its list became another.
    session_since: Duration,
    recovered_at: Option<Duration>,
    outranked: bool,
    rollback: bool,
    notes: usize,
    sent: usize,
}

impl Rules {
    pub(super) fn new(world: &World) -> Self {
        Self {
            counts: Counts::default(),
            started_at: world.started_at,
            was_connected: false,
            session_since: world.now,
            recovered_at: None,
            outranked: false,
            rollback: false,
            notes: 0,
            sent: 0,
        }
    }

    pub(super) fn check(&mut self, world: &World) {
        let sent = &world.sent[self.sent..];
        if self.started_at == world.started_at {
            self.check_commands(world, sent);
            self.check_moves(world, sent);
        } else {
            (self.started_at, self.was_connected, self.recovered_at) = (world.started_at, false, None);
        }
        self.check_start(world);
        (self.notes, self.sent) = (world.notes.len(), world.sent.len());
        self.rollback = world.device.stored().rollback.is_some();
        self.outranked = match world.device.activity() {
            Activity::Connected(server) => world.device.stored().epoch.as_ref() > Some(&server.epoch),
            Activity::Waiting | Activity::Dialling(_) | Activity::Stopped => false,
        };
    }

    /// No server below the highest epoch is obeyed, whatever it wants.
    fn check_commands(&mut self, world: &World, sent: &[Message]) {
        if !self.outranked {
            return;
        }
        for message in sent {
            let obeyed = matches!(message, Message::ListStaged(_) | Message::TrialStarted(_))
                || matches!(message, Message::MoveAnswer { refused, .. } if refused.is_empty());
            assert!(!obeyed, "a server of the past was obeyed: {message:?}");
            self.counts.defied +=
                u32::from(matches!(message, Message::StageRefused { .. } | Message::MoveAnswer { .. }));
        }
        let rollback = world.device.stored().rollback.is_some();
        assert!(rollback || !self.rollback, "a server of the past took note of a rollback");
    }

    /// One return, and one recovery, in a hold-down.
    fn check_moves(&mut self, world: &World, sent: &[Message]) {
        let hold_down = world.device.config().hold_down;
        let ordered = sent.iter().any(|message| matches!(message, Message::MoveAnswer { .. }));
        let mut returns = false;
        for note in &world.notes[self.notes..] {
            match note {
                Happening::Connected(_) | Happening::Committed(_) => self.session_since = world.now,
                Happening::GoingBack(to) => {
                    let held = world.now - self.session_since;
                    assert!(held >= hold_down, "went back to {to:?} after {held:?}");
                    returns = true;
                    self.counts.returns += 1;
                }
                Happening::Moving(to) if !returns && !ordered => {
                    let again_at = self.recovered_at.map_or(world.now, |at| at + hold_down);
                    assert!(
                        world.now >= again_at,
                        "to the active server {to:?} again, {:?} too soon",
                        again_at - world.now
                    );
                    self.recovered_at = Some(world.now);
                    self.counts.recoveries += 1;
                }
                Happening::Moving(_)
                | Happening::AttemptFailed(_)
                | Happening::Lost(..)
                | Happening::Waiting(_)
                | Happening::Staged(_)
                | Happening::Refused(..)
                | Happening::TrialStarted(_)
                | Happening::RolledBack(_)
                | Happening::Quarantined(_)
                | Happening::NotPersisted
                | Happening::Renewed(_)
                | Happening::NotRenewed(_) => {}
            }
        }
    }

    /// A device that was started is registered within one pass, if one server of its list was up all the time.
    fn check_start(&mut self, world: &World) {
        let listed = world.device.stored().lists.committed.entries();
        let up = listed.iter().any(|entry| world.up_since(entry.port - 50_000, world.started_at));
        if world.connected().is_some() {
            self.counts.recovered_starts += u32::from(up && !self.was_connected);
            self.was_connected = true;
        }
        let entries = u64::try_from(listed.len()).unwrap();
        // One more, for a pass may begin with an entry in reserve.
        let pass = secs((entries + 1) * (2 * ATTEMPT + PATIENCE));
        let took = world.now - world.started_at;
        assert!(self.was_connected || !up || took <= pass, "not registered {took:?} after its start");
    }
}
