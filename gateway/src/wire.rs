//! The wire: length-prefixed protobuf outside, strict types inside.
//!
//! Whatever arrives is parsed once, here, into a [`Message`]; the rest of the crate never sees an unchecked field.
//! Nothing in this module reads a clock, a socket or a random source.

mod address;
mod entries;
mod event;
mod failure;
mod frame;
mod info;
mod list;
mod message;
mod probe;
mod proto;
mod revoked;
mod role;
mod settings;
mod start;

pub use address::{Address, AddressError};
pub use entries::{Entries, EntriesError, EntryField, MAX_ENTRIES, ServerEntry};
pub use event::{
    DETAIL_BYTES_MAX, EVENT_ID_MAX, Event, EventUpload, MAX_UPLOAD_EVENTS, MAX_UPLOADS_OPEN, RingId, RingSpan,
    SERVER_CONNECTED, SERVER_DISCONNECTED, USER_ID_BYTES_MAX, event_text,
};
pub use failure::{EntryFailure, FailureKind, Rollback, RollbackCause};
pub use frame::{ALPN, FrameCodec, FrameError, MAX_FRAME_BYTES, PROTOCOL_VERSION};
pub use info::{DeviceId, DeviceInfo, IpConfig, SerialConfig};
pub use list::{ListHash, ListVersion, MAX_LIST_SEAL_BYTES, ServerList};
pub use message::{Enrol, Enrolled, Goodbye, Hello, Message, Reason, Registered};
pub use probe::{EntryProbe, MAX_PROBES, MoveFailure, ProbeAnswer};
pub(crate) use revoked::remember_revoked;
pub use revoked::{MAX_REVOKED_SERVERS, RevokedServer};
pub use role::{Epoch, Role};
pub use settings::{DayWindow, DeviceSettings, Failback, SettingError};
pub use start::{MAX_START_TOKEN_BYTES, MAX_STARTS, ServerStart, remember_start};
