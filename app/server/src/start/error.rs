//! Why a server did not start.

use crate::{
    cluster::lease::FileSystemError,
    config::ConfigError,
    data_folder::DataFolderError,
    db::StoreError,
    interfaces::peers::{FirstCopyError, JoinError},
    keys::KeysError,
};
use model::Fault;
use std::{io, net::SocketAddr, path::PathBuf};

/// Why a server did not start, in words for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A port that is taken, or an address that is not this machine's.
    #[error("{option} {address}: {error}")]
    Bind {
        /// The option that says where.
        option: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] DataFolderError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A server without its keys.
    #[error("{0} has no keys although a server lives there; restore the folder `keys` from a backup")]
    KeysMissing(PathBuf),
    /// Keys of another server.
    #[error("the keys in {0} belong to another server than server.json says; restore both from one backup")]
    KeysForeign(PathBuf),
    /// A server without its role.
    #[error("{0} has no role.json although a server lives there; restore it from a backup")]
    RoleMissing(PathBuf),
    /// The role cannot be read or written.
    #[error("role.json in {0}: {1}")]
    Role(PathBuf, io::Error),
    /// The server's certificate.
    #[error(transparent)]
    Tls(#[from] gateway::tls::TlsError),
    /// The certificate for HTTPS.
    #[error("{0} cannot be used for HTTPS: {1}")]
    HttpTls(PathBuf, String),
    /// The console's socket.
    #[error("the console's socket {0}: {1}")]
    Console(PathBuf, io::Error),
    /// Somebody else works on that database.
    #[error("the database that --database names belongs to another server: each installation needs one of its own")]
    DatabaseForeign,
    /// A standby reads a replica, and nothing else.
    #[error(
        "the database that --database names is no replica of this installation's: make one with pg_basebackup from the \
         active server's database, and start this server again"
    )]
    NoReplica,
    /// The databases.
    #[error("{0}{because}", because = because(.0))]
    Store(#[from] StoreError),
    /// Where the shared database lies.
    #[error(transparent)]
    FileSystem(#[from] FileSystemError),
    /// The lease on the shared database.
    #[error("the lease on {0} cannot be tried: {1}")]
    Lease(PathBuf, io::Error),
    /// Its disk is elsewhere, and there is no copy to go on with as standby.
    #[error("{0} is not here, and this server has no copy of it: mount its disk, then start this server again")]
    SharedGone(PathBuf),
    /// Somebody else's shared database.
    #[error("{0} belongs to another installation")]
    SharedForeign(PathBuf),
    /// Joining.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// What the first server gave is not usable.
    #[error("the server that made the join string gave keys that cannot be used: {0}")]
    JoinKeys(String),
    /// A standby without a database.
    #[error(transparent)]
    FirstCopy(#[from] FirstCopyError),
    /// A rule, for example that of passwords.
    #[error("{}", words_of(.0))]
    Fault(#[from] Fault),
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn words_of(fault: &Fault) -> String {
    match fault.errors() {
        [] => fault.to_string(),
        errors => {
            let told = errors.iter().map(|error| format!("{}: {}", error.field, error.rule));
            told.collect::<Vec<_>>().join("; ")
        }
    }
}

fn because(error: &StoreError) -> String {
    std::error::Error::source(error).map(|source| format!(" ({source})")).unwrap_or_default()
}
