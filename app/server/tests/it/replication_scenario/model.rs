//! What was answered, and what was done about roles.

use serde::Deserialize;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// An epoch by its number and the server that was made active; two servers may take one number when neither hears the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Epoch {
    pub(super) number: u64,
    pub(super) server_id: String,
}

/// What is on record at a portal.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Record {
    pub(super) role: model::Role,
    pub(super) epoch: Epoch,
}

/// An edit that was answered.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) begun: Instant,
    pub(super) portal: usize,
    pub(super) site: usize,
    /// In which it was active all the while; `None` if its role was in motion.
    pub(super) epoch: Option<Epoch>,
    /// For how long it had been on record, when this began, that the portal was not active; `None` if it was, or became so.
    pub(super) idle: Option<Duration>,
    pub(super) id: String,
}

/// A role that was given: from then on nobody answers in that epoch, and all that was answered is with the new one.
#[derive(Clone, Debug)]
pub(super) struct Handed {
    pub(super) epoch: Epoch,
    pub(super) answered: Instant,
}

/// A database that other hands promoted: nobody answers there before the portal has raised the epoch above the one it named.
#[derive(Clone, Debug)]
pub(super) struct ByHand {
    pub(super) site: usize,
    pub(super) since: Instant,
    pub(super) epoch: u64,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) handed: Vec<Handed>,
    pub(super) by_hand: Vec<ByHand>,
    /// Edits that were on a list of what one site alone had written.
    pub(super) listed: BTreeSet<String>,
}
