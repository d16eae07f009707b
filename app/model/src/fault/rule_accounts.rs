//! Rules about operators, passwords and what only administrators do.

use super::codes::codes;
use serde::{Deserialize, Serialize};

/// What an administrator's input has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum AccountRule {
    /// What a login is made of.
    Login,
    /// An operator has that login.
    LoginTaken,
    /// The audit trail uses that login.
    LoginReserved,
    /// A password is too short.
    ShortPassword {
        /// The least characters.
        least: usize,
    },
    /// A password is too long.
    LongPassword {
        /// The most bytes.
        most: usize,
    },
    /// It is not the current password.
    CurrentPassword,
    /// The new password is the current one.
    SamePassword,
    /// The new password was not typed twice the same.
    PasswordAgain,
    /// The name of this server confirms.
    Confirm {
        /// That name.
        server: String,
    },
    /// The other server does not answer, and nobody says how it was stopped.
    NoAccount,
    /// An account is one line.
    OneLine {
        /// The most characters.
        most: usize,
    },
    /// For how long writes can be held.
    HoldSeconds {
        /// The most.
        most: u64,
    },
    /// For how many devices a provisioning string is good.
    Uses,
    /// How long a provisioning string lives, in seconds.
    Lifetime,
    /// The same as the form asks for it.
    FormUses,
    /// The same in hours, as the form asks for it.
    FormHours,
}

codes!(AccountRule {
    Login = "login",
    LoginTaken = "login-taken",
    LoginReserved = "login-reserved",
    ShortPassword = "short-password",
    LongPassword = "long-password",
    CurrentPassword = "current-password",
    SamePassword = "same-password",
    PasswordAgain = "password-again",
    Confirm = "confirm",
    NoAccount = "no-account",
    OneLine = "one-line",
    HoldSeconds = "hold-seconds",
    Uses = "uses",
    Lifetime = "lifetime",
    FormUses = "form-uses",
    FormHours = "form-hours",
});
