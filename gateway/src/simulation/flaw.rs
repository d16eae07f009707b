//! What can be wrong with servers, records and devices.

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A server puts every upload on record, whatever it holds already.
    TakesTwice,
    /// A server acknowledges events before they are on disk.
    AcknowledgesFirst,
    /// A server tells a device that it holds all of its events.
    PassesOver,
    /// The end of a session ends a newer one's record too.
    LateClose,
    /// A connection is on record before the device has said who it is.
    ShowsDials,
    /// The end of a session is not put on record.
    ForgetsEnds,
    /// What became of a push is not put on record.
    ForgetsPushes,
    /// A device does not write down that it tries a list.
    ForgetsTrials,
    /// A device keeps a list as soon as it tries it.
    KeepsUntried,
    /// A device asks for each name once.
    AsksOnce,
    /// A device forgets what names came to when it asks again.
    ForgetsNames,
    /// A device forgets what names came to when it is switched off.
    LosesNames,
    /// A device asks for a name only when it needs it.
    AsksOnlyToDial,
    /// A device dials only one address of a name.
    DialsOneAddress,
    /// A device waits for the answer to a name as long as an attempt may take.
    WaitsForNames,
    /// A server does not say over how long its devices are to come back; see the storms.
    TellsNoSpread,
    /// A server tells who probes it that it has room, whatever it has; see the storms.
    WelcomesProbes,
    /// A server believes that it takes as many as it was set to; see the storms.
    TrustsItsCapacity,
    /// A server tells it by how many are connected by now.
    CountsOnlyConnected,
}
