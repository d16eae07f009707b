//! The data folder: who may read it, what it says, how much room there is.

use super::{
    Scene,
    report::{Finding, size},
};
use crate::data_folder::{DataFolderError, read_identity};
use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Less than this is an error, whatever the records need.
const ROOM_MIN: u64 = 64 << 20;
/// Less than this is a warning.
const ROOM_ENOUGH: u64 = 1 << 30;

/// Belongs to the user who looks, and is closed to everybody else.
pub(super) fn modes(scene: &Scene) -> Finding {
    let check = "data-folder";
    let folder = &scene.config.data;
    let metadata = match fs::metadata(folder) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::ok(check, format!("{} is not there yet; the first start makes it", folder.display()));
        }
        Err(error) => return Finding::error(check, format!("{} cannot be looked at: {error}", folder.display())),
    };
    let (user, root) = (rustix::process::geteuid().as_raw(), 0);
    if metadata.uid() != user && user != root {
        let words = format!(
            "{} belongs to user {}, and you are {user}: check as the user who runs the server, or as root",
            folder.display(),
            metadata.uid()
        );
        return Finding::error(check, words);
    }
    let mut wrong = Vec::new();
    open_to_others(folder, metadata.uid(), &mut wrong);
    match wrong.as_slice() {
        [] => Finding::ok(check, format!("{} is closed to other users", folder.display())),
        [first, ..] => {
            let words = format!(
                "{} things in the data folder can be used by others than its owner, {} for one; they hold keys and records: \
                 chown -R {owner} {folder} && chmod -R go= {folder}",
                wrong.len(),
                first.display(),
                owner = metadata.uid(),
                folder = folder.display()
            );
            Finding::error(check, words)
        }
    }
}

/// Others cannot get past a closed folder, but one day it is copied somewhere.
fn open_to_others(path: &Path, owner: u32, wrong: &mut Vec<PathBuf>) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    // The lock is empty; SQLite gives its files the mode that the process's mask leaves.
    let holds_secrets =
        metadata.is_dir() || path.extension().is_some_and(|kind| ["key", "pem"].iter().any(|k| kind == *k));
    if metadata.uid() != owner || (holds_secrets && metadata.mode() & 0o077 != 0) {
        wrong.push(path.to_owned());
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            open_to_others(&entry.path(), owner, wrong);
        }
    }
}

/// `server.json` and `role.json` can be read.
pub(super) fn description(scene: &Scene) -> Finding {
    let check = "description";
    match read_identity(&scene.config.data) {
        Ok(Some(_)) if scene.role.is_none() => {
            Finding::error(check, "role.json is missing or cannot be read: restore it from a backup (portal restore)")
        }
        Ok(Some(identity)) => {
            Finding::ok(check, format!("{} of installation {}", identity.server_name, identity.installation_id))
        }
        Ok(None) => Finding::ok(check, "no server lives here yet"),
        Err(error @ (DataFolderError::Unusable(..) | DataFolderError::InUse(_))) => {
            Finding::error(check, error.to_string())
        }
        Err(error @ (DataFolderError::Damaged(..) | DataFolderError::IdentityMissing(..))) => {
            Finding::error(check, format!("{error} (portal restore)"))
        }
    }
}

/// Room for what the next hours write: the records, a snapshot of them, and the copy to the other server.
pub(super) fn space(scene: &Scene) -> Finding {
    let check = "disk-space";
    let folder = &scene.config.data;
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let free = match rustix::fs::statvfs(existing) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Finding::error(check, format!("{}: {error}", existing.display())),
    };
    let records = scene.survey.as_ref().map_or(0, |survey| survey.bytes);
    let words = |what: &str| {
        format!("{} free on the disk of {}; the records have {}{what}", size(free), folder.display(), size(records))
    };
    if free < ROOM_MIN.max(2 * records) {
        return Finding::error(check, words(": free some, a snapshot of them may not fit and changes will be refused"));
    }
    if free < ROOM_ENOUGH.max(10 * records) {
        return Finding::warning(check, words(": free some, or give the server a larger disk"));
    }
    Finding::ok(check, words(""))
}
