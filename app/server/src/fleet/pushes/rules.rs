//! The states of a push: what each report moves, decided without a database.
//!
//! ```text
//! pending -> staged -> probed -> trial -> committed
//!                      \------------------> rolled_back    and the list the device kept becomes the wanted one
//! trial -> staged, if it proved nothing
//! any of these, but the last two, -> superseded by a newer edit
//! ```
//!
//! A device that keeps the wanted servers needs no push, whatever the number of its list.

use super::Report;
use model::PushState;

/// Where things stand when a report comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The revision reported on.
    pub(super) reported: u64,
    /// The state of its push, if it has one.
    pub(super) push: Option<PushState>,
    /// The wanted revision.
    pub(super) wanted: u64,
    /// The state of the wanted revision's push, if it has one.
    pub(super) wanted_push: Option<PushState>,
    /// Both revisions name the same servers.
    pub(super) same_servers: bool,
    /// The newest revision the device is known to have kept.
    pub(super) committed: Option<u64>,
}

/// What moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// The reported revision's push, to this state.
    pub(super) push: Option<PushState>,
    /// The device keeps the reported revision.
    pub(super) committed: bool,
    /// The push of a newer wanted revision, to this state.
    pub(super) wanted_push: Option<PushState>,
    /// The list that the device kept becomes the wanted one.
    pub(super) returns: bool,
}

/// What a report moves; `None` if it tells nothing new.
pub(super) fn decide(at: &Position, report: &Report) -> Option<Moves> {
    let underway = at.push.filter(|state| !state.is_final());
    let moves = match report {
        Report::Staged => Moves { push: underway.and(Some(PushState::Staged)), ..Moves::default() },
        Report::Undecided { .. } => Moves { push: underway.and(Some(PushState::Staged)), ..Moves::default() },
        Report::Probed => Moves { push: underway.and(Some(PushState::Probed)), ..Moves::default() },
        Report::Trial => Moves { push: underway.and(Some(PushState::Trial)), ..Moves::default() },
        Report::Committed if at.committed > Some(at.reported) => return None,
        Report::Committed => Moves {
            push: underway.and(Some(PushState::Committed)),
            committed: at.committed != Some(at.reported),
            wanted_push: wanted_push_after_commit(at),
            returns: false,
        },
        Report::GivenUp { .. } => Moves {
            push: underway.and(Some(PushState::RolledBack)),
            returns: underway.is_some() && at.reported == at.wanted,
            ..Moves::default()
        },
    };
    let news = moves.push != at.push && moves.push.is_some() || moves.committed || moves.wanted_push.is_some();
    news.then_some(moves)
}

/// The device keeps a list that is no longer the wanted one.
fn wanted_push_after_commit(at: &Position) -> Option<PushState> {
    if at.reported == at.wanted {
        return None;
    }
    match (at.same_servers, at.wanted_push) {
        // It has what is wanted already.
        (true, Some(state)) if !state.is_final() => Some(PushState::Committed),
        // It was thought to have what is wanted, and has left that.
        (false, None | Some(PushState::Committed)) => Some(PushState::Pending),
        (true | false, _) => None,
    }
}

#[cfg(test)]
mod tests;
