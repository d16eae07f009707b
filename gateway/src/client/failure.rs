//! What an attempt or a connection ended with, in the words of the wire.

use crate::{
    tls::{TlsFailure, failure_of},
    wire::FailureKind,
};
use std::io;

/// What it was, and for people.
pub(super) type Failure = (FailureKind, String);

/// What a failed connection is called.
pub(super) fn failure(error: &io::Error) -> Failure {
    let kind = match failure_of(error) {
        Some(TlsFailure::ForeignInstallation) => FailureKind::ForeignInstallation,
        Some(TlsFailure::RefusedByServer(_)) => FailureKind::NotAdmitted,
        Some(TlsFailure::Certificate(_) | TlsFailure::Protocol(_)) => FailureKind::Tls,
        None => kind_of(error.kind()),
    };
    (kind, error.to_string())
}

fn kind_of(kind: io::ErrorKind) -> FailureKind {
    use io::ErrorKind as Kind;
    let cut_off = [Kind::NetworkUnreachable, Kind::HostUnreachable, Kind::NetworkDown, Kind::AddrNotAvailable];
    if kind == Kind::ConnectionRefused {
        FailureKind::Refused
    } else if kind == Kind::TimedOut {
        FailureKind::TimedOut
    } else if cut_off.contains(&kind) {
        FailureKind::Unreachable
    } else {
        FailureKind::Closed
    }
}
