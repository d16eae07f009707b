//! What the session server asks of whoever owns the devices.
//!
//! The portal answers from its database; tests and the simulation answer from memory. Answers are pulled: the server
//! asks again whenever [`Handle::wake`](super::Handle::wake) says that something about a device changed, so a lost or
//! repeated wake-up is harmless.

use crate::enrolment::KeyFingerprint;
use crate::wire::{
    DeviceId, Enrol, Enrolled, EntryProbe, Epoch, EventUpload, Hello, ListVersion, Reason, RevokedServer, Role,
    Rollback, ServerList, ServerStart,
};
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

/// One registered connection; unique on its server, also over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// A certificate request that proved to know its provisioning string's secret, or claims to.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// As it came; its request's signature was checked.
    pub enrol: Enrol,
    /// Of the request's public key.
    pub fingerprint: KeyFingerprint,
    /// The TLS exporter value that the proof must cover, see [`proof_of`](crate::enrolment::proof_of).
    pub channel_binding: Vec<u8>,
    /// Where the connection comes from.
    pub peer: SocketAddr,
}

/// What becomes of an enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrolDecision {
    /// An operator has not decided.
    Waiting,
    /// Accepted; this is for the device.
    Accepted(Box<Enrolled>),
    /// Not here.
    Refused(Refusal),
}

/// A registration whose certificate belongs to the installation and to the device it names.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The session it would become.
    pub session: SessionId,
    /// As it came.
    pub hello: Hello,
    /// Serial number of the client certificate, big-endian, without leading zeros.
    pub certificate_serial: Vec<u8>,
    /// When that certificate ends, seconds since 1970 UTC; it may be over.
    pub certificate_ends_unix_s: u64,
    /// Where the connection comes from.
    pub peer: SocketAddr,
}

/// What an admitted device is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// At least the hello's + 1 and more than any this server knows of.
    pub connection_sequence: u64,
    /// Which start of the server this is, if it counts them.
    pub start: Option<ServerStart>,
    /// All events of the hello's ring up to this id are durably held here, or known to be gone; 0 if it has no ring.
    pub event_watermark: u64,
}

/// A device wants another certificate for the key that it has. The request's signature and key were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Which device.
    pub device: DeviceId,
    /// Serial number of the certificate that the session shows, big-endian, without leading zeros.
    pub certificate_serial: Vec<u8>,
    /// PKCS #10, DER.
    pub certificate_request: Vec<u8>,
}

/// Why a device is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Try again after so long.
    Busy(Duration),
    /// Ended with a reason.
    Goodbye(Reason, String),
}

/// How far a device's wanted list has come; reported by the session that saw it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// In the inactive slot.
    Staged(ListVersion),
    /// The device will not hold it.
    StageRefused(ListVersion, String),
    /// The device has tried its entries, and one at least would do.
    Probed(ListVersion, Vec<EntryProbe>),
    /// The device has tried its entries, and none would do: it is not put on trial.
    Unproven(ListVersion, Vec<EntryProbe>),
    /// The device has left to try it.
    Trial(ListVersion),
    /// The device keeps it.
    Committed(ListVersion),
    /// The device went back.
    RolledBack(Rollback),
}

/// Who this server is, as devices are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The installation's id.
    pub installation_id: String,
    /// This server's id.
    pub server_id: String,
    /// Its name, for people.
    pub server_name: String,
    /// Its role now.
    pub role: Role,
    /// The epoch it knows.
    pub epoch: Epoch,
    /// Servers that were removed from the installation, oldest first.
    pub revoked_servers: Arc<[RevokedServer]>,
}

/// Answers for the devices of one installation.
///
/// Futures are dropped when their connection ends.
pub trait Directory: Send + Sync + 'static {
    /// Who this server is now.
    fn identity(&self) -> Identity;

    /// How many devices there are, all of which may come here; 0 if that is not known. Those that this server is about to
    /// register are told over how many seconds so many are to come back.
    fn devices(&self) -> usize {
        0
    }

    /// A device asks to belong, or asks again; the same fingerprint is the same device.
    fn enrol(&self, enrolment: &Enrolment) -> impl Future<Output = EnrolDecision> + Send;

    /// A device asks to be registered. On `Ok` the session is on record.
    fn admit(&self, registration: &Registration) -> impl Future<Output = Result<Admission, Refusal>> + Send;

    /// Whether a device with a certificate of this serial number would be admitted. Puts nothing on record.
    fn may_register(
        &self,
        device: DeviceId,
        certificate_serial: &[u8],
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// The list the device should hold, if this server may change settings and there is one.
    fn wanted(&self, device: DeviceId) -> impl Future<Output = Option<ServerList>> + Send;

    /// The wanted list moved on; `true` once it is on record durably (else it is reported again).
    fn progress(&self, session: SessionId, device: DeviceId, progress: Progress) -> impl Future<Output = bool> + Send;

    /// A device hands over what its ring holds. What [continues](EventUpload::continues) the watermark is put on record,
    /// anything else changes nothing. The watermark of the upload's ring, once all up to it is durable; `None` if
    /// nothing can be written now (then it is handed over again).
    fn store_events(
        &self,
        session: SessionId,
        device: DeviceId,
        upload: Arc<EventUpload>,
    ) -> impl Future<Output = Option<u64>> + Send;

    /// A registered device wants its certificate renewed. The new one, DER, once it is on record durably, or why there is
    /// none now, for people.
    fn renew(&self, session: SessionId, renewal: &Renewal) -> impl Future<Output = Result<Vec<u8>, String>> + Send;

    /// Nothing more comes from this session. Follows every [`admit`](Self::admit) that was begun, also one that was
    /// refused or dropped; [`Reason::Unknown`] means that the connection was lost.
    fn closed(&self, session: SessionId, device: DeviceId, reason: Reason) -> impl Future<Output = ()> + Send;
}
