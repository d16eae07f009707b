//! What a database server holds is kept aside before another server's history takes its place there.

use super::{Home, Store, StoreError};
use crate::durable;
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use std::{
    cmp::Reverse,
    env,
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

/// Folder in the data folder.
const ARCHIVE: &str = "archive";
/// Where Debian puts the programs of each version of PostgreSQL.
const PACKAGED: &str = "/usr/lib/postgresql";

/// Why a database could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    /// The disk.
    #[error("the archive cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The program that reads the database.
    #[error("{0} says: {1}")]
    Dump(String, String),
    /// What only this server wrote cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Keeps what is on the database server in a file of the archive, which is the answer: all of it (`.dump`) if this machine
    /// has a `pg_dump`, else what only this server wrote (`.jsonl`), which is in the local database already.
    ///
    /// # Errors
    ///
    /// It is not kept; then nothing has changed.
    pub(crate) async fn archive_cluster(&self) -> Result<PathBuf, NotKept> {
        let Home::Server(server) = &self.home else { return Err(StoreError::NoFile.into()) };
        let mut failed = None;
        for program in dump_programs() {
            let place = free_place(&self.folder, "biostar2", "dump")?;
            match dump(&program, server, &place).await {
                Ok(()) => return Ok(place),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let mut lines = Vec::new();
        for write in self.list_divergent_changes().await? {
            serde_json::to_writer(&mut lines, &write).map_err(io::Error::from)?;
            lines.push(b'\n');
        }
        let place = free_place(&self.folder, "divergent-changes", "jsonl")?;
        durable::write(&place, &lines)?;
        Ok(place)
    }
}

/// A name in the archive that nothing has yet; makes the archive if need be.
pub(crate) fn free_place(folder: &Path, stem: &str, end: &str) -> io::Result<PathBuf> {
    let archive = folder.join(ARCHIVE);
    durable::make_folder(&archive)?;
    let place = (1_u32..).map(|n| archive.join(format!("{stem}-{n}.{end}"))).find(|place| !place.exists());
    Ok(place.unwrap_or_else(|| archive.join(format!("{stem}.{end}"))))
}

/// Every `pg_dump` of this machine, the likeliest first.
fn dump_programs() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut packaged: Vec<PathBuf> =
        fs::read_dir(PACKAGED).into_iter().flatten().flatten().map(|version| version.path()).collect();
    let number = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    packaged.sort_by_key(|folder| Reverse(number(folder)));
    let folders = env::var_os("PG_BIN").map(PathBuf::from).into_iter().chain(env::split_paths(&path));
    let folders = folders.chain(packaged.into_iter().map(|version| version.join("bin")));
    folders.map(|folder| folder.join("pg_dump")).filter(|program| program.is_file()).collect()
}

async fn dump(program: &Path, server: &PgConnectOptions, place: &Path) -> Result<(), NotKept> {
    let begun = place.with_extension("next");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&begun)?;
    let (address, password) = address_of(server);
    let mut command = Command::new(program);
    command.args(["--format=custom", "--no-password", "--dbname", &address]);
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(Stdio::piped()).kill_on_drop(true);
    if let Some(password) = password {
        // Arguments can be read by everybody on this machine.
        command.env("PGPASSWORD", password);
    }
    let done = command.spawn()?.wait_with_output().await?;
    if !done.status.success() {
        fs::remove_file(&begun)?;
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        return Err(NotKept::Dump(program.display().to_string(), said));
    }
    file.sync_all()?;
    Ok(durable::rename(&begun, place)?)
}

/// How PostgreSQL's own programs find the database: its address without the password, and that.
fn address_of(server: &PgConnectOptions) -> (String, Option<String>) {
    let mut url = server.to_url_lossy();
    // Only this program's driver knows the last one.
    let known: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(key, _)| key != "statement-cache-capacity").collect();
    let password = url.password().map(|password| {
        let mut decoder = url.clone();
        decoder.set_query(Some(password));
        decoder.query_pairs().next().map(|(decoded, _)| decoded.into_owned()).unwrap_or_default()
    });
    url.query_pairs_mut().clear().extend_pairs(known);
    // It has a host, so that it may have a password, or none.
    let _ = url.set_password(None);
    (url.into(), password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_in_the_address() {
        let server: PgConnectOptions = "postgres://biostar:a%26b%25%20c@db.example:5433/database".parse().unwrap();
        let (address, password) = address_of(&server.application_name("biostar2"));
        assert_eq!(address, "postgres://biostar@db.example:5433/database?sslmode=prefer");
        assert_eq!(password.as_deref(), Some("a&b% c"));
        let socket: PgConnectOptions = "postgres://portal@localhost/database?host=/run/pg".parse().unwrap();
        assert_eq!(
            address_of(&socket),
            ("postgres://portal@%2Frun%2Fpg:5432/database?sslmode=prefer".to_owned(), None)
        );
    }

    #[test]
    fn nothing_in_the_archive_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let first = free_place(folder.path(), "biostar2", "dump").unwrap();
        fs::write(&first, "kept").unwrap();
        let second = free_place(folder.path(), "biostar2", "dump").unwrap();
        assert!(first.ends_with("archive/biostar2-1.dump") && second.ends_with("archive/biostar2-2.dump"));
    }
}
