//! The protocol's enumerations, each pair in one place.

use super::generated as pb;
use crate::wire::{FailureKind, Reason, Role, RollbackCause};

/// Pairs a strict enumeration with a generated one. A number this side does not know becomes `$unknown`.
macro_rules! pairs {
    ($encode:ident, $decode:ident, $strict:ident, $wire:ident, $unknown:expr, { $($s:ident => $w:ident),+ $(,)? }) => {
        pub(super) fn $encode(value: $strict) -> i32 {
            match value { $($strict::$s => pb::$wire::$w as i32),+ }
        }

        pub(super) fn $decode(number: i32) -> $strict {
            $(if number == pb::$wire::$w as i32 { return $strict::$s; })+
            $unknown
        }
    };
}

pairs!(encode_reason, decode_reason, Reason, Reason, Reason::Unknown, {
    Unknown => Unknown, ShuttingDown => ShuttingDown, Draining => Draining, Malformed => Malformed,
    Oversized => Oversized, UnsupportedVersion => UnsupportedVersion, UnexpectedMessage => UnexpectedMessage,
    TimedOut => TimedOut, Replaced => Replaced, NotEnrolled => NotEnrolled, Revoked => Revoked,
    WrongIdentity => WrongIdentity, Rejected => Rejected, BadProvisioning => BadProvisioning,
    TryingList => TryingList, Storage => Storage, Removed => Removed,
    Moving => Moving,
});

pairs!(encode_failure, decode_failure, FailureKind, FailureKind, FailureKind::Unknown, {
    Unknown => Unknown, NotTried => NotTried, NameNotFound => NameNotFound, Refused => Refused,
    TimedOut => TimedOut, Unreachable => Unreachable, Tls => Tls, ForeignInstallation => ForeignInstallation,
    NotAdmitted => NotAdmitted, Busy => Busy, Closed => Closed, ServerRevoked => ServerRevoked,
});

pairs!(encode_cause, decode_cause, RollbackCause, RollbackCause, RollbackCause::Unknown, {
    Unknown => Unknown, TimedOut => TimedOut, Restarted => Restarted, FormerFailed => FormerFailed,
});

// A server that does not say what it is changes nothing.
pairs!(encode_role, decode_role, Role, Role, Role::ReadOnly, {
    Active => Active, Standby => Standby, ReadOnly => ReadOnly,
});
