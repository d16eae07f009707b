//! What can go wrong, as every interface tells it.

use serde::{Deserialize, Serialize};

/// One field that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's path in the request, for example `entries[0].address`.
    pub field: String,
    /// The rule and an example, for people.
    pub message: String,
}

impl FieldError {
    /// An error at a field.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
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
    /// There is no such thing.
    NotFound {
        /// What was looked for, for example `device 547846062`.
        what: String,
    },
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
    WrongState {
        /// Why, for people.
        reason: String,
    },
    /// This server is standby: it reads and collects, but changes nothing.
    NotActive {
        /// The active server's name.
        active: String,
    },
    /// The disk is full, the database locked or gone.
    StorageUnavailable {
        /// What the administrator can do about it.
        hint: String,
    },
    /// The request could not be read.
    Malformed {
        /// What was wrong with it.
        reason: String,
    },
    /// A defect of this program; its log has the details.
    Internal,
}

impl Fault {
    /// A single field that broke a rule.
    #[must_use]
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { errors: vec![FieldError::new(field, message)] }
    }

    /// The HTTP status that goes with it, over every interface.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } => 400,
            Self::NotSignedIn | Self::WrongPassword => 401,
            Self::PasswordChangeRequired | Self::Forbidden => 403,
            Self::NotFound { .. } => 404,
            Self::WrongState { .. } => 409,
            Self::Conflict { .. } => 412,
            Self::Invalid { .. } => 422,
            Self::RevisionRequired => 428,
            Self::TooManyAttempts { .. } => 429,
            Self::Internal => 500,
            Self::NotActive { .. } | Self::StorageUnavailable { .. } => 503,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSignedIn => f.write_str("Sign in first."),
            Self::WrongPassword => f.write_str("Wrong login or password."),
            Self::PasswordChangeRequired => f.write_str("Choose a password of your own first."),
            Self::TooManyAttempts { retry_after_s } => {
                write!(f, "Too many wrong passwords. Try again in {retry_after_s} seconds.")
            }
            Self::Forbidden => f.write_str("Your role does not allow this."),
            Self::NotFound { what } => write!(f, "There is no {what}."),
            Self::Invalid { errors } => match errors.as_slice() {
                [only] => f.write_str(&only.message),
                many => write!(f, "{} fields need attention.", many.len()),
            },
            Self::Conflict { revision, by } => write!(
                f,
                "{by} saved revision {revision} while you were editing. Nothing of yours was saved; look at the new list and apply your change again."
            ),
            Self::RevisionRequired => f.write_str("Say which revision the edit is based on (If-Match)."),
            Self::WrongState { reason } => f.write_str(reason),
            Self::NotActive { active } => {
                write!(f, "This server is standby and changes nothing. Make the change on {active}.")
            }
            Self::StorageUnavailable { hint } => write!(f, "The database cannot be used right now. {hint}"),
            Self::Malformed { reason } => f.write_str(reason),
            Self::Internal => f.write_str("Something went wrong in the server. Its log has the details."),
        }
    }
}

impl std::error::Error for Fault {}
