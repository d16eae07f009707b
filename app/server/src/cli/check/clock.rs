//! The machine's clock, measured by what was written earlier.

use super::{Scene, report::Finding};
use crate::{
    clock::text_of,
    db::{DATABASE_FILE, LOCAL_FILE},
};
use std::fs;
use time::{Duration, OffsetDateTime};

/// Clocks that agree differ by less.
const TOLERANCE: Duration = Duration::seconds(120);
/// This program is younger than any time before: 2026.
const PROGRAM_UNIX_S: i64 = 1_767_225_600;

/// The clock has not gone back, and is not that of a machine that lost its battery.
pub(super) fn sane(scene: &Scene) -> Finding {
    let check = "clock";
    let now = scene.now;
    let advice = "set this machine's clock and keep it set (NTP): certificates, sign-ins and events depend on it";
    if now.unix_timestamp() < PROGRAM_UNIX_S {
        return Finding::error(
            check,
            format!("it is {} here, before this program was written: {advice}", text_of(now)),
        );
    }
    let files = [DATABASE_FILE, LOCAL_FILE, "server.json"].map(|name| scene.config.data.join(name));
    let newest =
        files.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok()).max().map(OffsetDateTime::from);
    match newest {
        Some(newest) if newest - now > TOLERANCE => {
            let words =
                format!("files here were written at {}, and it is {} now: {advice}", text_of(newest), text_of(now));
            Finding::error(check, words)
        }
        _ => Finding::ok(check, format!("{} UTC", text_of(now))),
    }
}
