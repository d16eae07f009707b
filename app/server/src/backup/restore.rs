//! Restoring a backup or a kept copy: everything is checked before anything of it counts.

use super::{BackupError, BackupFile, BackupManifest, FORMAT, MANIFEST, MANIFEST_MAX, RestoredCopy, copy_hashed};
use crate::{
    cluster::roles::Roles,
    data_folder::{DataFolder, read_identity},
    db::{DatabasePlace, Schema, check_kept_copy, find_kept_copy, put_copy_in_place, survey},
    durable,
    keys::Keys,
};
use model::Role;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown},
    path::{Path, PathBuf},
};
use tar::{Archive, Entry};

/// Where it is unpacked; what is in it counts for nothing.
const WORK: &str = "restoring";
/// The last file to be put in its place: with it there is a server.
const LAST: &str = "server.json";
const KEYS: &str = "keys";

/// Makes the server of the backup `file` in the folder `data`, which must be empty or absent. It starts read-only: what came
/// after the backup may be with another server.
///
/// # Errors
///
/// The folder is in use or not empty, the backup is not whole, or the disk's; then the folder is as empty as before.
pub async fn restore(file: &Path, data: &Path) -> Result<BackupManifest, BackupError> {
    let failed = |error| BackupError::File(data.to_owned(), error);
    let owner = fs::metadata(data).ok().map(|folder| (folder.uid(), folder.gid()));
    if data.exists() && fs::read_dir(data).map_err(failed)?.next().is_some() {
        return Err(BackupError::NotEmpty(data.to_owned()));
    }
    let folder = DataFolder::open(data)?;
    let work = data.join(WORK);
    let restored = unpack_and_check(file, &work).await;
    let settled = restored.and_then(|manifest| settle(&work, data, owner).map(|()| manifest).map_err(failed));
    if settled.is_err() {
        let _ = fs::remove_dir_all(&work);
        let _ = fs::remove_file(data.join("lock"));
    }
    drop(folder);
    settled
}

/// Puts the kept copy of this name in the place of the records of the server in `data`, which are kept in its archive. The
/// server must not run; it starts read-only.
///
/// # Errors
///
/// The folder is in use or holds no server, there is no such copy, something is wrong with it, or the disk's.
pub async fn restore_copy(data: &Path, name: &str) -> Result<RestoredCopy, BackupError> {
    let failed = |error| BackupError::File(data.to_owned(), error);
    let identity = read_identity(data)?.ok_or_else(|| BackupError::NoServer(data.to_owned()))?;
    let role = Roles::load(data).map_err(failed)?.ok_or_else(|| BackupError::NoServer(data.to_owned()))?;
    let _folder = DataFolder::open(data)?;
    let copy = find_kept_copy(data, name).map_err(failed)?.ok_or_else(|| BackupError::NoCopy(name.to_owned()))?;
    let facts = check_kept_copy(&copy, &identity.installation_id).await?;
    // A server without a role that fits its records must never be met: where it writes them the role goes first, where it
    // has none of its own the records do.
    let (restored, own) = (role.clone().restored(), role.role != Role::Standby);
    if own {
        Roles::save(data, &restored).map_err(failed)?;
    }
    let archive = put_copy_in_place(data, &copy).await?;
    if !own {
        Roles::save(data, &restored).map_err(failed)?;
    }
    if rustix::process::geteuid().is_root() {
        let owner = fs::metadata(data).map_err(failed)?;
        give(data, owner.uid(), owner.gid()).map_err(failed)?;
    }
    Ok(RestoredCopy {
        server_name: identity.server_name,
        change: facts.change,
        described: copy.manifest.is_some(),
        archive,
    })
}

async fn unpack_and_check(file: &Path, work: &Path) -> Result<BackupManifest, BackupError> {
    let (from, to) = (file.to_owned(), work.to_owned());
    let unpacked = tokio::task::spawn_blocking(move || unpack(&from, &to)).await;
    let manifest = unpacked.map_err(|error| BackupError::File(file.to_owned(), io::Error::other(error)))??;
    let identity = read_identity(work)?.ok_or_else(|| damaged("server.json is missing"))?;
    let keys = Keys::load(work)?.ok_or_else(|| damaged("the keys are missing"))?;
    let named = (&*manifest.installation_id, &*manifest.server_id);
    let of_keys = (keys.authority().installation_id(), keys.server_id());
    if (&*identity.installation_id, &*identity.server_id) != named || of_keys != named {
        return Err(damaged("its parts are of different servers"));
    }
    let role = Roles::load(work).ok().flatten().ok_or_else(|| damaged("role.json is missing or unreadable"))?;
    if role.is_active_at_heart() {
        let failed = |error| BackupError::File(work.to_owned(), error);
        Roles::save(work, &role.restored()).map_err(failed)?;
    }
    let surveyed = survey(work, DatabasePlace::Own, false).await?;
    if surveyed.is_none() && !manifest.database_elsewhere {
        return Err(damaged("the records are missing"));
    }
    let surveyed = surveyed.unwrap_or_default();
    for file in surveyed.files {
        if let Some(damage) = file.damage {
            return Err(BackupError::Damaged(damage));
        }
        if let Schema::Newer(version) = file.schema {
            let text = format!("its schema version {version} is of a newer program: restore it with that one");
            return Err(BackupError::Damaged(text));
        }
    }
    Ok(manifest)
}

/// Unpacks what the manifest names, and nothing else.
fn unpack(file: &Path, work: &Path) -> Result<BackupManifest, BackupError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| BackupError::File(path, error)
    };
    let mut archive = Archive::new(File::open(file).map_err(at(file))?);
    let mut entries = archive.entries().map_err(|error| damaged(&error.to_string()))?;
    let manifest = manifest_of(entries.next())?;
    durable::make_folder(&work.join(KEYS)).map_err(at(work))?;
    for part in &manifest.files {
        let place = place_of(work, &part.path)?;
        let mut entry = match entries.next() {
            Some(Ok(entry)) => entry,
            Some(Err(error)) => return Err(damaged(&error.to_string())),
            None => return Err(damaged(&format!("{} is missing", part.path))),
        };
        if entry.path_bytes() != part.path.as_bytes() {
            return Err(damaged(&format!("{} is not where it should be", part.path)));
        }
        write_part(&mut entry, &place, part)?;
    }
    match entries.next() {
        None => Ok(manifest),
        Some(_) => Err(damaged("it holds more than its manifest says")),
    }
}

fn manifest_of(entry: Option<io::Result<Entry<'_, File>>>) -> Result<BackupManifest, BackupError> {
    let entry = match entry {
        Some(Ok(entry)) if entry.path_bytes() == MANIFEST.as_bytes() => entry,
        Some(Err(error)) => return Err(damaged(&error.to_string())),
        Some(Ok(_)) | None => return Err(damaged("it does not begin with a manifest")),
    };
    let mut text = Vec::new();
    entry.take(MANIFEST_MAX).read_to_end(&mut text).map_err(|error| damaged(&error.to_string()))?;
    // A newer manifest may have other fields.
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| damaged(&error.to_string()))?;
    match value["format"].as_u64().and_then(|format| u32::try_from(format).ok()) {
        Some(newer) if newer > FORMAT => Err(BackupError::Newer(newer)),
        _ => serde_json::from_value(value).map_err(|error| damaged(&error.to_string())),
    }
}

/// A name that this program would have given, in the folder of work.
fn place_of(work: &Path, path: &str) -> Result<PathBuf, BackupError> {
    let name = path.strip_prefix("keys/").unwrap_or(path);
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if plain && !name.starts_with('.') { Ok(work.join(path)) } else { Err(damaged(&format!("it names {path:?}"))) }
}

fn write_part(entry: &mut Entry<'_, File>, place: &Path, part: &BackupFile) -> Result<(), BackupError> {
    let failed = |error| BackupError::File(place.to_owned(), error);
    let mut writer = OpenOptions::new().write(true).create_new(true).mode(0o600).open(place).map_err(failed)?;
    let (sha256, size) =
        copy_hashed(entry, &mut writer).map_err(|error| damaged(&format!("{}: {error}", part.path)))?;
    if (size, &sha256) != (part.size, &part.sha256) {
        return Err(damaged(&format!("{} is not what it was", part.path)));
    }
    writer.sync_all().map_err(failed)
}

/// Gives everything its place; the owner of a folder that root was told to fill stays its owner.
fn settle(work: &Path, data: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    let mut names: Vec<_> = fs::read_dir(work)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    // SQLite's files of the look that was taken.
    names.retain(|name| !name.to_str().is_some_and(|name| name.ends_with("-shm") || name.ends_with("-wal")));
    names.sort_by_key(|name| name == LAST);
    if let Some((user, group)) = owner.filter(|_| rustix::process::geteuid().is_root()) {
        give(work, user, group)?;
        chown(data.join("lock"), Some(user), Some(group))?;
    }
    for name in names {
        durable::rename(&work.join(&name), &data.join(&name))?;
    }
    fs::remove_dir_all(work)
}

fn give(path: &Path, user: u32, group: u32) -> io::Result<()> {
    chown(path, Some(user), Some(group))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user, group)?;
        }
    }
    Ok(())
}

fn damaged(what: &str) -> BackupError {
    BackupError::Damaged(what.to_owned())
}
