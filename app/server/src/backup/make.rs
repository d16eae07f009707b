//! Making a backup, beside a server that runs or without one.

use super::{BackupError, BackupFile, BackupManifest, FORMAT, MANIFEST};
use crate::{
    clock::Clock,
    cluster::roles::Roles,
    data_folder::read_identity,
    db::{DATABASE_FILE, DatabasePlace, LOCAL_FILE, snapshot},
    durable,
    keys::Keys,
};
use model::Role;
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use tar::{Builder, EntryType, Header};

/// Files that are copied as they are, if they are there; each is replaced in one step whenever it changes.
const PLAIN: [&str; 5] = ["server.json", "role.json", "start.json", "peers.json", "quorum.json"];
const KEYS: &str = "keys";

/// Writes everything that the server in `data` is, with its database from its place, into the new file `target`, readable by this user alone.
///
/// # Errors
///
/// There is no server, it is a standby, something of it cannot be read, or the file cannot be written.
pub async fn make(
    data: &Path,
    place: DatabasePlace<'_>,
    target: &Path,
    clock: &Clock,
) -> Result<BackupManifest, BackupError> {
    let identity = read_identity(data)?.ok_or_else(|| BackupError::NoServer(data.to_owned()))?;
    let role = Roles::load(data).map_err(|error| BackupError::File(data.to_owned(), error))?;
    if role.is_none_or(|role| role.role == Role::Standby) {
        return Err(BackupError::Standby);
    }
    // What could not be restored must not look like a backup.
    Keys::load(data)?.ok_or_else(|| BackupError::NoServer(data.to_owned()))?;
    if target.exists() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let beside = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error| BackupError::File(beside.to_owned(), error);
    let work = tempfile::Builder::new().prefix(".portal-backup-").tempdir_in(beside).map_err(failed)?;
    let mut parts: Vec<(String, PathBuf)> = Vec::new();
    let database = match place {
        DatabasePlace::Own => Some(data.join(DATABASE_FILE)),
        DatabasePlace::Shared(file) => Some(file.to_owned()),
        DatabasePlace::Server(_) => None,
    };
    let database_elsewhere = database.is_none();
    let database = database.map(|database| (DATABASE_FILE, database));
    for (name, database) in database.into_iter().chain([(LOCAL_FILE, data.join(LOCAL_FILE))]) {
        let copy = work.path().join(name);
        snapshot(&database, &copy).await?;
        parts.push((name.to_owned(), copy));
    }
    parts.extend(plain_files(data).map_err(|error| BackupError::File(data.to_owned(), error))?);
    let (mut manifest, target) = (
        BackupManifest {
            format: FORMAT,
            made_at: clock.now_text(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            installation_id: identity.installation_id,
            server_id: identity.server_id,
            server_name: identity.server_name,
            database_elsewhere,
            files: Vec::new(),
        },
        target.to_owned(),
    );
    // Files of any size are read twice, which is no work for the threads that serve.
    let written = tokio::task::spawn_blocking(move || {
        let archive = work.path().join("archive");
        manifest.files = hashed(&parts)?;
        write(&archive, &manifest, &parts).map_err(|error| BackupError::File(target.clone(), error))?;
        durable::rename(&archive, &target).map_err(|error| BackupError::File(target.clone(), error))?;
        Ok(manifest)
    });
    written.await.map_err(|error| BackupError::File(data.to_owned(), io::Error::other(error)))?
}

fn plain_files(data: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let there = PLAIN.iter().map(|name| ((*name).to_owned(), data.join(name))).filter(|(_, file)| file.exists());
    let mut files: Vec<_> = there.collect();
    for entry in fs::read_dir(data.join(KEYS))? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str() {
            files.push((format!("{KEYS}/{name}"), entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

fn hashed(parts: &[(String, PathBuf)]) -> Result<Vec<BackupFile>, BackupError> {
    let hash = |(path, file): &(String, PathBuf)| {
        let (sha256, size) = durable::hash_of(file).map_err(|error| BackupError::File(file.clone(), error))?;
        Ok(BackupFile { path: path.clone(), size, sha256 })
    };
    parts.iter().map(hash).collect()
}

fn write(archive: &Path, manifest: &BackupManifest, parts: &[(String, PathBuf)]) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(archive)?;
    let mut tar = Builder::new(file);
    let text = serde_json::to_vec_pretty(manifest)?;
    tar.append_data(&mut header(text.len() as u64), MANIFEST, text.as_slice())?;
    for ((path, file), part) in parts.iter().zip(&manifest.files) {
        tar.append_data(&mut header(part.size), path, File::open(file)?)?;
    }
    tar.into_inner()?.sync_all()
}

fn header(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o600);
    header.set_size(size);
    header
}
