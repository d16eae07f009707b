//! What can be wrong with servers that take over, and with their devices.

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A hold is counted from the arrival of the answer.
    CountsFromReceipt,
    /// A device is held whatever epoch it has persisted.
    AnyEpoch,
    /// A write is answered as safe when it is committed.
    SafeAtOnce,
    /// A nonce from before a write proves it.
    OldProof,
    /// A standby promotes itself as soon as it may.
    NoWindow,
    /// A hold lasts 300 s.
    HoldsTooLong,
    /// The active server writes whomever it holds.
    NeverGivesWay,
    /// The active server forgets the version before before the standby has stored the newest.
    AcknowledgesUnseen,
    /// A server that promoted itself writes at once.
    NeedsNoProof,
    /// A device takes any server's epoch.
    EpochsGoBack,
}
