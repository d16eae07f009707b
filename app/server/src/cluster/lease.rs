//! The lease on a database file that two servers share: whoever holds it, and nobody else, has the file open.
//!
//! The lease is a lock of the file system on `<database>.lease`, held as long as the database is open. It is never broken by
//! time: either the file system gives the lock, or a fencing hook has reported the other server off. What the holder
//! writes into the file says who it is, and shows it that the disk still takes what it writes.

mod file_system;
mod keeper;

pub use file_system::{FileSystemError, check_file_system};
pub(crate) use keeper::{Keeper, keep};

use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long a fencing hook may take.
const FENCE_LIMIT: Duration = Duration::from_secs(60);
/// Without a sign of life for this long the holder may be fenced.
const SILENCE: Duration = Duration::from_secs(15);

/// A database file that servers share, and how this one comes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// The database.
    pub database: PathBuf,
    /// Run through `sh -c` when the lock is not to be had and its holder gives no sign of life; 0 means that the other server
    /// is off.
    pub fence: Option<String>,
    /// Run through `sh -c` after this server's role has changed.
    pub role_hook: Option<String>,
    /// The address that a cluster manager moves to the active server.
    pub floating_ip: Option<std::net::IpAddr>,
}

/// Who holds the lease, as the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The server's id.
    pub server_id: String,
    /// Its name.
    pub server_name: String,
    /// Goes up with every sign of life.
    pub beat: u64,
    /// When the last was given, seconds since 1970 by the holder's clock.
    pub at_unix_s: u64,
}

/// A lease that is held; the lock goes with it.
#[derive(Debug)]
pub struct Lease {
    file: File,
    holder: Holder,
}

/// How the lock was got.
#[derive(Debug)]
pub enum Taken {
    /// The file system gave it.
    Locked(Lease),
    /// Another server has it.
    Held(Option<Holder>),
}

impl SharedFile {
    /// The file that is locked.
    #[must_use]
    pub fn lease_file(&self) -> PathBuf {
        let mut name: OsString = self.database.clone().into_os_string();
        name.push(".lease");
        name.into()
    }

    /// Whether the database is there. Where its disk is mounted on another machine, the lock that could be had here would
    /// be one on a folder of this machine's own.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.database.is_file()
    }

    /// Takes the lock if it is free.
    pub fn try_take(&self, server_id: &str, server_name: &str) -> io::Result<Taken> {
        let path = self.lease_file();
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        match file.try_lock() {
            Ok(()) => self.own(file, server_id, server_name).map(Taken::Locked),
            Err(TryLockError::WouldBlock) => Ok(Taken::Held(read_holder(&path))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Who wrote the lease last.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        read_holder(&self.lease_file())
    }

    /// Opens the lease without its lock, after the holder was reported off.
    pub fn take_from_the_fenced(&self, server_id: &str, server_name: &str) -> io::Result<Lease> {
        let path = self.lease_file();
        let aside = path.with_extension("lease.fenced");
        // The lock that cannot be had stays with the old file.
        fs::rename(&path, aside)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        file.try_lock().map_err(io::Error::from)?;
        self.own(file, server_id, server_name)
    }

    fn own(&self, file: File, server_id: &str, server_name: &str) -> io::Result<Lease> {
        let beat = read_holder(&self.lease_file()).map_or(0, |before| before.beat);
        let (server_id, server_name) = (server_id.to_owned(), server_name.to_owned());
        let mut lease = Lease { file, holder: Holder { server_id, server_name, beat, at_unix_s: 0 } };
        lease.beat()?;
        Ok(lease)
    }

    /// Runs the fencing hook; whether it reported the other server off.
    pub async fn fence(&self, holder: Option<&Holder>) -> bool {
        let Some(command) = &self.fence else { return false };
        let name = holder.map(|holder| holder.server_name.as_str()).unwrap_or_default();
        tracing::warn!(holder = name, "the holder of the shared database gives no sign of life: fencing it");
        let fenced = run_hook(command, &[("BIOSTAR_HOLDER", name)], FENCE_LIMIT).await;
        match &fenced {
            Ok(()) => tracing::warn!(holder = name, "the fencing hook reports it off"),
            Err(error) => tracing::error!(holder = name, error, "the fencing hook failed"),
        }
        fenced.is_ok()
    }
}

impl Lease {
    /// Gives a sign of life, and sees that the disk takes it.
    ///
    /// # Errors
    ///
    /// The disk's, or the file is not the one that was locked any more.
    pub fn beat(&mut self) -> io::Result<()> {
        self.holder.beat += 1;
        self.holder.at_unix_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let text = serde_json::to_vec(&self.holder)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len() as u64)?;
        self.file.sync_all()
    }

    /// Whether the file at `path` is still the one that is locked.
    pub fn is_at(&self, path: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt as _;
        let (own, there) = (self.file.metadata()?, fs::metadata(path)?);
        Ok((own.dev(), own.ino()) == (there.dev(), there.ino()))
    }

    /// Gives the lock back.
    pub fn release(self) {
        // The lock goes with the file in any case.
        let _ = self.file.unlock();
    }
}

/// Who wrote the lease last; `None` while nobody did, or in the middle of it.
fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Runs a hook of the administrator's to its end.
async fn run_hook(command: &str, words: &[(&str, &str)], limit: Duration) -> Result<(), String> {
    let mut shell = tokio::process::Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    for (name, value) in words {
        shell.env(name, value);
    }
    let ended = tokio::time::timeout(limit, shell.status()).await;
    let status = ended.map_err(|_| format!("it did not end within {} s", limit.as_secs()))?;
    let status = status.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(folder: &Path) -> SharedFile {
        SharedFile { database: folder.join("biostar2.db"), fence: None, role_hook: None, floating_ip: None }
    }

    fn taken(taken: Taken) -> Lease {
        match taken {
            Taken::Locked(lease) => lease,
            Taken::Held(holder) => panic!("held by {holder:?}"),
        }
    }

    #[test]
    fn one_has_it_and_the_other_sees_who() {
        let folder = tempfile::tempdir().unwrap();
        let shared = shared(folder.path());
        let mut lease = taken(shared.try_take("one", "BioStar Server #1").unwrap());
        let Taken::Held(Some(holder)) = shared.try_take("two", "BioStar Server #2").unwrap() else {
            panic!("not held")
        };
        assert_eq!((holder.server_id.as_str(), holder.beat), ("one", 1));
        lease.beat().unwrap();
        let Taken::Held(Some(later)) = shared.try_take("two", "BioStar Server #2").unwrap() else { panic!("not held") };
        assert_eq!(later.beat, 2);
        lease.release();
        let lease = taken(shared.try_take("two", "BioStar Server #2").unwrap());
        assert_eq!((lease.holder.server_id.as_str(), lease.holder.beat), ("two", 3));
    }

    #[test]
    fn whoever_was_fenced_sees_that_its_lease_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let shared = shared(folder.path());
        let fenced = taken(shared.try_take("one", "BioStar Server #1").unwrap());
        let lease = shared.take_from_the_fenced("two", "BioStar Server #2").unwrap();
        assert!(!fenced.is_at(&shared.lease_file()).unwrap());
        assert!(lease.is_at(&shared.lease_file()).unwrap());
    }

    #[tokio::test]
    async fn only_a_hook_that_succeeds_reports_a_server_off() {
        let folder = tempfile::tempdir().unwrap();
        let mut shared = shared(folder.path());
        assert!(!shared.fence(None).await);
        shared.fence = Some("exit 3".to_owned());
        assert!(!shared.fence(None).await);
        shared.fence = Some("test -n \"$BIOSTAR_HOLDER\"".to_owned());
        assert!(!shared.fence(None).await);
        let holder = Holder { server_id: "one".to_owned(), server_name: "One".to_owned(), beat: 1, at_unix_s: 0 };
        assert!(shared.fence(Some(&holder)).await);
    }
}
