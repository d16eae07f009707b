//! What stands in the way of a request that would be right at another time.

use super::codes::codes;
use crate::{RolloutState, RolloutVerb};
use serde::{Deserialize, Serialize};

/// Why it cannot be done in the state things are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum WrongState {
    /// The state of the servers.
    Server(ServerObstacle),
    /// The state of devices, rollouts and drills.
    Device(DeviceObstacle),
    /// The last operator must stay.
    LastOperator {
        /// The login.
        login: String,
    },
}

codes!(WrongState {
    LastOperator = "last-operator",
} within {
    Server(ServerObstacle),
    Device(DeviceObstacle),
});

/// What stands in the way at the servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum ServerObstacle {
    /// The server that was asked does not answer.
    NoAnswer,
    /// The device gateway does not listen yet.
    GatewayNotListening,
    /// The listener for other servers does not listen yet.
    PeersNotListening,
    /// What only a server itself can do was asked of another one.
    OtherServer {
        /// The name of the one to ask.
        server: String,
    },
    /// Only a server itself can drain its devices.
    DrainElsewhere,
    /// This server is draining already.
    Draining,
    /// Drained devices would have nowhere to go.
    NowhereToGo,
    /// A server cannot remove itself.
    OwnServer,
    /// A server that answers cannot be removed.
    ServerAnswers {
        /// Its name.
        server: String,
    },
    /// It is the active server already.
    AlreadyActive {
        /// Its name.
        server: String,
    },
    /// Another server is active, and this one holds records of its own.
    ActiveServerAnswers {
        /// The active one's name.
        active: String,
    },
    /// The database here does not follow that of the active server.
    DatabaseNotFollowing {
        /// The active one's name.
        active: String,
    },
    /// The active server could not hand its role over.
    RoleNotHandedOver {
        /// The active one's name.
        active: String,
        /// The words of that server.
        because: String,
    },
    /// The role was not given to this server, or was taken.
    RoleNotGiven,
    /// The lease on the shared database decides who is active.
    LeaseDecides,
    /// Servers that share a database need no copy.
    SharedDatabase,
    /// The shared database cannot be opened here.
    SharedDatabaseNotOpened {
        /// The words of the system.
        because: String,
    },
    /// This server has no reason to join again.
    RejoinNotNeeded,
    /// No active server answers.
    NoActiveServer,
    /// The copy of the active server's database did not arrive.
    CopyNotArrived {
        /// The active one's name.
        active: String,
        /// The words of the connection.
        because: String,
    },
    /// The copy arrived, and cannot be used.
    CopyUnusable {
        /// What is wrong with it.
        because: String,
    },
    /// What the database here holds could not be kept aside.
    DatabaseNotKept {
        /// The words of the system.
        because: String,
    },
    /// Writes are held already.
    WritesHeld,
}

codes!(ServerObstacle {
    NoAnswer = "no-answer",
    GatewayNotListening = "gateway-not-listening",
    PeersNotListening = "peers-not-listening",
    OtherServer = "other-server",
    DrainElsewhere = "drain-elsewhere",
    Draining = "draining",
    NowhereToGo = "nowhere-to-go",
    OwnServer = "own-server",
    ServerAnswers = "server-answers",
    AlreadyActive = "already-active",
    ActiveServerAnswers = "active-server-answers",
    DatabaseNotFollowing = "database-not-following",
    RoleNotHandedOver = "role-not-handed-over",
    RoleNotGiven = "role-not-given",
    LeaseDecides = "lease-decides",
    SharedDatabase = "shared-database",
    SharedDatabaseNotOpened = "shared-database-not-opened",
    RejoinNotNeeded = "rejoin-not-needed",
    NoActiveServer = "no-active-server",
    CopyNotArrived = "copy-not-arrived",
    CopyUnusable = "copy-unusable",
    DatabaseNotKept = "database-not-kept",
    WritesHeld = "writes-held",
});

/// What stands in the way at devices, rollouts and drills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum DeviceObstacle {
    /// The device is not connected.
    DeviceNotConnected,
    /// The device is not connected, or was lost before it answered.
    DeviceLost,
    /// The device's firmware does not know the order.
    FirmwareTooOld,
    /// The device did not answer in time.
    DeviceSilent,
    /// The device said no.
    DeviceRefused {
        /// Its words.
        because: String,
    },
    /// The server that holds the device's session could not carry the order out.
    OrderFailed {
        /// That server's name.
        server: String,
        /// Its words.
        because: String,
    },
    /// The device's servers are being changed right now.
    ServersBeingChanged,
    /// No change is waiting for the device.
    NothingToCancel,
    /// The device is trying the new list already.
    TooLateToCancel,
    /// Somebody else decided on the waiting device just now.
    DecidedMeanwhile,
    /// The waiting device was accepted already.
    AcceptedAlready,
    /// The waiting device was rejected already.
    RejectedAlready,
    /// Several waiting devices claim one Device ID.
    SeveralClaims {
        /// That Device ID.
        device: u32,
        /// How many claim it.
        claims: usize,
    },
    /// No certificate can be made for the waiting device.
    NotAcceptable {
        /// The words of the certificate's maker.
        because: String,
    },
    /// A rollout is not in a state for that.
    RolloutState {
        /// Its number.
        rollout: u64,
        /// What was to be done.
        verb: RolloutVerb,
        /// How it is.
        state: RolloutState,
    },
    /// A rollout is being rolled back already.
    RollbackRunning {
        /// Its number.
        rollout: u64,
        /// The number of the one that rolls it back.
        rolled_back_by: u64,
    },
    /// No device keeps what a rollout gave it.
    NothingToRollBack {
        /// Its number.
        rollout: u64,
    },
    /// A drill runs on this server already.
    DrillRunning,
    /// This drill does not run on this server.
    DrillNotRunning,
}

codes!(DeviceObstacle {
    DeviceNotConnected = "device-not-connected",
    DeviceLost = "device-lost",
    FirmwareTooOld = "firmware-too-old",
    DeviceSilent = "device-silent",
    DeviceRefused = "device-refused",
    OrderFailed = "order-failed",
    ServersBeingChanged = "servers-being-changed",
    NothingToCancel = "nothing-to-cancel",
    TooLateToCancel = "too-late-to-cancel",
    DecidedMeanwhile = "decided-meanwhile",
    AcceptedAlready = "accepted-already",
    RejectedAlready = "rejected-already",
    SeveralClaims = "several-claims",
    NotAcceptable = "not-acceptable",
    RolloutState = "rollout-state",
    RollbackRunning = "rollback-running",
    NothingToRollBack = "nothing-to-roll-back",
    DrillRunning = "drill-running",
    DrillNotRunning = "drill-not-running",
});
