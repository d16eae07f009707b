//! The server's side: sessions, the registry of who is connected, and the safe push.
//!
//! The rules stand in `session` and `registry`, without time, sockets or tasks of their own. Around them: one task
//! that accepts, one for each connection, and a [`Directory`] that knows the devices.

mod connection;
mod directory;
mod inbox;
mod line;
mod listener;
pub(crate) mod load;
mod orders;
mod pressure;
pub(crate) mod registry;
mod renewal;
pub(crate) mod session;
mod settings;

pub use crate::enrolment::KeyFingerprint;
pub use directory::{
    Admission, Directory, EnrolDecision, Enrolment, Identity, Progress, Refusal, Registration, Renewal, SessionId,
};
pub use listener::{Handle, bind, start};
pub use load::Tally;
pub use orders::OrderError;
pub use settings::{Settings, Waves};
