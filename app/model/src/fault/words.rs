//! Faults in words. Nothing else makes English of a fault, so that there is one place to read, to mend and to translate.

mod rules;

use super::{DeviceObstacle, Fault, Malformed, Missing, ServerObstacle, StorageTrouble, WrongState};
use crate::{RolloutState, RolloutVerb};
use std::fmt::{Display, Formatter, Result};

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::NotSignedIn => f.write_str("Sign in first."),
            Self::WrongPassword => f.write_str("Wrong login or password."),
            Self::PasswordChangeRequired => f.write_str(
                "Choose a password of your own first: \
                 PUT /api/v1/operators/me/password {\"login\", \"current_password\", \"new_password\"}.",
            ),
            Self::TooManyAttempts { retry_after_s } => {
                write!(f, "Too many wrong passwords. Try again in {retry_after_s} seconds.")
            }
            Self::Forbidden => f.write_str("Your role does not allow this."),
            Self::ForeignOrigin => f.write_str("This request was caused by a page of another site."),
            Self::NotFound(missing) => write!(f, "There is no {missing}."),
            Self::MethodNotAllowed => f.write_str("This resource does not have that method."),
            Self::Invalid { errors } => match errors.as_slice() {
                [only] => only.rule.fmt(f),
                many => write!(f, "{} fields need attention.", many.len()),
            },
            Self::Conflict { revision, by } => write!(
                f,
                "{by} saved revision {revision} while you were editing. Nothing of yours was saved; look at the new list \
                 and apply your change again."
            ),
            Self::RevisionRequired => f.write_str("Say which revision the edit is based on (If-Match)."),
            Self::WrongState(state) => state.fmt(f),
            Self::NotActive { active } => {
                write!(f, "This server is standby and changes nothing. Make the change on {active}.")
            }
            Self::StorageUnavailable(trouble) => write!(f, "The database cannot be used right now. {trouble}"),
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::TooLarge => f.write_str("The body is larger than 64 KiB."),
            Self::Internal => f.write_str("Something went wrong in the server. Its log has the details."),
        }
    }
}

/// As it follows "There is no".
impl Display for Missing {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Device { device } => write!(f, "device {device}"),
            Self::DeviceText { text } => write!(f, "device {text}"),
            Self::Revision { device, revision } => write!(f, "revision {revision} of device {device}"),
            Self::RevisionText { device, text } => write!(f, "revision {text} of device {device}"),
            Self::Rollout { rollout } => write!(f, "rollout {rollout}"),
            Self::RolloutText { text } => write!(f, "rollout {text}"),
            Self::WaitingDevice { device } => write!(f, "waiting device {device}"),
            Self::WaitingKey => f.write_str("such waiting device"),
            Self::Drill { drill } => write!(f, "drill {drill}"),
            Self::Server { server } => write!(f, "server {server}"),
            Self::Newcomer { fingerprint } => {
                write!(f, "server with the fingerprint {fingerprint} that asks to join")
            }
            Self::Operator { login } => write!(f, "operator {login}"),
            Self::Resource { path } => write!(f, "resource {path}"),
            Self::Page { path } => write!(f, "page {path}"),
        }
    }
}

impl Display for Malformed {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Query { because } | Self::Arguments { because } => f.write_str(&stopped(because)),
            Self::IfMatch => {
                f.write_str("If-Match must be the ETag of the list that the edit is based on, for example \"7\".")
            }
            Self::ContentType => f.write_str("Send the body as JSON, with Content-Type: application/json."),
            Self::BodyCutOff => f.write_str("The body ended early."),
            Self::NotJson { because } => write!(f, "The body is not JSON: {}", stopped(because)),
            Self::NotAnObject => f.write_str("The body must be a JSON object."),
            Self::FormWithoutDevices => f.write_str("The form does not say for which devices."),
            Self::OrderWithoutServer => f.write_str("The order names no server."),
            Self::OwnServerId => f.write_str("Another server claims to be this one."),
        }
    }
}

/// What the administrator can do about it.
impl Display for StorageTrouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::DatabaseLocked => "Another program holds the database file; nothing was saved. Try again.",
            Self::DiskFull => "The disk is full; nothing was saved. Free some space and try again.",
            Self::DatabaseUnusable => "The database cannot be read or written; nothing was saved. The log says why.",
            Self::DatabaseReadOnly => "The database can only be read here; nothing was saved.",
            Self::DatabaseOtherLine => {
                "The database server was promoted or restored by other hands; nothing was saved. See the Servers page."
            }
            Self::NoDatabaseFile => "The database is on a database server: no copies are made of it.",
            Self::RoleNotWritten => {
                "The server's role could not be written to its data folder; nothing was changed. The log says why."
            }
            Self::SessionEndNotWritten => "The end of a session could not be written; the log says why.",
            Self::NoRecords => {
                "This server has no records: it waits for the lease on the shared database, or for a copy from the \
                 server that holds it, and serves nobody until then."
            }
        })
    }
}

impl Display for WrongState {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Server(obstacle) => obstacle.fmt(f),
            Self::Device(obstacle) => obstacle.fmt(f),
            Self::LastOperator { login } => write!(f, "{login} is the only operator. Add another one first."),
        }
    }
}

impl Display for ServerObstacle {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let text: &str = match self {
            Self::NoAnswer => "The server does not answer. Nothing was changed as far as this page knows; try again.",
            Self::GatewayNotListening => "The device gateway does not listen yet.",
            Self::PeersNotListening => "This server does not listen for other servers yet.",
            Self::OtherServer { server } => return write!(f, "Do this in the portal of {server} itself."),
            Self::DrainElsewhere => "Only a server itself can drain its devices: do this in its own portal.",
            Self::Draining => "This server is draining already.",
            Self::NowhereToGo => "No other server of the installation answers: the devices would have nowhere to go.",
            Self::OwnServer => "This server cannot remove itself.",
            Self::ServerAnswers { server } => return write!(f, "{server} answers. Stop it first."),
            Self::AlreadyActive { server } => return write!(f, "{server} is the active server already."),
            Self::ActiveServerAnswers { active } => {
                return write!(
                    f,
                    "{active} is active and answers. Let this server become its standby first, on the Servers page or \
                     with `portal rejoin`: that keeps what only this server has written. Then it can be made active."
                );
            }
            Self::DatabaseNotFollowing { active } => {
                return write!(
                    f,
                    "The database here does not follow that of {active}, which is active and answers. Make it a replica \
                     first; or stop {active}, and say so here."
                );
            }
            Self::RoleNotHandedOver { active, because } => {
                return write!(f, "{active} could not hand its role over: {}", stopped(because));
            }
            Self::RoleNotGiven => "The role was not given to this server, or was taken.",
            Self::LeaseDecides => "Both servers use one database file: the lease on it decides which server is active.",
            Self::SharedDatabase => {
                "Both servers use one database file; a copy is only what the standby reads meanwhile."
            }
            Self::SharedDatabaseNotOpened { because } => {
                return write!(f, "The shared database cannot be opened here: {}", stopped(because));
            }
            Self::RejoinNotNeeded => {
                "Only a server that was active before, or was restored, and is read-only now has to join again."
            }
            Self::NoActiveServer => "No active server answers. Start it, or make this server active again.",
            Self::CopyNotArrived { active, because } => {
                return write!(f, "The copy of {active} did not arrive: {}", stopped(because));
            }
            Self::CopyUnusable { because } => return write!(f, "The copy cannot be used: {}", stopped(because)),
            Self::DatabaseNotKept { because } => {
                let because = stopped(because);
                return write!(
                    f,
                    "Nothing was changed, because what the database here holds could not be kept: {because}"
                );
            }
            Self::WritesHeld => "Writes are held already.",
        };
        f.write_str(text)
    }
}

impl Display for DeviceObstacle {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let text: &str = match self {
            Self::DeviceNotConnected => "The device is not connected.",
            Self::DeviceLost => "The device is not connected, or was lost before it answered.",
            Self::FirmwareTooOld => "The device's firmware does not know how to do this.",
            Self::DeviceSilent => "The device did not answer in time.",
            Self::DeviceRefused { because } => return write!(f, "The device did not do it: {}", stopped(because)),
            Self::OrderFailed { server, because } => {
                return write!(f, "{server}, which holds the device: {}", stopped(because));
            }
            Self::ServersBeingChanged => "The device's servers are being changed right now.",
            Self::NothingToCancel => "There is nothing to cancel: no change is waiting for the device.",
            Self::TooLateToCancel => "There is nothing to cancel: the device is trying this list already.",
            Self::DecidedMeanwhile => "Somebody else decided on this device just now.",
            Self::AcceptedAlready => "This device was accepted already.",
            Self::RejectedAlready => "This device was rejected already.",
            Self::SeveralClaims { device, claims } => {
                return write!(
                    f,
                    "{claims} waiting devices claim to be device {device}. Compare their keys under Waiting Device."
                );
            }
            Self::NotAcceptable { because } => {
                return write!(f, "This device cannot be accepted: {}", stopped(because));
            }
            Self::RolloutState { rollout, verb, state } => {
                return write!(f, "Rollout {rollout} cannot be {}: {}.", done(*verb), why(*state));
            }
            Self::RollbackRunning { rollout, rolled_back_by } => {
                return write!(f, "Rollout {rollout} is being rolled back already, by rollout {rolled_back_by}.");
            }
            Self::NothingToRollBack { rollout } => {
                return write!(f, "No device keeps what rollout {rollout} gave it: there is nothing to roll back.");
            }
            Self::DrillRunning => "A drill runs on this server already.",
            Self::DrillNotRunning => "This drill does not run on this server.",
        };
        f.write_str(text)
    }
}

fn done(verb: RolloutVerb) -> &'static str {
    match verb {
        RolloutVerb::Pause => "paused",
        RolloutVerb::Resume => "resumed",
        RolloutVerb::Abort => "aborted",
        RolloutVerb::Rollback => "rolled back",
    }
}

fn why(state: RolloutState) -> &'static str {
    match state {
        RolloutState::Running => "it is running",
        RolloutState::Paused => "it is paused",
        RolloutState::Stopped => "it has stopped by itself",
        RolloutState::Finished => "it has finished",
        RolloutState::Aborted => "it was aborted",
    }
}

/// Somebody else's words, with a full stop.
fn stopped(words: &str) -> String {
    let stop = if words.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{words}{stop}")
}
