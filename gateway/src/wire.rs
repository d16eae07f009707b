//! The wire: length-prefixed protobuf outside, strict types inside.
//!
//! Whatever arrives is parsed once, here, into a [`Message`]; the rest of the crate never sees an unchecked field.
//! Nothing in this module reads a clock, a socket or a random source.

mod address;
mod entries;
mod event;
mod frame;
mod list;
mod message;
mod proto;

pub use address::{Address, AddressError};
pub use entries::{Entries, EntriesError, EntryField, MAX_ENTRIES, ServerEntry};
pub use event::{
    DETAIL_BYTES_MAX, EVENT_ID_MAX, Event, EventUpload, MAX_UPLOAD_EVENTS, MAX_UPLOADS_OPEN, RingId, RingSpan,
    SERVER_CONNECTED, SERVER_DISCONNECTED, USER_ID_BYTES_MAX, event_text,
};
pub use frame::{ALPN, FrameCodec, FrameError, MAX_FRAME_BYTES, PROTOCOL_VERSION};
pub use list::{ListHash, ListVersion, ServerList};
pub use message::{
    DeviceId, DeviceInfo, Enrol, Enrolled, EntryFailure, Epoch, FailureKind, Goodbye, Hello, IpConfig, Message, Reason,
    Registered, Role, Rollback, RollbackCause, SerialConfig,
};
