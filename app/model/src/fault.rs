//! What can go wrong, as every interface tells it: a code, parameters, and words that are made in one place.

mod codes;
mod malformed;
mod missing;
mod rule;
mod rule_accounts;
mod rule_choices;
mod rule_lists;
mod storage_trouble;
#[cfg(test)]
mod tests;
mod words;
mod wrong_state;

pub use malformed::Malformed;
pub use missing::Missing;
pub use rule::{FieldError, Rule};
pub use rule_accounts::AccountRule;
pub use rule_choices::ChoiceRule;
pub use rule_lists::ListRule;
pub use storage_trouble::StorageTrouble;
pub use wrong_state::{DeviceObstacle, ServerObstacle, WrongState};

use codes::codes;
use serde::{Deserialize, Serialize};

/// Why a request was not carried out. Its words are its [`Display`](std::fmt::Display).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// Nobody is signed in, or the sign-in has run out.
    NotSignedIn,
    /// Login and password do not belong together.
    WrongPassword,
    /// The generated password must be changed before anything else.
    PasswordChangeRequired,
    /// Too many wrong passwords.
    TooManyAttempts {
        /// Seconds until the next try counts.
        retry_after_s: u64,
    },
    /// The operator's role does not allow it.
    Forbidden,
    /// Another site's page made a browser send this.
    ForeignOrigin,
    /// There is no such thing.
    NotFound(Missing),
    /// The resource is there, and has no such method.
    MethodNotAllowed,
    /// Fields broke rules.
    Invalid {
        /// Each of them.
        errors: Vec<FieldError>,
    },
    /// Somebody else changed it first.
    Conflict {
        /// The revision that stands now.
        revision: u64,
        /// Who made it.
        by: String,
    },
    /// An edit without saying what it is based on.
    RevisionRequired,
    /// It cannot be done in the state things are in.
    WrongState(WrongState),
    /// This server is standby: it reads and collects, but changes nothing.
    NotActive {
        /// The active server's name.
        active: String,
    },
    /// The disk is full, the database locked or gone.
    StorageUnavailable(StorageTrouble),
    /// The request could not be read.
    Malformed(Malformed),
    /// The body is larger than any that makes sense.
    TooLarge,
    /// A defect of this program; its log has the details.
    Internal,
}

codes!(Fault {
    NotSignedIn = "not-signed-in",
    WrongPassword = "wrong-password",
    PasswordChangeRequired = "password-change-required",
    TooManyAttempts = "too-many-attempts",
    Forbidden = "forbidden",
    ForeignOrigin = "foreign-origin",
    NotFound = "not-found",
    MethodNotAllowed = "method-not-allowed",
    Invalid = "invalid",
    Conflict = "conflict",
    RevisionRequired = "revision-required",
    NotActive = "not-active",
    Malformed = "malformed",
    TooLarge = "too-large",
    Internal = "internal",
} within {
    WrongState(WrongState),
    StorageUnavailable(StorageTrouble),
});

impl Fault {
    /// A single field that broke a rule.
    #[must_use]
    pub fn field(field: impl Into<String>, rule: impl Into<Rule>) -> Self {
        Self::Invalid { errors: vec![FieldError::new(field, rule)] }
    }

    /// The fields that broke rules; none of another fault.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        if let Self::Invalid { errors } = self { errors } else { &[] }
    }

    /// The HTTP status that goes with it, over every interface.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::NotSignedIn | Self::WrongPassword => 401,
            Self::PasswordChangeRequired | Self::Forbidden | Self::ForeignOrigin => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed => 405,
            Self::WrongState(_) => 409,
            Self::Conflict { .. } => 412,
            Self::TooLarge => 413,
            Self::Invalid { .. } => 422,
            Self::RevisionRequired => 428,
            Self::TooManyAttempts { .. } => 429,
            Self::Internal => 500,
            Self::NotActive { .. } | Self::StorageUnavailable(_) => 503,
        }
    }
}

impl std::error::Error for Fault {}

impl From<Missing> for Fault {
    fn from(missing: Missing) -> Self {
        Self::NotFound(missing)
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<StorageTrouble> for Fault {
    fn from(trouble: StorageTrouble) -> Self {
        Self::StorageUnavailable(trouble)
    }
}

impl From<WrongState> for Fault {
    fn from(state: WrongState) -> Self {
        Self::WrongState(state)
    }
}

impl From<ServerObstacle> for Fault {
    fn from(obstacle: ServerObstacle) -> Self {
        Self::WrongState(WrongState::Server(obstacle))
    }
}

impl From<DeviceObstacle> for Fault {
    fn from(obstacle: DeviceObstacle) -> Self {
        Self::WrongState(WrongState::Device(obstacle))
    }
}
