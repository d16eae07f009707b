//! The server's side: sessions, the registry of who is connected, and the safe push.

mod directory;
mod handle;

pub use crate::enrolment::KeyFingerprint;
pub use directory::{
    Admission, Directory, EnrolDecision, Enrolment, Identity, Progress, Refusal, Registration, SessionId,
};
pub use handle::Handle;
