//! What can be asked of a connected device from outside, at once or not at all.

use crate::wire::{Entries, EntryProbe, Epoch, ServerEntry, ServerList};

/// One order; random, so that an answer to another session's is never taken for this one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OrderId(pub(crate) u64);

impl OrderId {
    /// Numbers below this are a push's own.
    pub(crate) const FIRST: u64 = 1 << 63;

    pub(crate) fn random() -> Self {
        Self(rand::random::<u64>() | Self::FIRST)
    }
}

/// What is wanted of a device.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Try these entries from where you are.
    Probe(Entries),
    /// Go there, and do not fail back for so many seconds (0: for good).
    Move(ServerEntry, u32),
    /// Say which is the highest epoch that you have on disk.
    TellEpoch,
    /// Say which list is the committed one.
    TellList,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OrderReply {
    Probed(Vec<EntryProbe>),
    /// It is there, or leaves now.
    Moving,
    /// The highest epoch it has on disk, if any.
    Epoch(Option<Epoch>),
    /// The list it keeps.
    List(Box<ServerList>),
    Refused(String),
    /// Its firmware does not know this order.
    NotUnderstood,
    NotConnected,
}

/// Why an order came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The device has no session here, or lost it before it answered.
    #[error("the device is not connected to this server")]
    NotConnected,
    /// Its firmware is older than this order.
    #[error("the device's firmware does not know this")]
    NotUnderstood,
    /// No answer within 30 s.
    #[error("the device did not answer in time")]
    NoAnswer,
    /// The device said why.
    #[error("{0}")]
    Refused(String),
}
