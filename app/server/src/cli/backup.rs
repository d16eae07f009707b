//! `portal backup`

use super::{CliError, say};
use crate::{backup, clock::Clock, db::DatabasePlace};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// The database file that this server shares with the other, if it does
    #[arg(long, value_name = "FILE", env = "PORTAL_SHARED")]
    shared: Option<PathBuf>,
    /// The database server that holds this server's records, if one does; it is backed up with its own tools
    #[arg(long, value_name = "ADDRESS", env = "PORTAL_DATABASE", hide_env_values = true, conflicts_with = "shared")]
    database: Option<String>,
    /// The file to make; it holds the keys of the installation and must be kept as secret as they are
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let place = match (&arguments.database, &arguments.shared) {
        (Some(address), _) => DatabasePlace::Server(address),
        (None, Some(file)) => DatabasePlace::Shared(file),
        (None, None) => DatabasePlace::Own,
    };
    let manifest = backup::make(&arguments.data.data, place, &arguments.file, &Clock::system()).await?;
    if manifest.database_elsewhere {
        eprintln!("The records are on the database server and not in this backup: use pg_dump or pg_basebackup.");
    }
    let bytes: u64 = manifest.files.iter().map(|file| file.size).sum();
    eprintln!("It holds the keys of the installation in the clear: keep it secret.");
    say(format_args!("{} of {} in {}: {bytes} bytes", manifest.made_at, manifest.server_name, arguments.file.display()))
}
