//! What goes into a device and what comes out of it.

use super::certificate_life::CertificateLife;
use super::stored::Stored;
use crate::wire::{
    EntryFailure, EntryProbe, Epoch, Event, FailureKind, ListHash, ListVersion, Message, RingSpan, Role, Rollback,
    ServerEntry,
};
use std::time::Duration;

/// One connection that the device asked for; never reused within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

/// One request to write; never reused within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// What happened to a device. Whatever concerns an attempt that is over is ignored.
#[derive(Clone, Debug)]
pub enum Input {
    /// The connection stands, TLS included.
    Opened(AttemptId),
    /// Bytes came, whatever they are.
    Heard(AttemptId),
    /// A whole message came.
    Received(AttemptId, Box<Message>),
    /// The connection could not be made, or is gone.
    Closed(AttemptId, FailureKind, String),
    /// How far the device came with a probe.
    Probed(AttemptId, Box<EntryProbe>),
    /// The state is on disk and synced.
    Persisted(WriteId),
    /// The state could not be written; what was on disk before still is.
    NotPersisted(WriteId),
    /// The ring of events has grown, or is another.
    RingChanged(RingSpan),
    /// The ring's answer to [`Output::ReadEvents`], with the first id asked for; no events if they could not be read.
    EventsRead(RingSpan, u64, Vec<Event>),
    /// The answer to [`Output::RequestCertificate`]: PKCS #10, DER.
    CertificateRequested(AttemptId, Vec<u8>),
    /// The answer to [`Output::KeepCertificate`]: the life of the certificate that is on disk and synced, or why there is
    /// no other than before.
    CertificateKept(AttemptId, Result<CertificateLife, String>),
    /// The network came back: there is no use in waiting.
    LinkUp,
    /// The device is being switched off in an orderly way.
    Stop,
}

/// What a device wants done, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Write this durably, and say [`Input::Persisted`] or [`Input::NotPersisted`] before doing anything further.
    Persist(WriteId, Box<Stored>),
    /// Open a connection and say [`Input::Opened`] or [`Input::Closed`].
    Dial(AttemptId, ServerEntry),
    /// Beside everything else, ask that server whether it would register the device, and say [`Input::Probed`] within
    /// the time that an attempt may take.
    Probe(AttemptId, ServerEntry),
    /// Send over that connection.
    Send(AttemptId, Box<Message>),
    /// Send what is left to send, then close. Nothing more is heard of it.
    HangUp(AttemptId),
    /// Write an event of this code and detail to the ring, durably, and say [`Input::RingChanged`].
    Log(u32, String),
    /// Read events from this id on, at most so many, and say [`Input::EventsRead`].
    ReadEvents(u64, usize),
    /// Open another ring in place of the present one, with what this start of the device has logged so far, and say
    /// [`Input::RingChanged`].
    RenewRing,
    /// Make a certificate request with the device's key, for that session, and say [`Input::CertificateRequested`].
    RequestCertificate(AttemptId),
    /// If this is a later certificate of this device's authority, for this device and its key, put it in the place of the
    /// present one, durably; whatever is dialled from then on shows it. Say [`Input::CertificateKept`].
    KeepCertificate(AttemptId, Vec<u8>),
    /// Beside everything else, ask for these names' addresses, and remember the answers.
    Resolve(Vec<String>),
    /// For the log and whoever watches.
    Note(Happening),
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// An attempt ended without a session.
    AttemptFailed(EntryFailure),
    /// A server registered the device.
    Connected(Connected),
    /// A better server has been there for long enough.
    GoingBack(ServerEntry),
    /// The device leaves its server for this one.
    Moving(ServerEntry),
    /// The session is over.
    Lost(ServerEntry, String),
    /// Nothing is dialled for so long.
    Waiting(Duration),
    /// A list is in the inactive slot.
    Staged(ListVersion),
    /// A command about lists was not followed.
    Refused(ListVersion, String),
    /// A list is being tried.
    TrialStarted(ListVersion),
    /// A list is kept.
    Committed(ListVersion),
    /// A trial was given up.
    RolledBack(Rollback),
    /// That list is not tried again.
    Quarantined(ListHash),
    /// The state could not be written.
    NotPersisted,
    /// The device has another certificate.
    Renewed(CertificateLife),
    /// It asked for one, and has none.
    NotRenewed(String),
}

/// What a device is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Waiting to dial.
    Waiting,
    /// Dialling or registering.
    Dialling(ServerEntry),
    /// Registered.
    Connected(Connected),
    /// Switched off.
    Stopped,
}

/// A session, as seen from the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The entry it runs over.
    pub entry: ServerEntry,
    /// The server.
    pub server_id: String,
    /// Its name, for people.
    pub server_name: String,
    /// Its role when it registered the device.
    pub role: Role,
    /// Its epoch then.
    pub epoch: Epoch,
    /// Its clock then, milliseconds since 1970 UTC.
    pub server_time_unix_ms: u64,
}
