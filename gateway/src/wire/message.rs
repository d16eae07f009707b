//! The messages as strict types. Their meaning and order stand in `PROTOCOL.md`.

use super::{
    DeviceId, DeviceInfo, Entries, EntryProbe, Epoch, EventUpload, ListVersion, MoveFailure, ProbeAnswer,
    RevokedServer, RingId, RingSpan, Role, Rollback, ServerEntry, ServerList, ServerStart,
};

/// What travels in one frame.
#[expect(clippy::large_enum_variant, reason = "a message lives for a moment and is never kept in numbers")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Device: asks to belong to the installation.
    Enrol(Enrol),
    /// Server: an operator has to decide.
    EnrolWaiting {
        /// Seconds between pings while waiting.
        keep_alive_s: u32,
    },
    /// Server: accepted.
    Enrolled(Enrolled),
    /// Device: asks to be registered.
    Hello(Hello),
    /// Server: registered; only this makes a session *connected*.
    Registered(Registered),
    /// Server: not now.
    Busy {
        /// Seconds to wait before this server is dialled again, at most 60.
        retry_after_s: u32,
    },
    /// Either: ends the session.
    Goodbye(Goodbye),
    /// Either: are you there?
    Ping {
        /// Returned in the pong.
        nonce: u64,
    },
    /// Either: yes.
    Pong {
        /// The ping's.
        nonce: u64,
    },
    /// Either: the other's last message is not known here.
    Unsupported {
        /// Field number of that message in `Frame`, 0 if unknown.
        message: u32,
    },
    /// Server: write this list to the inactive slot.
    StageList(ServerList),
    /// Device: written and synced.
    ListStaged(ListVersion),
    /// Device: will not hold that list.
    StageRefused {
        /// The list refused.
        version: ListVersion,
        /// Why, for an operator.
        text: String,
    },
    /// Server: come back through the staged list.
    StartTrial {
        /// The staged list.
        version: ListVersion,
        /// Seconds until the device goes back by itself.
        timeout_s: u32,
    },
    /// Device: the trial is on disk; this session ends now.
    TrialStarted(ListVersion),
    /// Server: the list on trial works, keep it.
    ConfirmTrial(ListVersion),
    /// Device: kept, on disk.
    ListCommitted(ListVersion),
    /// Server: the rollback is on record, stop reporting it.
    RollbackNoted(ListVersion),
    /// Device: what its ring holds beyond the server's watermark.
    Upload(EventUpload),
    /// Server: on record, durably.
    EventsStored {
        /// The ring.
        ring: RingId,
        /// Everything up to this id is held.
        watermark: u64,
    },
    /// Device: would this server register it?
    Probe {
        /// The sender's protocol version.
        protocol_version: u32,
        /// Who asks.
        device: DeviceId,
    },
    /// Server: yes.
    ProbeAnswer(ProbeAnswer),
    /// Server: try these entries from your own network.
    ProbeList {
        /// Returned in the table.
        request: u64,
        /// What to try.
        entries: Entries,
    },
    /// Device: how each fared.
    ProbeTable {
        /// The list's.
        request: u64,
        /// One for each entry.
        rows: Vec<EntryProbe>,
    },
    /// Server: go to that entry of the list.
    Move {
        /// Returned in the answer.
        request: u64,
        /// Where to.
        entry: ServerEntry,
        /// Seconds for which the device does not fail back from there; 0 is for good.
        ttl_s: u32,
    },
    /// Device: leaves now, or why not.
    MoveAnswer {
        /// The order's.
        request: u64,
        /// Why the device stays; empty if it does not, or is there already.
        refused: String,
    },
    /// Server: which is the highest epoch that the device has on disk?
    AskEpoch {
        /// Returned in the answer.
        request: u64,
    },
    /// Device: that one.
    EpochAnswer {
        /// The question's.
        request: u64,
        /// `None` if it never met a server.
        epoch: Option<Epoch>,
    },
    /// Server: which is the committed list?
    AskList {
        /// Returned in the answer.
        request: u64,
    },
    /// Device: that one.
    ListAnswer {
        /// The question's.
        request: u64,
        /// With its seal.
        list: Box<ServerList>,
    },
    /// Server: its role or epoch is another now.
    ServerChanged {
        /// Its role.
        role: Role,
        /// The epoch it knows.
        epoch: Epoch,
    },
    /// Server: these belong to the installation no more.
    RevokedServers(Vec<RevokedServer>),
    /// Device: another certificate for the key of the one it shows.
    RenewCertificate {
        /// PKCS #10, DER.
        request: Vec<u8>,
    },
    /// Server: here it is.
    CertificateRenewed {
        /// X.509, DER.
        certificate: Vec<u8>,
    },
    /// Server: not here, or not now.
    RenewalRefused {
        /// For people.
        text: String,
    },
    /// A message with a number this side does not know.
    Unknown,
}

/// First frame of a connection without a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrol {
    /// The sender's protocol version.
    pub protocol_version: u32,
    /// What the device says it is.
    pub info: DeviceInfo,
    /// Public part of the provisioning string.
    pub provisioning_id: String,
    /// HMAC-SHA256 under the string's secret over the TLS exporter value and the request.
    pub proof: Vec<u8>,
    /// PKCS #10, DER.
    pub certificate_request: Vec<u8>,
}

/// What an accepted device receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The device's certificate, DER.
    pub certificate: Vec<u8>,
    /// The authority's certificate, DER.
    pub authority_certificate: Vec<u8>,
    /// The installation's id.
    pub installation_id: String,
    /// The first server list.
    pub list: ServerList,
    /// The server's clock, milliseconds since 1970 UTC.
    pub server_time_unix_ms: u64,
}

/// First frame of a connection with a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The sender's protocol version.
    pub protocol_version: u32,
    /// Capability flags; none are defined in version 1.
    pub capabilities: u64,
    /// What the device says it is.
    pub info: DeviceInfo,
    /// Random, made anew at each start of the device.
    pub boot_id: u64,
    /// The last sequence a server gave, or the device's own count.
    pub connection_sequence: u64,
    /// The entry of its list that the device dialled.
    pub dialled: ServerEntry,
    /// The list the device keeps.
    pub committed: ListVersion,
    /// The list the device is trying, while it does.
    pub trial: Option<ListVersion>,
    /// The last rollback, until a server has noted it.
    pub rollback: Option<Rollback>,
    /// The highest epoch the device has seen.
    pub epoch: Option<Epoch>,
    /// The last move, if it failed and no server has been told.
    pub move_failure: Option<MoveFailure>,
    /// The latest start that it met of each server; at most [`MAX_STARTS`](super::MAX_STARTS).
    pub starts: Vec<ServerStart>,
    /// Its ring of events, if it keeps one.
    pub ring: Option<RingSpan>,
}

/// The answer that makes a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The sequence the device persists.
    pub connection_sequence: u64,
    /// The installation's id.
    pub installation_id: String,
    /// The answering server.
    pub server_id: String,
    /// Its name, for people.
    pub server_name: String,
    /// Its role in the installation.
    pub role: Role,
    /// The epoch it knows.
    pub epoch: Epoch,
    /// Its clock, milliseconds since 1970 UTC.
    pub server_time_unix_ms: u64,
    /// Seconds between the device's pings.
    pub keep_alive_s: u32,
    /// Seconds of silence after which the device gives the session up.
    pub silence_limit_s: u32,
    /// Seconds over which devices spread their reconnects after a loss.
    pub reconnect_spread_s: u32,
    /// Which start of the server this is, if it counts them.
    pub start: Option<ServerStart>,
    /// The server holds all events of the hello's ring up to this id.
    pub event_watermark: u64,
}

/// Why a session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goodbye {
    /// For programs.
    pub reason: Reason,
    /// For people.
    pub text: String,
    /// From a draining server: seconds over which to spread the reconnect, 0 otherwise.
    pub reconnect_spread_s: u32,
}

/// Why a session ends, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A reason this side does not know.
    Unknown,
    /// The sender stops.
    ShuttingDown,
    /// The server sends its devices elsewhere.
    Draining,
    /// A frame could not be parsed.
    Malformed,
    /// A frame was longer than allowed.
    Oversized,
    /// The protocol version is not spoken here.
    UnsupportedVersion,
    /// A message came when it had no meaning.
    UnexpectedMessage,
    /// Nothing came in time.
    TimedOut,
    /// A newer session of the same device took over.
    Replaced,
    /// A registration without a certificate, or of a device nobody accepted.
    NotEnrolled,
    /// The certificate was revoked.
    Revoked,
    /// The certificate and the hello name different devices or installations.
    WrongIdentity,
    /// An operator rejected the device.
    Rejected,
    /// The provisioning string is unknown, used up, expired or not proven.
    BadProvisioning,
    /// The device leaves to try a list.
    TryingList,
    /// The server cannot write just now.
    Storage,
    /// The device was removed from the installation.
    Removed,
    /// The device goes to another server.
    Moving,
}
