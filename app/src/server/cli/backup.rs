//! `portal backup`

use super::{CliError, say};
use crate::server::{backup, clock::Clock};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// The database file that this server shares with the other, if it does
    #[arg(long, value_name = "FILE", env = "PORTAL_SHARED")]
    shared: Option<PathBuf>,
    /// The file to make; it holds the keys of the installation and must be kept as secret as they are
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let manifest =
        backup::make(&arguments.data.data, arguments.shared.as_deref(), &arguments.file, &Clock::system()).await?;
    let bytes: u64 = manifest.files.iter().map(|file| file.size).sum();
    eprintln!("It holds the keys of the installation in the clear: keep it secret.");
    say(format_args!("{} of {} in {}: {bytes} bytes", manifest.made_at, manifest.server_name, arguments.file.display()))
}
