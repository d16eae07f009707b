//! The server's side: sessions, the registry of who is connected, and the safe push.

mod directory;
mod handle;

pub use directory::{
    Admission, Directory, EnrolDecision, Enrolment, Identity, KeyFingerprint, Progress, Refusal, Registration, SessionId,
};
pub use handle::Handle;
