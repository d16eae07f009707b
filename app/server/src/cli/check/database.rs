//! The records: whole, of a schema that this program knows, and not growing for want of somebody to take them.

use super::{
    Scene,
    report::{Finding, size},
};
use crate::db::{LOCAL_FILE, Schema, StoreError, Surveyed};
use model::Role;
use std::fs;

/// A local database of this size is looked at.
const LOCAL_LARGE: u64 = 1 << 30;
/// A write-ahead log of this size has a reader that does not end.
const LOG_LARGE: u64 = 256 << 20;
/// Events that a standby keeps for the active server.
const EVENTS_MANY: u64 = 100_000;

/// Each database file is whole and readable.
pub(super) fn records(scene: &Scene, survey: &Result<Option<Surveyed>, StoreError>) -> Vec<Finding> {
    let check = "database";
    let survey = match (survey, &scene.identity) {
        (Ok(Some(survey)), _) => survey,
        (Ok(None), None) => return vec![Finding::ok(check, "none yet; the first start makes it")],
        (Ok(None), Some(_)) => {
            let is_standby = scene.role.as_ref().is_some_and(|role| role.role == Role::Standby);
            let words = if is_standby {
                "no copy of the database has arrived yet: start this server while the active one runs"
            } else {
                "there is no biostar2.db although a server lives here: restore it from a backup"
            };
            return vec![Finding::error(check, words)];
        }
        (Err(error), _) => {
            let because = std::error::Error::source(error).map(|source| format!(" ({source})")).unwrap_or_default();
            return vec![Finding::error(check, format!("{error}{because}"))];
        }
    };
    survey
        .files
        .iter()
        .map(|file| {
            let name = file.path.display();
            match (&file.damage, &file.schema) {
                (Some(damage), _) => {
                    Finding::error(check, format!("{name} is damaged ({damage}): stop the server and restore a backup"))
                }
                (None, Schema::Newer(version)) => Finding::error(
                    check,
                    format!("{name} has schema version {version}, which this program does not know: upgrade it"),
                ),
                (None, Schema::Older(version)) => Finding::ok(
                    check,
                    format!("{name} is whole; its schema, version {version}, is brought up to date by the next start"),
                ),
                (None, Schema::Current(version)) => {
                    Finding::ok(check, format!("{name} is whole, schema version {version}"))
                }
            }
        })
        .collect()
}

/// What this server keeps for itself does not grow without end.
pub(super) fn local_database(scene: &Scene) -> Vec<Finding> {
    let check = "local database";
    let Some(survey) = &scene.survey else { return Vec::new() };
    let bytes = |name: &str| fs::metadata(scene.config.data.join(name)).map_or(0, |file| file.len());
    let (local, log) = (bytes(LOCAL_FILE), bytes(&format!("{LOCAL_FILE}-wal")));
    if survey.events_kept_back > EVENTS_MANY {
        let words = format!(
            "{} events wait to be taken over by the active server: see that it answers, or free this server from its role",
            survey.events_kept_back
        );
        return vec![Finding::warning(check, words)];
    }
    if log > LOG_LARGE {
        let words = format!("{LOCAL_FILE}-wal has {}: some program keeps {LOCAL_FILE} open; end it", size(log));
        return vec![Finding::warning(check, words)];
    }
    if local > LOCAL_LARGE {
        let words =
            format!("{LOCAL_FILE} has {}, more than a server of this kind should need: look who writes", size(local));
        return vec![Finding::warning(check, words)];
    }
    vec![Finding::ok(check, format!("{LOCAL_FILE} has {}", size(local)))]
}
